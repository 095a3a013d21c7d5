#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What the demo scheduler promises, as tests in the guest: `ktrun -s build/scx_demo --test` runs them.
# docs/use/tutorial.md shows it. In: a guest in which the scheduler is attached. Exit: shunit2's.

test_the_scheduler_is_enabled() {
	assertEquals enabled "$(cat /sys/kernel/sched_ext/state)"
}

test_no_scheduler_was_rejected() {
	assertEquals 0 "$(cat /sys/kernel/sched_ext/nr_rejected)"
}

. shunit2

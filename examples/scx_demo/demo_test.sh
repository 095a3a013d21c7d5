#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Tests of the demo scheduler that run in the guest: `ktrun -s build/scx_demo --test` runs them, as the tutorial
# shows. In: a guest in which the scheduler is attached.

test_the_scheduler_is_enabled() {
	assertEquals enabled "$(cat /sys/kernel/sched_ext/state)"
}

test_no_scheduler_was_rejected() {
	assertEquals 0 "$(cat /sys/kernel/sched_ext/nr_rejected)"
}

. shunit2

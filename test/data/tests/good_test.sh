#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A script for ktrun --test: one test passes, one is skipped.

test_attached() {
	assertEquals enabled "$(cat /sys/kernel/sched_ext/state)"
}

test_skipped() {
	startSkipping
	assertTrue false
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# One VM from end to end, for `make check`: the demo scheduler attaches, a payload runs, and ktrun reports a pass.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

oneTimeSetUp() {
	vm smoke -s "$DEMO" -- sh -c 'cat /sys/kernel/sched_ext/root/ops; exit 7'
}

test_a_payload_runs_under_the_demo_scheduler() {
	look smoke
	assert_verdict fail 7
	assert_file_text scx_demo "$out"
	assert_nothing_left smoke
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The short part of `make torture`: some faults of each kind that a few seconds suffice for. The seed is
# fixed here, so that a run of the tests is the same as the last one.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/unit.sh"

SEED=1

# faults PART COUNT
faults() {
	timeout -k 5 400 "$KT_PYTHON" "$KT_TOP/test/deep/fault/faults.py" "$1" "$2" "$SEED" >said 2>&1
	kt_verdict $? "$1 has failed: $(head -c 1500 said)"
	assert_matches "^$1: $2 passed, 0 failed" said
}

test_system_calls_that_fail_are_survived_or_reported() {
	timeout -k 5 300 "$KT_PYTHON" "$KT_TOP/test/deep/fault/inject.py" "$KT_BUSYBOX" 140 "$SEED" >said 2>&1
	assert_matches '^inject: 140 passed, 0 failed' said
	assert_matches 'said so' said # some did harm
	assert_no_match '^inject [0-9]+: ' said
}

test_a_process_of_ktbox_in_the_guest_is_killed() {
	faults kills 3
}

test_a_process_of_ktrun_is_killed() {
	faults host-kills 3
	faults interrupts 8
}

test_the_scheduler_ends_about_when_the_payload_does() {
	faults deaths 3
}

test_the_kernel_panics_at_some_moment() {
	faults panics 2
}

test_random_wake_bytes_at_full_speed() {
	faults flood 2
}

test_the_reader_stands_still_for_seconds() {
	faults stops 1
}

test_the_folder_for_temporary_files_and_the_memory_are_full() {
	faults full 1
	faults memory 1
}

test_the_bulk_port_is_missing() {
	faults no-port 1
}

test_a_rule_that_is_broken_is_reported() {
	kt_fault='import sys; sys.path.insert(0, sys.argv[1]); import faults
faults.FAULTS["boots"] = lambda rng, index: faults.expect(faults.Run(["--", "false"]), "pass")
sys.exit(faults.main("boots", "1", "1"))'
	"$KT_PYTHON" -c "$kt_fault" "$KT_TOP/test/deep/fault" >said 2>&1
	assertEquals "status" 1 $?
	assert_matches '^boots 0: verdict fail .*not pass' said
	rm -rf "$TMPDIR"/ktfault.*
}

. shunit2

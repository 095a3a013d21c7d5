#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# How ktrun runs a guest: the acknowledgement of its exit frame, a reader that dies, the files of the run before. QEMU is
# a script.

# shellcheck disable=SC1091,SC2154,SC2086,SC2016 # what is sourced sets them; items are words; scripts are text
. "$KT_TEST_LIB/stub.sh"

test_the_exit_frame_is_acknowledged() {
	echo 'exec head -c 1 "$hvc.in" >"$stub/ack"' >stub/act
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -- true
	assert_verdict pass 0
	printf '\256' >expected
	assert_same_bytes expected stub/ack
}

# Here the reader of the frames ends early, which is no exit frame of the guest.
test_a_run_whose_output_cannot_be_written_goes_on_and_is_decoded_whole() {
	echo 'exec timeout 2 head -c 1 "$hvc.in" >"$stub/ack"' >stub/act
	streams $READY $STARTED 'stdout=to\x20nobody\n' $OUT0 $EXIT
	timeout -k 2 "$KT_CEILING" "$KTRUN" -o "$PWD/art" -- true >/dev/full 2>err
	status=$?
	assert_verdict pass 0
	assert_file_text 'to nobody' art/stdout
	assert_empty stub/ack
}

test_files_of_the_run_before_are_gone_and_those_of_others_stay() {
	streams $READY $STARTED stdout=first $OUT0 $EXIT
	ktrun -- true
	echo mine >art/notes.txt
	mkdir art/sched-1.log
	streams $READY $STARTED $OUT7 $EXIT
	run "$KTRUN" -o "$PWD/art" -- true
	assert_verdict fail 7
	assert_same_bytes stub/stream art/bulk.bin
	assert_empty_or_missing art/stdout
	assert_file_text mine art/notes.txt
	assertTrue "a directory of others" "[ -d art/sched-1.log ]"
}

. shunit2

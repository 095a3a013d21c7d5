#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# How ktrun runs a guest: the acknowledgement of its exit frame, a reader that dies, the files of the run before. QEMU
# is a script.

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

# The run goes on to its end, and its files are whole.
test_an_output_that_cannot_be_written_is_an_error_instead_of_a_pass() {
	echo 'exec head -c 1 "$hvc.in" >"$stub/ack"' >stub/act
	streams $READY $STARTED 'stdout=to\x20nobody\n' $OUT0 $EXIT
	timeout -k 2 "$KT_CEILING" "$KTRUN" -o "$PWD/art" -- true >/dev/full 2>err
	status=$?
	assert_verdict error 205
	assert_value reason "ktrun's stdout could not be written"
	assert_file_text 'to nobody' art/stdout
	assertEquals "acknowledged" 1 "$(wc -c <stub/ack)"
	run "$KTRUN" --replay art
	assert_status 205
	sed -i 's/"unwritten": *"stdout"/"unwritten":null/; s/"unwritten":"stdout"/"unwritten":null/' art/host.json
	timeout -k 2 "$KT_CEILING" "$KTRUN" --replay art >/dev/full 2>err
	assertEquals "a replay to a full disk" 205 $?
	streams $READY $STARTED 'stderr=to\x20nobody\n' $OUT0 $EXIT
	run sh -c '"$0" -o "$PWD/art" -- true 2>/dev/full' "$KTRUN"
	assert_value reason "ktrun's stderr could not be written"
	streams $READY $STARTED 'stdout=to\x20nobody\n' $OUT7 $EXIT
	"$KTRUN" -o "$PWD/art" -- true >/dev/full 2>err
	assertEquals "a failure stays one" 7 $?
	"$KTRUN" -o "$PWD/art" -- true | :
	assert_value verdict fail
}

test_a_reader_of_the_output_that_leaves_is_no_error() {
	streams $READY $STARTED 'stdout=to\x20nobody\n' $OUT0 $EXIT
	{ "$KTRUN" -o "$PWD/art" -- true; echo $? >code; } | :
	assert_file_text 0 code
	assert_value verdict pass
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

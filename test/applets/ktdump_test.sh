#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktdump: logs as blocks, of any bytes and size; staged logs in order; texts; no forged marker; the lock.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/unit.sh"

START='===SCHED_OUTPUT_START==='
END='===SCHED_OUTPUT_END==='
START_FRAME="sched-log 24 $START"
END_FRAME="sched-log 22 $END"

# log_in PORT: the bytes of its one block.
log_in() {
	"$KT_PYTHON" - "$1" <<'PYTHON'
import os, sys
sys.path.insert(0, os.environ["KT_TOP"] + "/test/tools")
import frames
found = list(frames.frames_of(frames.read(sys.argv[1])))
assert all(tag == b"GLCS" and len(payload) <= 32752 for tag, payload in found)
assert found[0][1] == b"===SCHED_OUTPUT_START===" and found[-1][1] == b"===SCHED_OUTPUT_END===", found
assert not any(payload in (found[0][1], found[-1][1]) for _, payload in found[1:-1])
sys.stdout.buffer.write(b"".join(payload for _, payload in found[1:-1]))
PYTHON
}

# dumps FILE: ktdump sends the file as one block, with its very bytes.
dumps() {
	rm -f port
	run_kt ktdump -p port "$1"
	assert_status 0
	log_in port >got
	assert_same_bytes "$1" got
}

test_a_log_is_start_bytes_end() {
	printf 'a line\nno newline at the end' >log
	run_kt ktdump -p port log
	assert_status 0
	assert_frames port "$START_FRAME" 'sched-log 28 a line\nno newline at the end' "$END_FRAME"
}

test_an_empty_log_is_an_empty_block() {
	: >log
	run_kt ktdump -p port log
	assert_status 0
	assert_frames port "$START_FRAME" "$END_FRAME"
}

test_any_size_and_any_bytes() {
	for size in 1 23 24 25 32751 32752 32753 65504 65505 300001; do
		bytes $size >log
		dumps log
	done
}

test_a_real_verifier_log() {
	dumps "$DATA/verifier.log"
}

test_several_files_are_several_blocks_in_the_order_given() {
	printf two >b
	printf one >a
	run_kt ktdump -p port b a
	assert_status 0
	assert_frames port "$START_FRAME" 'sched-log 3 two' "$END_FRAME" "$START_FRAME" 'sched-log 3 one' \
		"$END_FRAME"
}

test_a_missing_file_is_an_empty_block_and_exit_1_after_the_others() {
	printf one >a
	run_kt ktdump -p port missing a
	assert_error ktdump
	assert_matches 'missing' err
	assert_frames port "$START_FRAME" "$END_FRAME" "$START_FRAME" 'sched-log 3 one' "$END_FRAME"
}

test_an_unreadable_file_is_an_empty_block_and_exit_1_after_the_others() {
	printf one >a
	mkdir folder
	run_kt ktdump -p port folder a
	assert_error ktdump
	assert_frames port "$START_FRAME" "$END_FRAME" "$START_FRAME" 'sched-log 3 one' "$END_FRAME"
}

test_a_file_without_permission_is_an_empty_block_and_exit_1() {
	printf one >a
	chmod 0 a
	without_capabilities "$KT_BUSYBOX" ktdump -p port a >out 2>err
	status=$?
	assert_error ktdump
	assert_frames port "$START_FRAME" "$END_FRAME"
}

test_a_chunk_that_equals_a_marker_is_sent_in_two_frames() {
	for marker in "$START" "$END"; do
		printf %s "$marker" >log
		dumps log
		assertEquals "frames" 4 "$(decode port | wc -l)"
	done
}

test_a_last_chunk_that_equals_a_marker_is_sent_in_two_frames() {
	for marker in "$START" "$END"; do
		{ text 32752 && printf %s "$marker"; } >log
		dumps log
		assertEquals "frames" 5 "$(decode port | wc -l)"
		assertEquals "markers" 1 "$(decode port | grep -c "$marker")"
	done
}

test_a_marker_within_a_chunk_changes_nothing() {
	printf '%s\n%s\n' "$START" "$END" >log
	dumps log
	assertEquals "frames" 3 "$(decode port | wc -l)"
}

test_a_growing_log_is_sent_up_to_the_size_that_it_had() {
	bytes 1000000 >log
	cp log before
	mkfifo fifo
	"$KT_BUSYBOX" ktdump -p fifo log &
	pid=$!
	exec 4<fifo
	timeout "$KT_CEILING" head -c 32808 <&4 >port # START and the first chunk: it has begun, and can't be far
	bytes 1000000 2 >>log
	timeout "$KT_CEILING" cat <&4 >>port
	exec 4<&-
	end_of $pid
	assertEquals "status" 0 "$status"
	log_in port >got
	assert_same_bytes before got
}

test_a_log_that_shrinks_meanwhile_still_ends_its_block() {
	bytes 1000000 >log
	mkfifo fifo
	"$KT_BUSYBOX" ktdump -p fifo log 2>err &
	pid=$!
	exec 4<fifo
	timeout "$KT_CEILING" head -c 32808 <&4 >port
	: >log
	timeout "$KT_CEILING" cat <&4 >>port
	exec 4<&-
	end_of $pid
	assertEquals "$END_FRAME" "$(decode port | tail -n 1)"
}

test_a_log_of_200_mb_needs_little_memory() {
	truncate -s 200M log
	(limit_memory 16384 && exec timeout "$KT_CEILING" "$KT_BUSYBOX" ktdump -p /dev/null log) >out 2>err
	status=$?
	assert_status 0
}

test_staged_logs_come_in_natural_order_without_the_empty_ones() {
	mkdir staged
	for number in 1 2 9 10 11 100; do printf 'log %s' $number >staged/sched_$number.log; done
	: >staged/sched_5.log
	for other in sched.log sched_3.txt xsched_4.log sched_7.log.old; do printf other >"staged/$other"; done
	run_kt ktdump -p port -s staged
	assert_status 0
	assertEquals "log 1 log 2 log 9 log 10 log 11 log 100" \
		"$(decode port | grep -v OUTPUT | sed 's/sched-log [0-9]* //' | tr '\n' ' ' | sed 's/ $//')"
	assertEquals "blocks" 6 "$(decode port | grep -c "$START")"
}

test_staged_logs_with_leading_zeros_and_large_numbers() {
	mkdir staged
	for number in 08 9 010 99999999999999999999 100000000000000000000; do
		printf 'log %s' $number >staged/sched_$number.log
	done
	run_kt ktdump -p port -s staged
	assertEquals "log 08 log 9 log 010 log 99999999999999999999 log 100000000000000000000" \
		"$(decode port | grep -v OUTPUT | sed 's/sched-log [0-9]* //' | tr '\n' ' ' | sed 's/ $//')"
}

test_no_staged_log_sends_nothing() {
	mkdir staged
	run_kt ktdump -p port -s staged
	assert_status 0
	assert_empty_or_missing port
}

test_a_staged_folder_that_is_not_there_is_an_error() {
	run_kt ktdump -p port -s missing
	assert_error ktdump
}

test_a_text_is_one_frame_outside_of_a_block() {
	run_kt ktdump -p port -m 'unable to start'
	assert_status 0
	assert_frames port 'sched-log 15 unable to start'
}

test_a_long_text_is_cut_off_at_one_frame() {
	run_kt ktdump -p port -m "$(text 40000)"
	assert_status 0
	text 32752 >expected
	encode sched-log@expected >expected.port
	assert_same_bytes expected.port port
}

test_blocks_of_several_ktdump_never_interleave() {
	exec 7>>port
	KT_PORT_FD=7
	export KT_PORT_FD
	writers=
	for letter in a b c d; do
		text 2000000 | tr x $letter >log$letter
		"$KT_BUSYBOX" ktdump log$letter &
		writers="$writers $!"
	done
	for pid in $writers; do wait "$pid"; done
	unset KT_PORT_FD
	exec 7>&-
	"$KT_PYTHON" - port >said <<'PYTHON'
import os, sys
sys.path.insert(0, os.environ["KT_TOP"] + "/test/tools")
import frames
letters = set()
for _, payload in frames.frames_of(frames.read(sys.argv[1])):
    if payload == b"===SCHED_OUTPUT_START===":
        letters = set()
    elif payload == b"===SCHED_OUTPUT_END===":
        print("".join(map(chr, letters)))
    else:
        letters |= set(payload)
PYTHON
	assertEquals "a b c d" "$(sort said | tr '\n' ' ' | sed 's/ $//')"
}

test_a_block_waits_for_the_lock() {
	exec 6>run/sched-log.lock
	flock 6
	"$KT_BUSYBOX" ktdump -p port "$DATA/verifier.log" 6>&- &
	pid=$!
	a_moment
	assert_empty_or_missing port
	exec 6>&-
	end_of $pid
	assertEquals "status" 0 "$status"
	assertEquals "$START_FRAME" "$(decode port | head -n 1)"
}

test_a_block_is_alone_with_the_lock() { # not one of many who share it
	exec 6>run/sched-log.lock
	flock -s 6
	"$KT_BUSYBOX" ktdump -p port "$DATA/verifier.log" 6>&- &
	pid=$!
	a_moment
	assert_empty_or_missing port
	exec 6>&-
	end_of $pid
	assertEquals "status" 0 "$status"
}

test_a_port_that_fails_is_an_error() {
	printf one >a
	run_kt ktdump -p /dev/full a
	assert_error ktdump
}

test_usage_errors_are_errors() {
	run_kt ktdump -p port
	assertNotEquals 0 "$status"
	run_kt ktdump -p port -s . -m text
	assertNotEquals 0 "$status"
	run_kt ktdump -p port -m
	assertNotEquals 0 "$status"
	assert_empty_or_missing port
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What a hostile guest may make of the host: disk (--max-output), memory, the lines on stderr. QEMU is a
# script here; that a guest can't do more is shown in test/vm/hostile_test.sh and by `make torture`.

# shellcheck disable=SC1091,SC2154,SC2086 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"

LIMIT_KIB=65536 # of ktrun and all that it starts: 64 MiB

# flooding FILE BYTES: QEMU writes that many to bulk, console or qemu (its own messages).
flooding() {
	streams $READY $STARTED
	# shellcheck disable=SC2016  # for the stub
	case $1 in
	qemu) echo "exec head -c $2 /dev/zero >&2" ;;
	*) echo "exec head -c $2 /dev/zero >>\"\$$1\"" ;;
	esac >stub/act
}

# disk: bytes of all artifacts.
disk() {
	find art -type f -exec stat -c %s {} + | awk '{ n += $1 } END { print n + 0 }'
}

test_what_a_guest_sends_is_cut_at_its_share_and_the_run_ends() {
	flooding bulk 100000000
	ktrun --max-output 16M -- true
	assert_verdict output-limit 211
	assertEquals "size of bulk.bin" $((16 * 1048576 / 8)) "$(stat -c %s art/bulk.bin)"
	value reason >reason.out
	assert_matches 'bulk.bin.*--max-output' reason.out
	assert_no_temporary_folder
}

test_what_a_guest_prints_is_cut_too() {
	flooding console 100000000
	ktrun --max-output 16M -- true
	assert_verdict output-limit 211
	assertEquals "size of console.log" $((16 * 1048576 / 8)) "$(stat -c %s art/console.log)"
	value reason >reason.out
	assert_matches console.log reason.out
}

# QEMU drops what comes out of a UART behind the limit, and goes on.
test_a_console_that_was_cut_is_reported_whatever_the_frames_say() {
	streams $READY $STARTED $OUT0 $EXIT
	# shellcheck disable=SC2016  # for the stub
	echo 'head -c 100000000 /dev/zero >>"$console"' >stub/act
	ktrun --max-output 16M -- true
	assert_verdict output-limit 211
	cp err first
	run "$KTRUN" --replay "$PWD/art"
	assert_verdict output-limit 211
	assert_same_bytes first err
}

test_a_limit_that_was_reached_comes_before_a_time_out() {
	# shellcheck disable=SC2016
	echo 'head -c 100000000 /dev/zero >>"$console"; exec sleep 1000' >stub/act
	streams $READY $STARTED
	ktrun -t 1 --max-output 16M -- true
	assert_verdict output-limit 211
}

test_what_a_guest_makes_qemu_say_is_cut_too() {
	flooding qemu 100000000
	ktrun --max-output 16M -- true
	assert_verdict output-limit 211
	assertEquals "size of qemu.log" $((16 * 1048576 / 8)) "$(stat -c %s art/qemu.log)"
}

test_what_stays_below_its_share_is_let_through() {
	text 2000000 >block
	encode $READY $STARTED stdout@block $OUT0 $EXIT >stub/stream
	ktrun --max-output 16M -- true
	assert_verdict pass 0
	assert_same_bytes block art/stdout
}

test_the_default_lets_a_payload_print_100_mb() {
	text 10000000 >block
	encode $READY $STARTED stdout@block stdout@block stdout@block stdout@block stdout@block \
		stdout@block stdout@block stdout@block stdout@block stdout@block $OUT0 $EXIT >stub/stream
	ktrun -- true
	assert_verdict pass 0
	assertEquals "size of stdout" 100000000 "$(stat -c %s art/stdout)"
}

# A log is in two files: nothing else is decoded into more than its size.
test_with_all_that_is_decoded_the_folder_stays_below_the_size() {
	text 30000 >block
	"$KT_PYTHON" "$KT_TOP/test/deep/fault/hostile_stream.py" logs 3000000 >junk
	streams $READY $STARTED sched-log====SCHED_OUTPUT_START===
	mv junk stub
	# shellcheck disable=SC2016  # for the stub
	echo 'head -c 3000000 /dev/zero >>"$console"; exec cat "$stub/junk" >>"$bulk"' >stub/act
	ktrun --max-output 16M -- true
	assert_verdict output-limit 211
	assertTrue "$(disk) bytes" "[ $(disk) -le $((16 * 1048576)) ]"
	assertTrue "the log is there twice: $(disk) bytes" "[ $(disk) -gt $((3 * 2000000)) ]"
}

test_no_core_is_left_by_a_qemu_that_is_stopped() {
	# shellcheck disable=SC2016
	echo 'ulimit -c >"$stub/core"' >stub/act
	streams $READY $STARTED $OUT0 $EXIT
	# shellcheck disable=SC3045  # dash and ash have it
	ulimit -S -c unlimited
	ktrun -- true
	assert_file_text 0 stub/core
}

test_a_size_is_a_number_with_a_unit() {
	for size in '' 0 1 1023K 0M -1 M x 1T 1.5G 12345678M 01M; do
		ktrun --max-output "$size" -- true
		assert_refused
		assert_matches 'ktrun: --max-output' err
	done
	for size in 1M 1024K 1048576 9999999G; do
		ktrun -n --max-output=$size -- true
		assert_status 0
	done
}

# hostile KIND BYTES: ktrun on such a stream stays below the bounds. The lines of a printk are shown live,
# all of them; what else is told of a stream is little.
hostile() {
	"$KT_PYTHON" "$KT_TOP/test/deep/fault/hostile_stream.py" "$1" "$2" >stub/stream
	rm -rf art
	run "$KT_PYTHON" "$KT_TOP/test/deep/fault/peak.py" peak "$KTRUN" -o "$PWD/art" -- true
	peak=$(sed 's/peak_kib=\([0-9]*\) .*/\1/' peak)
	assertTrue "$1: $(cat peak)" "[ $peak -lt $LIMIT_KIB ]"
	[ "$1" = printk ] || assertTrue "$1: $(wc -c <err) bytes on stderr" "[ $(wc -c <err) -lt 100000 ]"
	assertEquals "$1: control characters on stderr" "" "$(tr -d '\n\t -~' <err | head -c 20 | od -An -tx1)"
	assertEquals "$1: verdict" lost "$(value verdict)"
	assertEquals "$1: files" "" "$(find . -newer stub/stream -name '*evil*')"
}

test_streams_of_a_hostile_guest_cost_bounded_memory_and_few_lines() {
	for kind in junk announce far specks texts printk logs lives dumps; do
		hostile $kind 5000000
	done
}

test_a_console_without_line_ends_costs_bounded_memory() {
	streams $READY $STARTED
	{ head -c 60000000 /dev/zero | tr '\0' x; printf 'sched_ext_dump: x task: y'; } >stub/console
	run "$KT_PYTHON" "$KT_TOP/test/deep/fault/peak.py" peak "$KTRUN" -o "$PWD/art" -- true
	peak=$(sed 's/peak_kib=\([0-9]*\) .*/\1/' peak)
	assertTrue "$(cat peak)" "[ $peak -lt $LIMIT_KIB ]"
	assert_verdict lost 203
}

test_the_measure_of_memory_sees_a_glutton() {
	run "$KT_PYTHON" "$KT_TOP/test/deep/fault/peak.py" peak sh -c 'head -c 300000000 /dev/zero | tail -n 1 >/dev/null'
	peak=$(sed 's/peak_kib=\([0-9]*\) .*/\1/' peak)
	assertTrue "$(cat peak)" "[ $peak -gt $LIMIT_KIB ]"
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A scheduler that writes 20 MB of binary log, and then dies: the log arrives whole, markers and all else
# untouched.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

SIZE=20000000

# noise COUNT: by the formula of examples/scx_demo/README.md; the pattern comes again only after 2^32 bytes.
noise() {
	"$KT_PYTHON" -c 'import sys
n = int(sys.argv[1])
sys.stdout.buffer.write(bytes(((i * 2654435761) & 0xffffffff) >> 24 for i in range(n)))' "$1"
}

oneTimeSetUp() {
	vm noise -s "$DEMO" -a "--noise $SIZE --error-after 100" -- sleep 600
	noise "$SIZE" >"$FILES/noise.bin"
}

test_a_log_of_20_mb_arrives_whole_and_in_one_block() {
	look noise
	assert_verdict sched-died 202
	assert_value sched_log_blocks 1
	assert_value damaged 0
	assertTrue "bytes of log: $(value sched_log_bytes)" "[ $(value sched_log_bytes) -gt $SIZE ]"
	assertEquals "size of sched.log" "$(value sched_log_bytes)" "$(wc -c <"$art/sched.log")"
}

test_its_bytes_are_the_scheduler_s() {
	look noise
	first=$(head -n 1 "$art/sched.log" | wc -c)
	tail -c +$((first + 1)) "$art/sched.log" | head -c "$SIZE" >between
	assert_same_bytes "$FILES/noise.bin" between
	assertEquals "$(sha256sum <"$FILES/noise.bin")" "$(sha256sum <between)"
}

test_its_first_and_last_words_are_there_too() {
	look noise
	assertEquals "scx_demo: attached" "$(head -n 1 "$art/sched.log")"
	assertEquals "scx_demo: ejected by the kernel" "$(tail -n 1 "$art/sched.log")"
	assert_dump_whole 1
}

. shunit2

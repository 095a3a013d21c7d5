#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# kthvc on a terminal of tools/terminal.py: raw mode, all bytes, dumps, the order of what one read returns,
# its ends.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/unit.sh"

setUp() {
	mkfifo commands answers sysrq
	"$KT_PYTHON" "$KT_TOP/test/tools/terminal.py" tty <commands >answers &
	tty_pid=$!
	exec 3>commands 4<answers 5<>sysrq
	read -r answer <&4
}

tearDown() {
	exec 3>&- 4<&- 5>&-
	wait "$tty_pid"
	return 0
}

# tty COMMAND [WORD]: leaves its answer in $answer.
tty() {
	echo "$*" >&3
	read -r answer <&4
}

# start_kthvc: runs it, and waits until the terminal is raw.
start_kthvc() {
	"$KT_BUSYBOX" kthvc -i tty -s sysrq 2>err 3>&- 4<&- 5>&- &
	pid=$!
	tty raw
	assertEquals raw "$answer"
}

end_kthvc() {
	kill -TERM "$pid"
	end_of "$pid"
	assertEquals "status of kthvc: $(cat err)" 0 "$status"
}

# send_in_one_read HEX: the bytes are all there before kthvc reads.
send_in_one_read() {
	kill -STOP "$pid"
	tty send "$1"
	tty arrived $((${#1} / 2))
	kill -CONT "$pid"
}

# sysrq_got: what was written to the sysrq file until now.
sysrq_got() {
	dd iflag=nonblock bs=4096 <&5 2>dd.err
}

test_the_terminal_is_raw_while_it_lives_and_restored_at_the_end() {
	tty modes
	before=$answer
	assertContains "$before" ICANON
	start_kthvc
	tty modes
	assertEquals none "$answer"
	end_kthvc
	tty modes
	assertEquals "$before" "$answer"
}

test_each_latch_byte_sets_its_latch() {
	start_kthvc
	for pair in bf:bpf_map_write_done ac:accessor_ready ad:periodic_ready ae:artifacts_received d3:shutdown; do
		latch=${pair#*:}
		assert_no_latch "$latch"
		tty send "${pair%%:*}"
		wait_latch "$latch"
		assert_latch "$latch"
	done
	end_kthvc
	assertEquals "sysrq" "" "$(sysrq_got)"
}

test_the_dump_byte_writes_D() {
	start_kthvc
	tty send d1
	assertEquals D "$(timeout "$KT_CEILING" head -c 1 <&5)"
	tty send d1
	assertEquals D "$(timeout "$KT_CEILING" head -c 1 <&5)"
	end_kthvc
	assertEquals "more" "" "$(sysrq_got)"
}

test_dump_bytes_of_one_read_are_one_dump() {
	start_kthvc
	send_in_one_read d1d1d1bfd1d3
	wait_latch shutdown
	end_kthvc
	assertEquals D "$(sysrq_got)"
}

test_everything_else_is_done_before_shutdown() {
	start_kthvc
	send_in_one_read d3d1bfacadae
	wait_latch shutdown
	for latch in bpf_map_write_done accessor_ready periodic_ready artifacts_received; do
		assert_latch $latch
	done
	assertEquals D "$(sysrq_got)"
	end_kthvc
}

test_all_256_values_pass_and_the_unknown_are_counted() {
	start_kthvc
	tty send "$("$KT_PYTHON" -c 'print(bytes(range(256)).hex())')"
	wait_latch shutdown bpf_map_write_done accessor_ready periodic_ready artifacts_received
	end_kthvc
	assertEquals "dump, tasks, blocked tasks" Dtw "$(sysrq_got)"
	assert_matches '(^|[^0-9])248([^0-9]|$)' err
}

test_unknown_bytes_do_nothing() {
	start_kthvc
	tty send 00030d1a1c7fd0d2ff
	tty send bf
	wait_latch bpf_map_write_done
	assertEquals "latches" bpf_map_write_done "$(cd run && echo *done*)"
	assert_no_latch shutdown
	end_kthvc
	assertEquals "dumps" "" "$(sysrq_got)"
}

test_nothing_is_echoed_to_the_host() {
	start_kthvc
	tty send 4142d10dbf
	wait_latch bpf_map_write_done
	end_kthvc
	tty output
	assertEquals none "$answer"
}

test_it_goes_on_after_shutdown_until_term() {
	start_kthvc
	tty send d3
	wait_latch shutdown
	tty send ae
	wait_latch artifacts_received
	assertTrue "it lives" "kill -0 $pid"
	end_kthvc
}

test_hangup_without_data_ends_it() {
	start_kthvc
	tty hangup
	end_of $pid
	assertNotEquals "killed by the ceiling" 137 "$status"
}

test_a_sysrq_file_that_cannot_be_written_is_said_and_not_the_end() {
	"$KT_BUSYBOX" kthvc -i tty -s no/such/file 2>err 3>&- 4<&- 5>&- &
	pid=$!
	tty raw
	tty send d1bf
	wait_latch bpf_map_write_done
	end_kthvc
	assert_matches '^kthvc: unable to [a-z]+ .*no/such/file.*: No such file' err
}

test_a_terminal_that_is_missing_is_an_error() {
	run_kt kthvc -i missing -s sysrq
	assert_error kthvc
	assert_matches missing err
}

test_it_does_not_wake_by_itself() {
	start_kthvc
	a_moment
	assert_sleeps "$pid"
	end_kthvc
}

test_what_came_is_reported_with_its_time_where_marks_are_wanted() {
	exec 6>marks
	KT_MARKS=1 KT_PORT_FD=6
	export KT_MARKS KT_PORT_FD
	start_kthvc
	unset KT_MARKS KT_PORT_FD
	send_in_one_read d1ae00d3
	wait_latch shutdown artifacts_received
	end_kthvc
	exec 6>&-
	decode marks >frames
	assertEquals mark "$(types_in marks)"
	assert_matches '^mark 22 [0-9]+ wake:0xd1,0xd3$' frames
}

test_the_time_is_that_of_the_bytes_and_not_of_the_end_of_what_they_asked_for() {
	exec 6>marks
	KT_MARKS=1 KT_PORT_FD=6
	export KT_MARKS KT_PORT_FD
	start_kthvc
	unset KT_MARKS KT_PORT_FD
	head -c 65536 /dev/zero >&5 # the pipe is full: the dump takes until it is read
	sent=$(clock_ms)
	send_in_one_read d1d3
	a_moment
	later=$(clock_ms)
	head -c 65537 <&5 >sysrq.read
	wait_latch shutdown
	end_kthvc
	exec 6>&-
	came=$(decode marks | sed -n 's/^mark 22 \([0-9]*\) wake.*/\1/p')
	[ -n "$came" ] && [ "$came" -ge "$sent" ] && [ $((came + 100)) -lt "$later" ]
	kt_verdict $? "the mark says $came; it was sent at $sent, and at $later it was not done"
}

. shunit2

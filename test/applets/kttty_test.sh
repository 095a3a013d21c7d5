#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The port ktbox-ctl with a pair of fifos for the device: kttty on the host's side, ktstdin and ktterm on
# the guest's. Bytes, the end of input, the window's size, the key, what a slow or a missing other side
# does.

# shellcheck disable=SC1091,SC2016,SC2154 # what is sourced sets them; text for other shells
. "$KT_TEST_LIB/unit.sh"
. "$KT_TEST_LIB/user.sh"

setUp() {
	mkfifo ctl.in ctl.out
	exec 8<>ctl.in 9<>ctl.out # as QEMU holds them
}

tearDown() {
	exec 8>&- 9>&-
}

# attach: kttty in the background, with this function's stdin.
attach() {
	"$KT_BUSYBOX" kttty ctl <&5 2>attach.err &
	attach_pid=$!
}

detach() {
	kill -TERM "$attach_pid"
	end_of "$attach_pid"
	assertEquals "status of kttty: $(cat attach.err)" 0 "$status"
}

# guest_reads [COUNT]: ktstdin, and what it makes of the input, in the file got.
guest_reads() {
	timeout "$KT_CEILING" "$KT_BUSYBOX" ktstdin -p ctl >got 2>err
	status=$?
}

test_what_is_piped_in_comes_out_whole() {
	bytes 5000000 >data
	exec 5<data
	attach
	guest_reads
	assert_status 0
	assert_same_bytes data got
	detach
}

test_an_empty_input_is_an_end_and_not_a_wait() {
	exec 5</dev/null
	attach
	guest_reads
	assert_status 0
	assert_empty got
	detach
}

test_input_is_passed_on_as_it_comes() {
	mkfifo in
	exec 5<>in
	attach
	printf first >&5
	timeout "$KT_CEILING" head -c 21 <&8 >frame
	assert_frames frame 'stdin 5 first'
	printf second >&5
	timeout "$KT_CEILING" head -c 22 <&8 >frame
	assert_frames frame 'stdin 6 second'
	detach
}

test_input_that_nobody_takes_is_left_in_its_pipe() {
	mkfifo in
	exec 5<>in
	attach
	head -c 1000000 /dev/zero >in &
	writer=$!
	a_moment
	kill -0 "$writer"
	kt_verdict $? "the writer has ended: everything was taken"
	kill -KILL "$writer"
	detach
}

# unreadable: input from descriptor 5 is an end, and a message says why.
unreadable() {
	attach
	guest_reads
	assert_status 0
	assert_empty got
	detach
	assert_matches "^kttty: unable to read stdin: $1" attach.err
}

test_input_that_can_not_be_read_is_an_end_with_a_message() {
	exec 5<.
	unreadable 'Is a directory'
}

test_a_pipe_s_end_for_writing_is_no_input_to_wait_for() {
	mkfifo in
	exec 6<>in
	exec 5>in
	unreadable 'it is open for writing only$'
	exec 6>&-
}

# The first page of a process is never there.
test_an_input_error_of_what_is_no_terminal_is_no_background_job() {
	exec 5<"/proc/$$/mem"
	unreadable '(I/O|Input/output) error'
}

test_a_payload_that_has_had_enough_ends_ktstdin() {
	encode stdin=aa stdin=bb stdin=cc >&8
	{
		timeout "$KT_CEILING" "$KT_BUSYBOX" ktstdin -p ctl 2>err
		echo $? >code
	} | {
		head -c 1 >got
		exec <&-
		encode stdin=more >&8
	}
	assertEquals "a" "$(cat got)"
	assertEquals "status" 0 "$(cat code)"
}

test_frames_that_are_not_for_it_are_passed_over() {
	encode window-size=abcd stdin=one 0x41424344=what stdin=two stdin >&8
	guest_reads
	assert_status 0
	assert_file_text onetwo got
}

test_damage_costs_its_frame_and_is_reported() {
	encode stdin=one badcrc:stdin=LOST stdin=two stdin >&8
	guest_reads
	assert_status 1
	assert_file_text onetwo got
	assert_matches '^ktstdin: 20 bytes of the input were lost' err
}

test_a_port_that_is_not_there_is_an_error() {
	run_kt ktstdin -p nowhere
	assert_error ktstdin
	run_kt ktterm -p nowhere true
	assert_error ktterm
	run_kt kttty nowhere
	assert_error kttty
}

# shell_session: ktterm with a shell, and a user at kttty.
shell_session() {
	PS1='$ ' ENV='' "$KT_BUSYBOX" ktterm -p ctl "$@" 2>term.err 8>&- 9>&- &
	term_pid=$!
	user_runs "$KT_BUSYBOX" kttty -t -e ']' ctl
}

# session_ends STATUS: of the guest's program; then kttty is told to end.
session_ends() {
	end_of "$term_pid"
	assertEquals "status of ktterm: $(cat term.err)" "$1" "$status"
	kill -TERM "$user_pid"
	assert_user_ends 0
}

test_a_shell_has_a_terminal_of_the_users_size_from_the_start() {
	shell_session sh -c 'stty size; tty; exit 7'
	assert_sees '24 80'
	assert_sees /dev/pts/
	session_ends 7
}

test_a_resized_window_is_heard_of() {
	shell_session sh -c 'trap "stty size; exit 3" WINCH; echo ready; while :; do read -r x; done'
	assert_sees ready
	user size 33 77
	assert_sees '33 77'
	session_ends 3
}

test_typed_keys_are_edited_and_control_c_interrupts() {
	shell_session sh -i
	user type 'echo $((6*7))-typed\r'
	assert_sees 42-typed
	user type 'echo $((2+2))-go; exec cat\r'
	assert_sees 4-go
	user type '\x03'
	session_ends 130
}

test_the_users_terminal_is_raw_meanwhile_and_restored() {
	"$KT_BUSYBOX" ktterm -p ctl sh -c 'echo ready; read -r x' 2>term.err 8>&- 9>&- &
	term_pid=$!
	user_runs sh -c 'before=$(stty -g); "$0" kttty -t -e "]" ctl; [ "$before" != "$(stty -g)" ] || echo as-before' \
		"$KT_BUSYBOX"
	assert_sees ready
	user modes
	assertEquals none "$answer"
	user type '\x1d'
	assert_sees as-before
	assert_user_ends 0
	kill -HUP "$term_pid"
	end_of "$term_pid"
}

test_the_last_output_is_shown_before_the_end() {
	shell_session sh -c 'seq 1 60000; echo last'
	assert_sees last
	session_ends 0
	assertEquals 60000 "$(tr -d '\r' <transcript | grep -cE '^[0-9]+$')"
}

test_a_background_process_that_writes_on_does_not_keep_the_session() {
	shell_session sh -c 'yes & echo $! >yes.pid; echo ready'
	end_of "$term_pid"
	assertEquals "status of ktterm: $(cat term.err)" 0 "$status"
	kill -KILL "$(cat yes.pid)" 2>kill.err
	kill -TERM "$user_pid"
	assert_user_ends 0
}

test_the_key_ends_it_and_in_a_paste_it_is_text() {
	shell_session sh -c 'stty raw -echo; echo ready; head -c 3 | od -An -tx1; exec cat >/dev/null'
	assert_sees ready
	user type 'a\x1db'
	assert_sees '61 1d 62'
	user type '\x1d'
	assert_user_ends 3
	kill -HUP "$term_pid"
	end_of "$term_pid"
	assertEquals "a hangup ends the program" 129 "$status"
}

test_the_key_works_when_the_guest_takes_nothing() {
	user_runs "$KT_BUSYBOX" kttty -t -e ']' ctl
	encode tty-output=ready >&9
	assert_sees ready
	bytes 300000 | tr '\035' x >data
	user paste data
	assertEquals ok "$answer"
	# it may come in one read with the end of the paste, which is text then: people press a key again
	for press in 1 2 3 4 5 6 7 8 9 10; do
		user type '\x1d'
		a_moment
		kill -0 "$user_pid" 2>kill.err || break
	done
	assert_user_ends 3
}

test_a_paste_of_100_kb_loses_nothing() {
	shell_session sh -c 'stty -echo; echo ready; head -c 102000 | sha256sum; exit 5'
	lines_of 1500 "$(text 67)" | nl -w 6 -s ' ' | cut -c 1-67 >data
	assertEquals 102000 "$(wc -c <data)"
	assert_sees ready
	user paste data
	assert_sees "$(sha256sum <data | cut -c 1-64)"
	session_ends 5
}

test_a_job_in_the_background_is_not_stopped_and_reads_on_in_the_foreground() {
	user_runs "$KT_BUSYBOX" kttty ctl
	user behind
	user type 'for another\n'
	a_moment
	user state "$user_pid"
	assertNotEquals "stopped" T "$answer"
	user before
	user type 'mine\n'
	timeout "$KT_CEILING" head -c 49 <&8 >frames
	assert_frames frames 'stdin 12 for another\n' 'stdin 5 mine\n'
	kill -TERM "$user_pid"
	assert_user_ends 0
}

test_a_host_that_says_no_size_gets_its_program_nevertheless() {
	encode 'window-size=\x00\x00\x00\x00' >&8
	"$KT_BUSYBOX" ktterm -p ctl sh -c 'echo runs' 2>err &
	term_pid=$!
	timeout "$KT_CEILING" head -c 38 <&9 >frames
	assert_frames frames 'tty-begin 0' 'tty-output 6 runs\r\n'
	encode tty-ack >&8
	end_of "$term_pid"
	assertEquals 0 "$status"
}

. shunit2

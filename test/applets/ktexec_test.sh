#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktexec: streams apart and complete, the program's status, its time, TERM, grandchildren, a port that
# stalls or is gone.

# shellcheck disable=SC1091,SC2016,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/unit.sh"

# start_ktexec ARG...: in the background; pid is its process id.
start_ktexec() {
	"$KT_BUSYBOX" ktexec "$@" 2>err &
	pid=$!
}

test_stdout_and_stderr_are_frames_of_their_own() {
	run_kt ktexec -p port sh -c 'printf "to stdout"; printf "to stderr" >&2'
	assert_status 0
	assertEquals "to stdout" "$(payload stdout port)"
	assertEquals "to stderr" "$(payload stderr port)"
	assertEquals "other frames" "" "$(decode port | grep -v '^std')"
}

test_a_silent_program_sends_nothing() {
	run_kt ktexec -p port true
	assert_status 0
	assert_empty_or_missing port
}

test_the_programs_status_is_its_own() {
	for code in 0 1 7 42 124 255; do
		run_kt ktexec -p port sh -c "exit $code"
		assert_status $code
	done
}

test_a_signal_is_128_and_its_number() {
	for pair in KILL:137 SEGV:139 TERM:143 INT:130; do
		# shellcheck disable=SC2016
		run_kt ktexec -p port sh -c 'kill -$0 $$' ${pair%:*}
		assert_status ${pair#*:}
	done
}

test_what_cannot_be_run_is_127_or_126() {
	run_kt ktexec -p port ./missing
	assert_status 127
	: >plain
	run_kt ktexec -p port ./plain
	assert_status 126
	PATH=/usr/bin:/bin run_kt ktexec -p port no_such_command_anywhere
	assert_status 127
}

test_arguments_are_the_programs_own() {
	run_kt ktexec -p port printf '%s|' -t -p 'a b' ''
	assertEquals '-t|-p|a b||' "$(payload stdout port)"
}

# with_user_env ARG...: runs ktexec with the variables in the file variables, and with ./first before its PATH.
with_user_env() {
	KT_USER_ENV=$PWD/variables KT_USER_PATH=$PWD/first run_kt ktexec -p port "$@"
}

# lines TEXT: the payload's output has this line.
assert_prints() {
	payload stdout port >printed
	for line; do
		grep -qxaF -- "$line" printed
		kt_verdict $? "no line $line in $(kt_head printed)"
	done
}

test_the_users_variables_are_the_programs_alone_and_no_shell_reads_them() {
	mkdir first
	printf 'PATH=/nowhere\000IFS=t\000PWD=/weird\000OPTIND=x\000kt_command=/bin/true\000LD_PRELOAD=\000PS1=$(id)\000' >variables
	printf 'OLD=new\000EMPTY=\000TWO=a\nb\000BYTES=\377\000KT_PORT_FD=none\000' >>variables
	OLD=old with_user_env /usr/bin/env
	assert_status 0
	assert_prints PATH=/nowhere IFS=t PWD=/weird OPTIND=x kt_command=/bin/true LD_PRELOAD= 'PS1=$(id)' OLD=new \
		EMPTY= TWO=a b "$(printf 'BYTES=\377')" KT_PORT_FD=none
	assert_no_match '^OLD=old|^KT_USER_|^PATH=.*first' printed
}

# in_user_root DIRECTORY ARG...: ktexec's program in the root directory ./root, which has BusyBox alone.
in_user_root() {
	mkdir -p root/bin root/home
	cp "$KT_BUSYBOX" root/bin/busybox
	directory=$1
	shift
	run unshare --user --map-root-user env KT_USER_ROOT="$PWD/root" KT_USER_DIR="$directory" "$KT_BUSYBOX" ktexec -p port "$@"
}

test_a_program_can_have_a_root_and_a_directory_of_its_own() {
	if [ -n "${KT_SANITIZED:-}" ]; then startSkipping; fi # that program needs libraries, which the root has not
	in_user_root /home /bin/busybox sh -c 'busybox pwd; busybox ls /; busybox env'
	assert_status 0
	assert_prints /home bin home
	assert_no_match '^KT_USER_' printed
	endSkipping
}

test_a_root_or_directory_that_is_not_there_is_named() {
	in_user_root /nowhere /bin/busybox true
	assert_status 126
	assertEquals "ktexec: unable to enter '/nowhere': No such file or directory" "$(payload stderr port)"
	KT_USER_ROOT=$PWD/none run_kt ktexec -p port true
	assert_status 126
}

test_a_large_variable_of_the_user() {
	mkdir first
	{ printf 'BIG='; text 131000; printf '\000'; } >variables
	with_user_env sh -c 'echo ${#BIG}'
	assert_prints 131000
}

test_an_included_program_is_found_whatever_path_the_user_sets() {
	mkdir first
	printf '#!/bin/sh\necho first $PATH\n' >first/kt-tool
	chmod +x first/kt-tool
	printf 'PATH=/nowhere\000' >variables
	with_user_env kt-tool
	assert_prints 'first /nowhere'
	: >variables
	PATH=/usr/bin:/bin with_user_env kt-tool
	assert_prints "first $PWD/first:/usr/bin:/bin"
}

# typed WORD...: ktexec runs it from a file, as ktrun packs it.
typed() {
	printf '%s\000' "$@" >words
	rm -f port
	run_kt ktexec -p port -a words
}

test_arguments_from_a_file_are_the_programs_own() {
	typed printf '%s|' -t 'a  b' '' "it's" '$HOME' 'two
lines' '*'
	assert_status 0
	assertEquals "-t|a  b||it's|\$HOME|two
lines|*|" "$(payload stdout port)"
}

test_an_argument_of_128_kib_and_many_of_them() {
	typed printf %s "$(text 131071)"
	assertEquals 131071 "$(payload stdout port | wc -c)"
	seq 30000 | tr '\n' '\000' >numbers
	{ printf 'echo\000'; cat numbers; } >words
	rm -f port
	run_kt ktexec -p port -a words
	assertEquals "$(seq 30000 | tr '\n' ' ' | sed 's/ $//')" "$(payload stdout port)"
}

test_a_builtin_and_a_script_without_an_interpreter_are_the_shells() {
	typed exit 3
	assert_status 3
	echo 'echo "a script of $#"' >script
	chmod +x script
	typed ./script x 'y z'
	assertEquals 'a script of 2' "$(payload stdout port)"
	PATH=/usr/bin:/bin typed no_such_command_anywhere
	assert_status 127
	payload stderr port >printed
	assert_matches 'no_such_command_anywhere.*not found' printed
}

test_a_file_of_arguments_that_is_none() {
	: >words
	run_kt ktexec -p port -a words
	assert_status 1
	assert_matches "unable to read arguments from 'words'" err
	printf 'true' >words
	run_kt ktexec -p port -a words
	assert_status 1
}

test_a_program_whose_interpreter_is_missing_is_told_from_one_that_is_not_there() {
	printf '#!/no/such/interpreter\n' >script
	chmod +x script
	run_kt ktexec -p port ./script
	assert_status 127
	payload stderr port >printed
	assert_matches 'it is there, but the interpreter' printed
	rm port
	run_kt ktexec -p port ./missing
	payload stderr port >printed
	assert_no_match 'it is there' printed
}

test_a_program_that_takes_descriptor_9_still_has_the_port() {
	mkdir first
	KT_PORT_FD=9 run_kt ktexec sh -c 'exec 9>lock; flock 9; exec "$KT_BUSYBOX" ktsend stimulus mine' 9>>port
	assert_status 0
	assertEquals mine "$(payload stimulus port)"
	assert_empty lock
}

test_a_descriptor_that_is_the_port_no_more_is_an_error() {
	# shellcheck disable=SC2016
	KT_PORT_FD=9 run_kt ktexec bash -c 'eval "exec $KT_PORT_FD>other"; "$KT_BUSYBOX" ktsend stimulus mine' 9>>port
	assert_status 1
	assert_empty other
	payload stderr port >printed
	assert_matches 'ktsend: unable to use KT_PORT_FD=[0-9]+: .*the port no more' printed
}

test_output_comes_as_it_is_written() {
	mkfifo port go
	exec 3<>go
	start_ktexec -p port sh -c 'printf first; read -r x <go; printf second'
	exec 4<port
	timeout "$KT_CEILING" head -c 21 <&4 >got # before the program ends
	assert_frames got 'stdout 5 first'
	echo >&3
	timeout "$KT_CEILING" cat <&4 >got
	assert_frames got 'stdout 6 second'
	exec 3>&- 4<&-
	end_of $pid
	assertEquals "status" 0 "$status"
}

test_five_mb_of_any_bytes() {
	bytes 5000000 >data
	run_kt ktexec -p port cat data
	assert_status 0
	payload stdout port >got
	assert_same_bytes data got
	assertEquals "frames over the bound" 0 "$(decode port | awk '$2 > 32752' | wc -l)"
}

test_both_streams_at_full_speed() {
	bytes 2000000 1 >data1
	bytes 2000000 2 >data2
	run_kt ktexec -p port sh -c 'cat data1 & cat data2 >&2; wait'
	assert_status 0
	payload stdout port >got1
	payload stderr port >got2
	assert_same_bytes data1 got1
	assert_same_bytes data2 got2
}

test_the_program_reads_the_stdin_of_ktexec() {
	echo hello | timeout "$KT_CEILING" "$KT_BUSYBOX" ktexec -p port cat
	assertEquals hello "$(payload stdout port)"
}

test_the_program_has_the_inherited_port() {
	# shellcheck disable=SC2016
	KT_PORT_FD=7 run_kt ktexec sh -c 'echo before; exec "$KT_BUSYBOX" ktsend stimulus mine' 7>>port
	assert_status 0
	assertEquals mine "$(payload stimulus port)"
	assertEquals before "$(payload stdout port)"
}

test_the_latch_tells_a_killed_program_from_a_killed_ktexec() {
	run_kt ktexec -p port -l told sh -c 'kill -KILL $$'
	assert_status 137
	assert_latch told
	rm -r run
	run_kt ktexec -p port -l told sh -c 'kill -KILL $PPID'
	assert_status 137
	assert_no_latch told
}

test_time_is_up_is_124() {
	start=$(date +%s)
	run_kt ktexec -p port -t 1 sh -c 'echo text; exec tail -f /dev/null'
	assertTrue "within 10 s" "[ $(($(date +%s) - start)) -le 10 ]"
	assert_status 124
	assertEquals text "$(payload stdout port)"
}

test_time_that_is_not_up_changes_nothing() {
	run_kt ktexec -p port -t 20 sh -c 'exit 7'
	assert_status 7
}

test_time_is_up_and_term_is_ignored_is_killed() {
	run_kt ktexec -p port -t 1 sh -c 'trap "" TERM; echo >ready; while :; do tail -f /dev/null; done'
	assert_status 124
}

test_a_time_that_is_no_number_is_an_error() {
	for time in x '' -1; do
		run_kt ktexec -p port -t "$time" true
		assertEquals "status of -t '$time'" 1 "$status"
	done
}

test_term_goes_to_the_programs_group() {
	mkfifo ready go
	exec 5<>ready
	# shellcheck disable=SC2016
	start_ktexec -p port sh -c 'trap "echo parent; exit 5" TERM
		sh -c "trap \"echo child; exit\" TERM; echo >ready; read -r x <go" &
		echo $! >child.pid; echo >ready; while :; do wait; done'
	read -r x <&5
	read -r x <&5
	exec 5>&-
	kill -TERM $pid
	end_of $pid
	assertEquals "status" 5 "$status"
	assertContains "$(payload stdout port)" child
	assertContains "$(payload stdout port)" parent
}

test_term_that_is_ignored_is_followed_by_kill() {
	mkfifo ready
	start_ktexec -p port sh -c 'trap "" TERM; echo >ready; while :; do tail -f /dev/null; done'
	read -r x <ready
	start=$(date +%s)
	kill -TERM $pid
	end_of $pid
	assertEquals "status" 137 "$status"
	assertTrue "killed by ktexec, not by the ceiling" "[ $(($(date +%s) - start)) -le 15 ]"
}

test_a_grandchild_that_holds_the_pipe_is_not_awaited_for_long() {
	mkfifo go
	start=$(date +%s)
	# shellcheck disable=SC2016
	run_kt ktexec -p port sh -c 'setsid sh -c "read -r x <go" & echo text; exit 5'
	assert_status 5
	assertTrue "within 15 s" "[ $(($(date +%s) - start)) -le 15 ]"
	assertEquals text "$(payload stdout port)"
	: >go
}

test_a_grandchild_that_floods_the_pipe_is_not_awaited_for_long() {
	start=$(date +%s)
	# shellcheck disable=SC2016
	run_kt ktexec -p /dev/null sh -c 'setsid yes & echo $! >yes.pid; exit 5'
	kill -KILL "$(cat yes.pid)" 2>/dev/null
	assert_status 5
	assertTrue "within 15 s" "[ $(($(date +%s) - start)) -le 15 ]"
}

test_what_a_grandchild_wrote_before_is_not_lost() {
	run_kt ktexec -p port sh -c 'sh -c "head -c 50000 /dev/zero; echo done >ended" & wait; exit 3'
	assert_status 3
	assertEquals 50000 "$(payload stdout port | wc -c)"
}

# stall_port: a fifo that is full to the byte and not read, so that a write blocks with nothing sent, as at
# a real port.
stall_port() {
	mkfifo port
	exec 4<>port
	head -c 65536 /dev/zero >&4
}

# TERM interrupts the frame that waits; that of the other stream comes behind it, and must not wait for ever.
test_a_stalled_port_and_term_end_in_bounded_time() {
	stall_port
	mkfifo ready
	exec 5<>ready
	# shellcheck disable=SC2016
	"$KT_BUSYBOX" ktexec -p port sh -c 'echo $$; echo $$ >&2; echo $$ >ready; exec tail -f /dev/null' 2>err 4>&- 5>&- &
	pid=$!
	read -r program <&5
	exec 5>&-
	a_moment # the frame has been tried by now
	start=$(date +%s)
	kill -TERM $pid
	end_of $pid
	exec 4>&-
	assertEquals "status" 143 "$status"
	assertTrue "within 15 s" "[ $(($(date +%s) - start)) -le 15 ]"
	assertFalse "the program is still there" "kill -0 $program"
}

test_a_stalled_port_and_the_time_end_in_bounded_time() {
	stall_port
	ceiling=$KT_CEILING
	KT_CEILING=15
	"$KT_BUSYBOX" ktexec -p port -t 1 sh -c 'echo text; exec tail -f /dev/null' 2>err 4>&- &
	end_of $!
	KT_CEILING=$ceiling
	exec 4>&-
	assertEquals "status" 124 "$status"
	assert_matches '^ktexec: ' err # what was not sent is said
}

test_a_port_that_nobody_reads_any_more_is_said() {
	mkfifo port
	exec 4<>port
	exec 5>port
	exec 4>&-
	start=$(date +%s)
	KT_PORT_FD=5 run_kt ktexec sh -c 'echo text; exit 3'
	exec 5>&-
	assertTrue "within 15 s" "[ $(($(date +%s) - start)) -le 15 ]"
	assert_matches '^ktexec: unable to [a-z]+ .*: .+' err
	assertNotEquals "not as if all were well" 0 "$status"
	assertNotEquals "not killed by SIGPIPE" 141 "$status"
}

test_a_port_that_cannot_be_opened_runs_nothing() {
	run_kt ktexec -p no/such/port sh -c ': >ran'
	assert_error ktexec
	assertFalse "the program has run" "[ -e ran ]"
}

test_the_program_runs_as_an_ordinary_process() {
	# shellcheck disable=SC2016
	run_kt ktexec -p port sh -c 'cut -d" " -f41 /proc/self/stat
		cat /proc/self/oom_score_adj
		grep -E "Sig(Blk|Ign)" /proc/self/status'
	payload stdout port >said
	assertEquals "scheduling policy" 0 "$(sed -n 1p said)"
	assertEquals "oom_score_adj" "$(cat /proc/self/oom_score_adj)" "$(sed -n 2p said)"
	assert_matches 'SigBlk:.0000000000000000' said
	assertEquals "ignored signals" "$(grep SigIgn /proc/self/status)" "$(grep SigIgn said)"
}

test_a_time_limit_beyond_all_counting_is_no_limit() {
	for time in 9999999999999999999999.9 99999999999999999999999999999999999999999.0d; do
		run_kt ktexec -p port -t "$time" true
		assertEquals "status of -t '$time'" 0 "$status"
	done
}

test_without_a_program_it_is_a_usage_error() {
	run_kt ktexec -p port
	assertNotEquals 0 "$status"
	assert_matches Usage err
}

test_it_does_not_wake_by_itself() {
	mkfifo ready go
	start_ktexec -p port sh -c 'echo >ready; read -r x <go'
	read -r x <ready
	a_moment
	assert_sleeps "$pid"
	: >go
	end_of $pid
}

. shunit2

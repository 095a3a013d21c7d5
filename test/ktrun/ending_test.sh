#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# How ktrun ends when what it writes to goes away or takes nothing: a verdict or one clear line, never a traceback.

# shellcheck disable=SC1091,SC2154,SC2086,SC2016 # what is sourced sets them; items are words; $x is meant literally
. "$KT_TEST_LIB/stub.sh"

test_a_terminal_that_is_closed_interrupts_and_leaves_a_result() {
	streams $READY $STARTED
	echo ': >"$stub/began"; exec sleep 1000' >stub/act
	run "$KT_PYTHON" "$KT_TOP/test/tools/hangup.py" stub/began "$KTRUN" -o "$PWD/art" --shell
	assert_verdict interrupted 130
	assert_no_match Traceback err
	assert_no_temporary_folder
}

test_a_signal_ends_a_run_whose_output_nobody_takes() {
	streams $READY $STARTED 'stdout*60000' 'stdout*60000' $OUT0 $EXIT
	echo 'exec 3>"$stub/ended"' >stub/act # open until QEMU has ended
	mkfifo full stub/ended
	exec 5<>full
	"$KTRUN" -o "$PWD/art" -- true >full 2>err 5>&- &
	pid=$!
	cat stub/ended >nothing # from now on the reader waits for the one who takes the output
	kill -s TERM "$pid"
	end_of "$pid"
	exec 5>&-
	assert_verdict interrupted 130
	assert_no_temporary_folder
}

test_a_signal_ends_a_report_that_nobody_reads() {
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -- true
	mkfifo report
	rm err # of the run
	"$KTRUN" --junit report --replay art >out 2>err &
	pid=$!
	wait_until "grep -q '^  artifacts' err" # the report is next
	kill -s TERM "$pid"
	end_of "$pid"
	assert_status 130
}

test_a_reader_that_is_killed_ends_the_run() {
	streams $READY $STARTED
	: >stub/ack
	echo 'kill -KILL $(pgrep -P $PPID -f "ktrecv -f"); exec head -c 1 "$hvc.in" >"$stub/ack"' >stub/act
	run "$KTRUN" -o "$PWD/art" -- true
	assertFalse "the end of the reader is acknowledged as an exit frame" "printf '\256' | cmp -s - stub/ack"
	assert_verdict error 205
	assert_matches '^ktrun: error .*ktrecv.* has ended, status 137' err
	assertTrue "stream.json" "[ -s art/stream.json ]"
	assert_no_temporary_folder
}

test_a_reader_that_is_killed_after_the_guest_s_end_is_no_pass() {
	streams $READY $STARTED stdout=hello $OUT0 $EXIT
	mkfifo full
	exec 5<>full
	head -c 65536 /dev/zero >&5 # the pipe is full: the reader waits for the one who takes the output
	echo 'echo $PPID >"$stub/parent"' >stub/act
	"$KTRUN" -o "$PWD/art" -- true >full 2>err 5>&- &
	pid=$!
	wait_until '[ -s stub/parent ] && [ -s art/stdout ]'
	kill -KILL "$(pgrep -P "$pid" -f "ktrecv -f")"
	end_of "$pid"
	exec 5>&-
	assert_verdict error 205
}

test_a_summary_that_is_lost_is_no_success() {
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -- true
	"$KTRUN" --replay art --junit j.xml 2>/dev/full
	assertEquals "a full disk" 205 $?
	assertTrue "the report" "[ -s j.xml ]"
	"$KTRUN" -q --replay art 2>/dev/full
	assertEquals "nothing to say" 0 $?
	"$KTRUN" --replay art 2>&-
	assertEquals "closed" 0 $?
	streams $READY $STARTED $OUT7 $EXIT
	ktrun -- true
	"$KTRUN" --replay art 2>/dev/full
	assertEquals "the payload's code" 7 $?
}

test_a_fifo_in_the_place_of_a_file_is_refused() {
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -- true
	for name in lock host.json qemu.log result.json; do
		rm "art/$name"
		mkfifo "art/$name"
		for options in '--replay art' '-o art -- true'; do
			run "$KTRUN" $options
			assert_status 205
			assert_matches "^ktrun: not a file: .*art/$name\$" err
		done
		rm "art/$name"
		run "$KTRUN" -o art -- true
		assert_status 0
	done
}

test_the_longest_limit_is_one() {
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -t 99999999 -- true
	assert_verdict pass 0
}

test_closed_streams_are_dev_null() {
	streams $READY $STARTED 'stdout=said\n' $OUT0 $EXIT
	run "$KTRUN" -o "$PWD/art" -- true <&- >&- 2>&-
	assert_status 0
	"$KTRUN" -o "$PWD/art" -- true >&- 2>err
	assertEquals "without stdout" 0 $?
	assert_no_match ktrecv err
	"$KTRUN" --nonsense 2>&-
	assertEquals "without stderr" 205 $?
}

test_a_full_stdout_is_one_line_and_a_closed_one_is_enough() {
	for options in --help --version '-n -- true'; do
		run sh -c '"$@" >/dev/full' sh "$KTRUN" $options
		assert_status 205
		assertEquals "lines on stderr for $options" 1 "$(wc -l <err)"
		run sh -c '{ "$0" "$@"; echo $? >status; } | :' "$KTRUN" $options
		assert_file_text 0 status
		assert_no_match 'Traceback|Error' err
	done
}

test_a_value_may_be_two_dashes() {
	ktrun -n --append -- -- true
	assert_status 0
	assert_matches " ktbox.live_log=1 --' " out
}

test_a_temporary_directory_that_went_away_changes_no_verdict() {
	streams $READY $STARTED $OUT0 $EXIT
	echo 'rm -rf "${hvc%/*}"' >stub/act
	ktrun -- true
	assert_verdict pass 0
	assert_no_match 'could not go on' err
}

# The terminal may be gone before ktrun looks at it, and SIGHUP be on its way.
test_a_terminal_that_was_closed_before_it_is_read_is_a_hangup() {
	launcher 'import os, pty
from launcher.lib.jobs import Interrupted
from launcher.run.terminal import _modes_of_stdin
master, slave = pty.openpty()
os.dup2(slave, 0)
os.close(master)
try: print(_modes_of_stdin())
except Interrupted as why: print("interrupted:", why)' >said
	assert_file_text 'interrupted: HUP' said
}

# kttty sees it, too, and may have ended before the signal comes.
test_a_helper_that_ended_with_its_terminal_is_a_hangup() {
	launcher 'import os, pty, types
from launcher.lib.jobs import Interrupted
from launcher.run.terminal import Terminal
master, slave = pty.openpty()
os.dup2(slave, 0)
os.close(master)
terminal = Terminal.__new__(Terminal)
terminal._escape, terminal._modes, terminal.job = None, [0], types.SimpleNamespace(status=1)
try: print(terminal.check_end())
except Interrupted as why: print("interrupted:", why)' >said
	assert_file_text 'interrupted: HUP' said
}

test_a_current_directory_that_is_gone_is_one_line() {
	mkdir gone
	run sh -c 'cd gone && rmdir ../gone && exec "$@"' sh "$KTRUN" -o here -- true
	assert_refused
	assert_matches 'current directory is no longer there' err
}

. shunit2

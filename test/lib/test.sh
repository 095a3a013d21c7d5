# shellcheck shell=sh disable=SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
#
# test.sh: the layer between a test file and shunit2, and the helpers that all tests use. A test file is
#	. "$KT_TEST_LIB/test.sh"      test_CLAIM() { ... }      . shunit2
# and test/run runs it. shunit2 calls suite() before the tests. suite() puts a log under each assert, which survives
# subshells and by which run-file.sh judges, and gives each test a fresh current directory and its own KT_RUN_DIR.
#
# Files: out, err   what the last `run` printed        Variables: status   how it ended
#        run/       KT_RUN_DIR                                     KT_PYTHON, KT_BUSYBOX, KT_TOP
#                                                                  KT_MEMORY_DIR   a directory in memory, for many files

# Machines are shared. So a wait is given several times what it takes on a busy one, and work is limited by the
# time of the CPU that it gets.
KT_CEILING=120    # seconds of wall time: a wait that takes longer is a failure
KT_CPU_CEILING=60 # seconds of CPU time of each process that `run` starts

kt_log() { # EVENT
	echo "$1 ${_shunit_test_:--}" >>"$KT_TEST_LOG"
}

suite() {
	[ "$__shunit_assertsFailed" = 0 ] || kt_log fail # in oneTimeSetUp()
	_shunit_assertPass() {
		__shunit_assertsPassed=$((__shunit_assertsPassed + 1))
		__shunit_assertsTotal=$((__shunit_assertsTotal + 1))
		kt_log pass
	}
	_shunit_incFailedCount() {
		__shunit_assertsFailed=$((__shunit_assertsFailed + 1))
		__shunit_assertsTotal=$((__shunit_assertsTotal + 1))
		kt_log fail
	}
	_shunit_execSuite() {
		for _shunit_test_ in $__shunit_suite; do kt_one_test; done
		_shunit_test_=
		kt_log the_end
	}
	trap 'kt_keep; _shunit_cleanup EXIT' 0
	for kt_name in $(_shunit_extractTestFunctions "$__shunit_script" | tr ' ' '\n' | grep -E "${KT_ONLY:-.}"); do
		suite_addTest "$kt_name"
	done
}

kt_one_test() {
	__shunit_testSuccess=$SHUNIT_TRUE
	mkdir "$SHUNIT_TMPDIR/$_shunit_test_"
	cd "$SHUNIT_TMPDIR/$_shunit_test_" || exit 1
	mkdir run
	KT_RUN_DIR=$PWD/run
	export KT_RUN_DIR
	kt_log begin
	echo "$_shunit_test_"
	setUp
	"$_shunit_test_"
	kt_returned=$?
	if [ "$kt_returned" != 0 ] && [ "$__shunit_testSuccess" = "$SHUNIT_TRUE" ]; then
		fail "it returned $kt_returned"
	fi
	tearDown
	kt_log end
	cd "$SHUNIT_TMPDIR" || exit 1
	if [ "$__shunit_testSuccess" = "$SHUNIT_TRUE" ]; then
		__shunit_testsPassed=$((__shunit_testsPassed + 1))
	else
		__shunit_testsFailed=$((__shunit_testsFailed + 1))
	fi
}

kt_keep() {
	cd /
	if [ -n "${KT_KEEP:-}" ]; then mv "$SHUNIT_TMPDIR" "$KT_TEST_BASE/kept"; fi
}

# kt_skip REASON: ends the file here, for a machine on which it can't run. test/run shows the reason, and counts it.
kt_skip() {
	[ "${__shunit_assertsFailed:-0}" = 0 ] || kt_log fail
	echo "$1" >"$KT_TEST_BASE/skipped"
	trap - 0
	exit 0
}

# kt APPLET ARG...: runs an applet of the binary under test.
kt() {
	"$KT_BUSYBOX" "$@"
}

# run COMMAND ARG...: under the ceilings (status 124 when that of wall time is reached); leaves status, out and err.
run() {
	(
		# shellcheck disable=SC3045  # dash and ash have it
		ulimit -t "$KT_CPU_CEILING"
		exec timeout -k 2 "$KT_CEILING" "$@"
	) >out 2>err
	status=$?
}

# run_kt APPLET ARG...
run_kt() {
	run "$KT_BUSYBOX" "$@"
}

# without_capabilities COMMAND ARG...: runs it with the permissions of an ordinary user.
without_capabilities() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --inh-caps=-all --bounding-set=-all "$@"
	else
		"$@"
	fi
}

# end_of PID: waits for a background process of this shell to end; leaves status. At the ceiling it kills the
# process (137).
end_of() {
	{ kt ktlatch wait -t "$KT_CEILING" "ended_$1" || kill -KILL "$1"; } &
	watchdog=$!
	wait "$1"
	status=$?
	kt ktlatch set "ended_$1"
	wait "$watchdog"
}

# wait_latch NAME...: waits until they are set, and fails the test at the ceiling.
wait_latch() {
	kt ktlatch wait -t "$KT_CEILING" "$@" || fail "latch not set: $*"
}

# wait_until COMMAND: asks a hundred times a second until the shell command succeeds, for what no event reports; fails
# the test at the ceiling. Without the pauses it would take a CPU from what it waits for.
wait_until() {
	timeout "$KT_CEILING" sh -c "until $1; do sleep 0.01; done" || fail "it did not become true: $1"
}

# latch_is_set NAME
latch_is_set() {
	kt ktlatch test "$1"
}

# a_moment: waits long enough for a wrong thing to happen, where no event can show that it does not.
a_moment() {
	kt ktlatch wait -t 0.3 never_set
	return 0
}

assert_status() { # EXPECTED
	assertEquals "status of the command ($(head -c 300 err))" "$1" "$status"
}

assert_file_text() { # TEXT FILE
	assertEquals "text of $2" "$1" "$(cat "$2" || echo "(it can't be read)")"
}

assert_same_bytes() { # EXPECTED-FILE FILE
	if cmp "$1" "$2" >cmp.out 2>&1; then
		_shunit_assertPass
	else
		fail "$(cat cmp.out); $1 has $(wc -c <"$1") bytes, $2 has $(wc -c <"$2")"
	fi
}

# kt_verdict STATUS MESSAGE: makes one assert of the status of a command.
kt_verdict() {
	if [ "$1" = 0 ]; then _shunit_assertPass; else fail "$2"; fi
}

# assert_sleeps PID: the process does not run at all for a moment.
assert_sleeps() {
	switches=$(grep ctxt_switches "/proc/$1/status")
	assertNotNull "process $1 is there" "$switches"
	a_moment
	assertEquals "context switches" "$switches" "$(grep ctxt_switches "/proc/$1/status")"
}

# kt_head FILE: the part of it that a message shows.
kt_head() {
	head -c 600 "$1"
}

assert_empty() { # FILE
	[ -e "$1" ] && [ ! -s "$1" ]
	kt_verdict $? "$1 is not an empty file: $(kt_head "$1")"
}

assert_empty_or_missing() { # FILE
	[ ! -s "$1" ]
	kt_verdict $? "$1 is not empty: $(kt_head "$1" 2>&1)"
}

assert_matches() { # ERE FILE: some line of the file matches
	grep -qaE -e "$1" "$2"
	kt_verdict $? "no line of $2 matches $1: $(kt_head "$2")"
}

assert_no_match() { # ERE FILE
	grep -qaE -e "$1" "$2"
	[ $? = 1 ] # 2: there is no such file
	kt_verdict $? "a line of $2 matches $1, or it can't be read: $(kt_head "$2")"
}

assert_latch() { # NAME
	latch_is_set "$1"
	kt_verdict $? "latch $1 is not set"
}

assert_no_latch() { # NAME
	latch_is_set "$1"
	[ $? = 1 ]
	kt_verdict $? "latch $1 is set, or can't be asked for"
}

# assert_error APPLET: it ended with 1 and a message of the form "APPLET: unable to VERB OBJECT: reason".
assert_error() {
	assert_status 1
	assert_matches "^$1: unable to [a-z]+ .+: .+" err
}

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# run-file.sh FILE RESULTS: run one test file, and judge it by what lib/test.sh logged, not by what shunit2 said:
# shunit2 2.1.8 passes silently when there is no test, no assert, or when an assert fails in a subshell.
# In:   FILE; the environment of test/run.
#       KT_FILE_SECS  the ceiling of the whole file in seconds of wall time: it finds a file that hangs. Its default
#                     is several times what the longest file takes on a busy machine.
#       KT_FILE_CPU   the ceiling of each of its processes in seconds of CPU time: it finds one that spins (600)
# Out:  a line about the file, its output when something failed; RESULTS/FILE.count: "PASSED FAILED SECONDS
#       CPU-SECONDS", with tabs.
# Exit: 0; the judgement is the result.

set -u

file=$1
results=$2
began=$(date +%s)
base=$(mktemp -d) || exit 1
memory=$(mktemp -d -p /dev/shm kt.XXXXXX 2>/dev/null) || memory=$base/memory
timeout_pid=
trap 'rm -rf "$base" "$memory"' EXIT
trap on_signal INT TERM HUP
mkdir -p "$base/tmp" "$base/run" "$memory"

# In the environment of the file alone: this mark finds the processes that the file leaves behind.
mark=kt-$$-${base##*.}
KT_TEST_BASE=$base
KT_TEST_LOG=$base/log
KT_RUN_DIR=$base/run
KT_MEMORY_DIR=$memory
TMPDIR=$base/tmp
SHUNIT_COLOR=none
export KT_TEST_BASE KT_TEST_LOG KT_RUN_DIR KT_MEMORY_DIR TMPDIR SHUNIT_COLOR
: >"$KT_TEST_LOG"

# complain MESSAGE: something is wrong with the file as a whole; it counts as one failure.
complain() {
	echo "$file: $1" >>"$base/complaints"
}

# defined_tests: names of the test functions that the file defines.
defined_tests() {
	sed -n 's/^[[:space:]]*\(function \)\{0,1\}\(test[A-Za-z0-9_]*\) *().*/\2/p' "$file" | grep -E \
		"${KT_ONLY:-.}"
}

# run_tests: runs the file under its ceilings. All that it starts holds descriptor 8, so that the FIFO ends when
# all of it has ended.
run_tests() {
	mkfifo "$base/alive"
	(
		# shellcheck disable=SC3045  # dash and ash have it
		ulimit -t "${KT_FILE_CPU:-600}"
		KT_TEST_ID=$mark
		export KT_TEST_ID
		exec timeout -k 5 "${KT_FILE_SECS:-2400}" sh "$file" </dev/null >"$base/output" 2>&1 8>"$base/alive"
	) &
	timeout_pid=$!
	exec 9<"$base/alive"
	wait "$timeout_pid"
	status=$?
	timeout 3 cat <&9 >/dev/null # a process that was told to end may take a moment
	exec 9<&-
}

# on_signal: ends the file and all that it has started.
on_signal() {
	[ -z "$timeout_pid" ] || kill "$timeout_pid" 2>/dev/null
	check_leftovers
	exit 130
}

# check_leftovers: names the processes that the file has started and not ended, and kills them.
check_leftovers() {
	# shellcheck disable=SC2013  # such paths have no spaces
	for environ in $(grep -lszxF "KT_TEST_ID=$mark" /proc/[0-9]*/environ); do
		pid=${environ#/proc/}
		pid=${pid%/environ}
		complain "left a process behind: $pid $(tr '\0' ' ' <"/proc/$pid/cmdline")"
		kill -KILL "$pid"
	done
}

# check_temp_files: a test keeps its temporary files in its own directory, which is removed.
check_temp_files() {
	left=$(find "$base/tmp" -mindepth 1 -maxdepth 1 | tr '\n' ' ')
	[ -z "$left" ] || complain "left temporary files behind: $left"
}

# check_commands: a mistyped name of a helper must fail the test.
check_commands() {
	missing=$(grep -E '^[^ ]*: [0-9]+: ([^ ]+: )?[^ ]+: not found$' "$base/output" | head -n 1)
	[ -z "$missing" ] || complain "called what is not there: $missing"
}

# judge: a line "passed" or "FAILED test: reason" for each test function, from the log's lines "EVENT TEST".
judge() {
	defined_tests | awk -v log_file="$KT_TEST_LOG" '
		BEGIN { while ((getline line < log_file) > 0) { split(line, w, " "); n[w[1], w[2]]++ } }
		!n["begin", $1] { print "FAILED " $1 ": did not run"; next }
		!n["end", $1] { print "FAILED " $1 ": did not reach its end"; next }
		n["fail", $1] { print "FAILED " $1 ": " n["fail", $1] " failed assert(s)"; next }
		!n["pass", $1] { print "FAILED " $1 ": made no assert"; next }
		{ print "passed " $1 }'
}

# measure_cpu: sets cpu_seconds, the CPU time of all children that were waited for. (In a command substitution,
# times would speak of that subshell.)
measure_cpu() {
	times >"$base/times"
	cpu_seconds=$(awk 'NR == 2 { for (i = 1; i <= 2; i++) { split($i, t, /[ms]/); sum += 60 * t[1] + t[2] } printf "%d", sum }' "$base/times")
}

# keep: leaves the temporary directory (KT_KEEP=1).
keep() {
	trap - EXIT
	[ "$memory" = "$base/memory" ] || mv "$memory" "$base/memory"
	echo "kept: $base"
}

run_tests
check_leftovers
check_temp_files
check_commands
judge >"$base/judged"
if [ -s "$base/skipped" ] && [ "$status" = 0 ] && ! grep -q '^fail ' "$KT_TEST_LOG"; then
	echo "${file#"$KT_ROOT"/}: SKIPPED $(grep -c . "$base/judged") tests: $(cat "$base/skipped")"
	printf '0\t0\t0\t0\t%s\n' "$(grep -c . "$base/judged")" >"$results/$(echo "$file" | tr / _).count"
	exit
fi
passed=$(grep -c '^passed ' "$base/judged")
failed=$(grep -c '^FAILED ' "$base/judged")
[ $((passed + failed)) -gt 0 ] || complain "has no test function"
grep -q '^the_end ' "$KT_TEST_LOG" || complain "died before its end (status $status)"
[ "$status" = 0 ] || [ "$failed" -gt 0 ] || complain "ended with status $status"
if grep -q '^fail -$' "$KT_TEST_LOG"; then complain "an assert outside of a test failed"; fi
[ ! -s "$base/complaints" ] || failed=$((failed + $(wc -l <"$base/complaints")))

if [ "$failed" -gt 0 ]; then
	cat "$base/output"
	grep '^FAILED ' "$base/judged"
	[ ! -s "$base/complaints" ] || cat "$base/complaints"
fi
seconds=$(($(date +%s) - began))
echo "${file#"$KT_ROOT"/}: $passed passed, $failed failed ($seconds s)"
measure_cpu
[ -z "${KT_KEEP:-}" ] || keep
printf '%s\t%s\t%s\t%s\n' "$passed" "$failed" "$seconds" "$cpu_seconds" >"$results/$(echo "$file" | tr / _).count"

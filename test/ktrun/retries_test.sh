#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --retries: what failed is run again, and each report says that it had failed. QEMU is a stub, whose Nth start
# sends stub/N, or stub/rest.

# shellcheck disable=SC1091,SC2154,SC2086,SC2016 # what is sourced sets them; items are words; scripts are text
. "$KT_TEST_LIB/stub.sh"

DEMO=$KT_TOP/build/scx_demo

setUp() {
	STUB=$PWD/stub
	export STUB
	mkdir stub
	: >stub/runs
	echo 'echo run >>"$STUB/runs"; n=$(wc -l <"$STUB/runs"); [ -e "$STUB/$n" ] || n=rest; cat "$STUB/$n" >>"$bulk"' >stub/act
	sends rest $READY $ATTACHED $STARTED 'stdout=passed\n' $OUT0 $STOPPED $EXIT
}

sends() { # NAME ITEM...
	sends_name=$1
	shift
	encode "$@" >"stub/$sends_name"
}

dies() { # NAME
	sends "$1" $READY $ATTACHED $STARTED 'stdout=died\n' $DIED $OUT0 $EXIT
}

retry() { # N ARG...
	retry_count=$1
	shift
	ktrun --retries "$retry_count" -s "$DEMO" "$@" -- true
}

count_runs() {
	wc -l <stub/runs
}

xml() { # XPATH
	xmllint --nonet --xpath "string($1)" r.xml
}

test_a_pass_after_a_failure_is_flaky_in_each_report() {
	dies 1
	retry 2 --junit r.xml --tap r.tap --report r.html --json r.json
	assert_verdict flaky 0
	assertEquals "runs" 2 "$(count_runs)"
	assert_value reason 'attempt 2 passed after sched-died; attempt 1: the scheduler died during the run: exited after 0.40 s with code 1'
	assert_matches '^ktrun: attempt 1 of 3: sched-died \(code 202\): .*; run again$' err
	assert_matches '^  attempt 1  sched-died \(code 202\): .*; see attempt-1$' err
	"$KT_PYTHON" "$KT_TOP/test/tools/validate.py" "$KT_TOP/docs/internals/result.schema.json" art/result.json >invalid
	assert_empty invalid
	assertEquals "attempts" '[["sched-died", 202]]' "$("$KT_PYTHON" -c 'import json
print(json.dumps([[a["verdict"], a["code"]] for a in json.load(open("r.json"))["attempts"]]))')"
	assertEquals "failures and errors" "1 0 0" "$(xml 'concat(//testsuite/@tests, " ", //testsuite/@failures, " ", //testsuite/@errors)')"
	assertEquals sched-died "$(xml //testcase/flakyFailure/@type)"
	assertEquals "flaky" "$(xml '//property[@name="verdict"]/@value')"
	assert_matches '^ok 1 - ktrun: run$' r.tap
	assert_matches '^  message: "flaky \(code 0\): attempt 2 passed' r.tap
	assert_matches '^    - "sched-died \(code 202\): ' r.tap
	assert_matches '<header class="warn">' r.html
	assert_matches '<dt>Attempt 1</dt><dd>sched-died' r.html
}

test_quiet_hides_a_pass_but_nothing_flaky() {
	retry 2 -q
	assert_status 0
	assert_empty err
	assertEquals "runs" 1 "$(count_runs)"
	: >stub/runs
	dies 1
	retry 2 -q
	assert_verdict flaky 0
}

test_each_attempt_has_a_run_directory_that_can_be_replayed() {
	dies 1
	sends 2 $READY $ATTACHED $STARTED 'stdout=failed\n' $OUT7 $STOPPED $EXIT
	retry 2
	assert_verdict flaky 0
	printf 'died\nfailed\npassed\n' >all
	assert_same_bytes all out
	assertEquals "stdouts" "died failed passed" "$(cat art/attempt-1/stdout art/attempt-2/stdout art/stdout | paste -sd " " -)"
	for at in 1:sched-died:202 2:fail:7; do
		directory=art/attempt-${at%%:*}
		cp "$directory/result.json" before
		run "$KTRUN" --replay "$directory"
		assert_status "${at##*:}"
		assert_same_bytes before "$directory/result.json"
		assert_matches "^ktrun: $(echo "$at" | cut -d : -f 2) " err
	done
	cp art/result.json before
	run "$KTRUN" --replay art --junit r.xml
	assert_status 0
	assert_same_bytes before art/result.json
	assert_matches '^ktrun: flaky \(code 0\): attempt 3 passed after sched-died, fail; attempt 1: ' err
	assertEquals "sched-died fail" "$(xml '//flakyFailure[1]/@type') $(xml '//flakyFailure[2]/@type')"
	assert_no_temporary_folder
}

test_what_fails_each_time_is_the_last_failure_with_those_before() {
	dies 1
	sends rest $READY $ATTACHED $STARTED $OUT7 $STOPPED $EXIT
	retry 2 --junit r.xml
	assert_verdict fail 7
	assertEquals "runs" 3 "$(count_runs)"
	assertEquals "fail" "$(xml //testcase/failure/@type)"
	assertEquals "sched-died fail" "$(xml '//rerunFailure[1]/@type') $(xml '//rerunFailure[2]/@type')"
	assert_matches '^  attempt 2  fail \(code 7\)' err
	: >stub/runs
	streams $READY $STARTED
	retry 0
	assertEquals "runs without retries" 1 "$(count_runs)"
}

test_an_error_of_the_host_and_a_stop_are_not_run_again() {
	echo 'echo run >>"$STUB/runs"; echo "no such machine" >&2; exit 1' >stub/act
	retry 3
	assert_verdict error 205
	assertEquals "runs" 1 "$(count_runs)"
	echo 'echo run >>"$STUB/runs"; kill -INT $PPID; exec sleep 1000' >stub/act
	retry 3
	assert_verdict interrupted 130
	assertEquals "runs" 2 "$(count_runs)"
	retry 3 -m 1
	assert_refused_line
	assertEquals "runs" 2 "$(count_runs)"
}

assert_refused_line() {
	assert_status 205
	assertEquals "lines on stderr: $(kt_head err)" 1 "$(wc -l <err)"
}

test_a_stop_in_a_later_attempt_is_interrupted() {
	dies 1
	echo '[ "$n" = 1 ] || { kill -INT $PPID; exec sleep 1000; }' >>stub/act
	retry 3
	assert_verdict interrupted 130
	assert_matches '^  attempt 1  sched-died' err
	assertTrue "attempt 1 is kept" "[ -e art/attempt-1/result.json ]"
}

test_attempts_of_an_earlier_run_go_and_those_of_others_stay() {
	dies 1
	retry 1
	assert_verdict flaky 0
	run "$KTRUN" -o "$PWD/art" -s "$DEMO" -- true
	assert_status 0
	assertFalse "an attempt of another run" "[ -e art/attempt-1 ]"
	mkdir art/attempt-1
	echo mine >art/attempt-1/file
	run "$KTRUN" -o "$PWD/art" -s "$DEMO" -- true
	assert_status 0
	run "$KTRUN" --retries 1 -o "$PWD/art" -s "$DEMO" -- true
	assert_refused_line
	assert_matches '^ktrun: --retries: in the way, and not of a run: .*/art/attempt-1$' err
	assert_file_text mine art/attempt-1/file
}

test_text_of_a_guest_stays_in_its_place_in_an_attempt_too() {
	sends 1 $READY $ATTACHED $STARTED 'lifecycle#phase:3:<b>"&\x1b[2J]]>\nok\x202\n#' sched-exit#i32:1 $OUT0 $EXIT
	retry 1 --junit r.xml --tap r.tap --report r.html
	assert_verdict flaky 0
	xmllint --nonet --noout r.xml
	assertEquals "xml" 0 $?
	assert_no_match '^ok 2' r.tap
	assert_no_match '<b>' r.html
	assertEquals "control characters" "" "$(LC_ALL=C tr -d '\n -~' <err | od -An -tx1)"
}

test_a_replayed_host_json_can_claim_nothing_wrong() {
	dies 1
	retry 1
	for attempt in '{"verdict":"pass","code":1,"reason":"","wall_ms":1}' \
		'{"verdict":"interrupted","code":130,"reason":"","wall_ms":1}' '{"verdict":"x","code":1,"reason":"","wall_ms":1}' \
		'{"verdict":"fail","code":0,"reason":"","wall_ms":1}' '{"verdict":"fail"}' '7'; do
		sed -i "s/\"attempts\": .*/\"attempts\": [$attempt]/" art/host.json
		run "$KTRUN" --replay art
		assert_refused_line
		assert_matches 'host.json is not what ktrun writes: ' err
	done
}

test_a_run_that_somebody_attends_is_refused() {
	for words in '--gdb -- true' '--shell'; do
		ktrun --retries 1 $words
		assert_refused
		assert_matches '^ktrun: --retries: a run that somebody attends' err
	done
	for number in -1 101 x ''; do
		ktrun --retries "$number" -- true
		assert_refused
	done
}

test_the_payload_s_stdin_is_empty() {
	echo input >input
	run sh -c '"$@" <input' sh "$KTRUN" --retries 1 -o "$PWD/art" -s "$DEMO" -- cat
	assert_status 0
	assert_no_match 'ktbox.ctl=1' stub/args
	run sh -c '"$@" <input' sh "$KTRUN" -o "$PWD/art" -s "$DEMO" -- cat
	assert_matches 'ktbox.ctl=1' stub/args
}

test_a_flaky_cell_is_flaky_in_the_table_and_in_the_reports_of_a_matrix() {
	printf '%s\n' "scheduler = demo $DEMO" 'payload = ok true' 'repeat = 2' 'memory = 256' 'retries = 1' >matrix
	dies 1
	cpu=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//') # one cell after the other
	run taskset -c "$cpu" "$KTRUN" --matrix matrix -o "$PWD/m" --junit r.xml --report m.html
	assert_status 0
	assertEquals "runs" 3 "$(count_runs)"
	assert_matches ' 1/2 50% .* 1 flaky, first 00001' out
	assert_matches '^matrix: 1 of 2 cells passed, 0 failed, 1 flaky; directory ' out
	assertEquals "0 0 1" "$(xml 'concat(/testsuites/@failures, " ", /testsuites/@errors, " ", count(//flakyFailure))')"
	assert_matches '<header class="warn">' m.html
	assert_matches '1 flaky' m.html
	echo 'retries = -1' >>matrix
	run "$KTRUN" --matrix matrix -o "$PWD/n"
	assert_refused_line
	assert_matches 'matrix, line 6: retries: not a number' err
}

test_a_flaky_run_is_flaky_in_a_comparison() {
	dies 1
	run "$KTRUN" --compare none none --retries 1 --runs 2 --seed 1 -o "$PWD/c" --markdown c.md --report c.html --json c.json -- true
	assert_status 0
	assertEquals "runs" 5 "$(count_runs)"
	assert_matches '^compare: 3 of 4 runs passed, 0 failed, 1 flaky; seed 1$' out
	assert_matches '^compare: 00001 \([AB]\) is flaky: attempt 2 passed after sched-died' out
	assert_matches '00001 \([AB]\) is \*\*flaky\*\*: ' c.md
	assert_matches '<h2>Flaky runs</h2>' c.html
	"$KT_PYTHON" "$KT_TOP/test/tools/validate.py" "$KT_TOP/docs/internals/compare.schema.json" c.json >invalid
	assert_empty invalid
}

test_a_bisect_skips_a_flaky_commit_unless_it_is_named() {
	dies 1
	retry 1 --bisect bad=sched-died
	assert_status 125
	: >stub/runs
	retry 1 --bisect bad=sched-died,flaky
	assert_status 1
}

test_a_payload_that_skips_the_commit_of_a_bisect_is_not_run_again() {
	sends rest $READY $ATTACHED $STARTED 'exec-exit#i32:125' $STOPPED fin 'exit#i32:125'
	retry 2 --bisect bad=sched-died
	assert_status 125
	assert_matches '^ktrun: bisect: skip \(code 125\): fail$' err
	assertEquals "runs" 1 "$(count_runs)"
	retry 2
	assert_status 125
	assertEquals "runs" 4 "$(count_runs)"
}

test_a_matrix_has_them_in_a_line_of_their_own() {
	printf '%s\n' 'payload = a true' 'options = --retries 2' >m
	run "$KTRUN" --matrix m -o c
	assert_status 205
	assert_matches '^ktrun: .*m, line 2: options: give --retries a line of its own, retries = N: --retries 2$' err
}

. shunit2

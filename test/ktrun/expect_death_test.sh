#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --expect-death=REGEX: only this death passes, and no expression and no text of a guest holds up the verdict.

# shellcheck disable=SC1091,SC2154,SC2086 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"

DEMO=$KT_TOP/build/scx_demo
STALL='scx-dump-end=number=1\x20type=error\x20kind=1026\x20complete=1\x20rule=counter\x20bytes=1\x20lines=1\x20lost=0\x20unsent=0'
STALL="$STALL\\x20name=demo\\x20reason=runnable\\x20task\\x20stall\\x20(worker[7])"
SAID='sched-state=ejected\x20ms=4\x20name=demo\x20kind=1025\x20reason=scx_bpf_error:\x20'
END='sched-state=exited\x20ms=400\x20code=1 sched-exit#i32:1'

# dies_of REGEX FRAME...: the scheduler dies like this under a payload that passes.
dies_of() {
	expression=$1
	shift
	streams $READY $ATTACHED $STARTED "$@" $END $OUT0 $EXIT
	ktrun -s "$DEMO" "--expect-death=$expression" -- true
}

test_the_death_that_was_expected_passes() {
	for expression in 'runnable task stall' '^runnable.*\(kind 1026\)$' 'stall|never' '(?i)STALL' 'kind 102[67]'; do
		dies_of "$expression" "$STALL"
		assert_verdict pass 0
	done
	dies_of 'ejected by the kernel, scx_bpf_error: no' "${SAID}no\\x20idea"
	assert_verdict pass 0
	dies_of 'exited after 0.40 s with code 1' lifecycle#phase:3:gone
	assert_verdict pass 0
}

test_another_death_is_sched_died_and_both_are_named() {
	dies_of scx_bpf_error "$STALL"
	assert_verdict sched-died 202
	assert_value reason \
		'the scheduler died, but not as --expect-death=scx_bpf_error says: runnable task stall (worker[7]) (kind 1026)'
	dies_of '^task stall' "$STALL"
	assert_verdict sched-died 202
	dies_of 'kind 1026$' "${SAID}kind\\x201026:\\x20not"
	assert_verdict sched-died 202
}

test_all_other_verdicts_are_those_of_any_expected_death() {
	streams $READY $ATTACHED $STARTED $OUT0 $STOPPED $EXIT
	ktrun -s "$DEMO" --expect-death=stall -- true
	assert_verdict sched-survived 208
	streams $READY $DIED $EXIT
	ktrun -s "$DEMO" --expect-death=. -- true
	assert_verdict sched-failed 200
	streams $READY $ATTACHED $STARTED "$STALL" $END $OUT7 $EXIT
	ktrun -s "$DEMO" --expect-death=stall -- true
	assert_verdict fail 7
	KTRUN_OPTS=--expect-death=stall ktrun -s "$DEMO" --expect-death -- true
	assert_verdict fail 7
	streams $READY $ATTACHED $STARTED $DIED $OUT0 $EXIT
	ktrun -s "$DEMO" --expect-death -- true
	assert_verdict pass 0
}

test_a_text_that_a_guest_has_made_for_the_expression_holds_up_nothing() {
	as=$(printf '%60s' '' | tr ' ' a)
	dies_of "($as?)?(a+)+b\$" "${SAID}${as}!"
	assert_verdict sched-died 202
	assert_matches 'the search for --expect-death=.* was given up after 1 s: ejected by the kernel, scx_bpf_error: a+!' err
	dies_of '^(\w+\s?)*$' "${SAID}${as}${as}!"
	assert_verdict sched-died 202
}

test_a_replay_knows_the_expression() {
	dies_of 'kind 1025' "$STALL"
	cp art/result.json before
	run "$KTRUN" --replay art
	assert_status 202
	assert_same_bytes before art/result.json
	sed -i 's/"death":"kind 1025"/"death":"kind 1026"/' art/host.json
	run "$KTRUN" --replay art
	assert_status 0
	for expression in '(' '[z-a]' "$(printf '%1001s' '' | tr ' ' x)" 'a{99999999999999999999}'; do
		sed -i "s/\"death\":\"[^\"]*\"/\"death\":\"$expression\"/" art/host.json
		run "$KTRUN" --replay art
		assert_status 205
		assert_matches '^ktrun: --replay: .*/host.json is not what ktrun writes: death: ' err
		assertEquals "lines" 1 "$(wc -l <err)"
	done
}

test_what_is_no_expression_is_refused() {
	for expression in '(' '[z-a]' '*' '(?P<a>' 'a{99999999999999999999}' "$(printf '%1001s' '' | tr ' ' x)" \
		"$(printf '%900s' '' | tr ' ' '(')"; do
		ktrun -s "$DEMO" "--expect-death=$expression" -- true
		assert_refused
		assert_matches '^ktrun: --expect-death: not a regular expression: ' err
	done
	ktrun -s "$DEMO" --expect-death= -- true
	assert_refused
	assert_matches '^ktrun: --expect-death: an empty regular expression' err
	ktrun --expect-death=a -- true
	assert_refused
	assert_matches 'there is no scheduler that could die' err
}

test_a_warning_of_python_about_an_expression_is_none_of_ktrun() {
	dies_of '[[a]runnable' "$STALL"
	assert_no_match Warning err
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --kselftest: what comes of the KTAP that a runner prints. The guest is a stub that sends it as the payload's
# stdout; test/vm/kselftest_test.sh has a real one.

# shellcheck disable=SC1091,SC2154,SC2086 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"

SENT="$READY $STARTED"

# report TEXT: what the reader makes of it: a line "STATUS NAME: MESSAGE" for each test, then the counts.
report() {
	printf '%b' "$1" >ktap
	launcher 'from launcher.judge.ktap import read_results
results = read_results("ktap", "runner")
for test in results.tests:
    print(test.status, test.name + (": " + test.message.replace("\n", "; ") if test.message else ""))
print(results.passed, results.failed, results.skipped)' >reported
}

assert_report() { # TEXT LINES
	report "$1"
	assert_file_text "$2" reported
}

# runs [STATUS] TEXT: a run whose payload prints it.
runs() {
	printf '#!/bin/sh\n' >runner
	chmod +x runner
	code=0
	[ $# = 1 ] || { code=$1 && shift; }
	printf '%b' "$1" >ktap
	streams $SENT
	# A frame has at most 32 KiB.
	split -b 30000 ktap part.
	for part in part.*; do
		"$KT_PYTHON" - "$part" "$KT_TOP/test/tools" <<-'END' >>stub/stream
			import sys
			sys.path.insert(0, sys.argv[2])
			import frames
			sys.stdout.buffer.write(frames.frame(frames.tag_of("stdout"), open(sys.argv[1], "rb").read()))
		END
	done
	encode "exec-exit#i32:$code" fin "exit#i32:$code" >>stub/stream
	ktrun --kselftest ./runner --junit r.xml --tap r.tap
}

test_each_result_is_a_test() {
	assert_report 'TAP version 13\n1..3\nok 1 first\n# why\nnot ok 2 - second # rc=1\nok 3 third # SKIP no such CPU\n' \
		'passed first
failed second: rc=1; why
skipped third: no such CPU
1 1 1'
}

test_a_runner_may_print_neither_version_nor_plan() {
	assert_report '===== START =====\nTEST: exit\nOUTPUT:\nok 1 exit # \n=====  END  =====\nok 2 numa # SKIP \n' \
		'passed exit
skipped numa
1 0 1'
}

test_the_number_of_results_must_be_that_of_the_plan() {
	assert_report 'KTAP version 1\n1..2\nok 1 a\n' 'passed a
failed (plan): the plan is 1..2, and 1 results came
1 1 0'
	assert_report 'KTAP version 1\n1..1\nok 1 a\nok 2 b\n' 'passed a
passed b
failed (plan): the plan is 1..1, and 2 results came
2 1 0'
	assert_report 'ok 1 a\nok 2 b\n1..2\n' 'passed a
passed b
2 0 0'
	assert_report '1..1\n1..1\nok 1 a\n' 'passed a
failed (plan): there is a second plan
1 1 0'
}

test_a_gap_in_the_numbers_is_a_lost_result() {
	assert_report 'ok 1 a\nok 3 c\n' 'passed a
passed c
failed (numbers): a result has the number 3, and 2 was expected
2 1 0'
	assert_report 'ok 1 a\nok 2 b\nok 1 c\nok 2 d\n' 'passed a
passed b
passed c
passed d
4 0 0'
}

test_a_result_without_a_number_or_a_name_counts() {
	assert_report 'ok\nok - b\nnot ok # it broke\nok 4\n' 'passed test 1
passed b
failed test 3: it broke
passed test 4
3 1 0'
}

# As TAP has it: a failure without a number is no other line.
test_a_failure_without_a_number_is_one() {
	assert_report 'ok 1 a\nnot ok to fork\nnot ok\nok to go on\n' 'passed a
failed to fork
failed test 3
1 2 0'
}

test_other_lines_mean_nothing() {
	assert_report 'okay 1 a\n#ok 1 a\n##ok 1\nnot okay\nok: fine\nok 1a\nnotok 1 b\n 1..x\nok 1 c\nTAP version x\n' 'passed c
1 0 0'
}

test_directives() {
	assert_report 'not ok 1 a # SKIP x\nnot ok 2 b # XFAIL y\nok 3 # XFAIL z\nnot ok 4 d # TODO\nok 5 e # TODO\n' 'skipped a: x
skipped b: XFAIL y
skipped test 3: XFAIL z
skipped d: TODO
passed e
1 0 4'
	assert_report 'not ok 1 a # TIMEOUT 30 seconds\nok 2 b # ERROR no fork\nok 3 c # error paths\nok 4 d#1 # skipped\n' \
		'failed a: TIMEOUT 30 seconds
failed b: ERROR no fork
passed c
skipped d#1
1 2 1'
	assert_report 'not ok 1 a # XPASS\nnot ok 2 b # xfail c\n' 'failed a: XPASS
failed b: xfail c
0 2 0'
}

test_a_test_with_subtests_is_its_subtests() {
	assert_report 'KTAP version 1
1..2
  KTAP version 1
  1..2
    KTAP version 1
    1..2
    # here
    not ok 1 test_1
    ok 2 test_2
  not ok 1 test_3
  ok 2 test_4 # SKIP
not ok 1 one
ok 2 two # SKIP
' 'failed one: test_3: test_1: here
passed one: test_3: test_2
skipped one: test_4
skipped two
1 1 2'
	assert_report 'TAP version 13\n1..2\n# TAP version 13\n# 1..2\n# ok 1 a\n# not ok 2 b\nnot ok 1 selftests: x # exit=1
ok 2 selftests: y\n' 'passed selftests: x: a
failed selftests: x: b
passed selftests: y
2 1 0'
	assert_report 'TAP version 13\n1..3\nok 1 a\n  ---\n  not ok 1 in it\n  ...\nok 2 b\n  ---\nnot ok 3 c\n  ...\n' \
		'passed a
passed b
failed c: ---
2 1 0'
	assert_report 'KTAP version 1\n1..1\n\t1..1\n\tnot ok 1 sub\nok 1 parent\n' 'failed parent: sub
0 1 0'
	assert_report 'TAP version 13\n1..1\n    # Subtest: s\n    1..1\n    ok 1 t\nok 1 s\n' 'passed s: t
1 0 0'
}

test_a_nested_report_without_a_header_counts() {
	assert_report 'TAP version 13\n1..1\n# ok 1 a\n# not ok 2 b\nok 1 selftests: sched_ext: runner\n' \
		'passed selftests: sched_ext: runner: a
failed selftests: sched_ext: runner: b
1 1 0'
}

test_a_test_that_fails_without_its_subtests_has_failed() {
	assert_report 'KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  ok 1 a\nnot ok 1 one # leaked\n' 'passed one: a
failed one: leaked
1 1 0'
	assert_report 'KTAP version 1\n1..1\n  KTAP version 1\n  1..2\n  ok 1 a\nok 1 one\n' 'passed one: a
failed (plan): the plan is 1..2, and 1 results came
1 1 0'
}

test_a_report_that_ends_in_the_middle() {
	assert_report 'KTAP version 1\n1..2\nok 1 one\n  KTAP version 1\n  ok 1 a\n' 'passed one
passed a
failed (end): the result of a test with subtests never came
failed (plan): the plan is 1..2, and 1 results came
2 2 0'
	assert_report 'KTAP version 1\n1..2\nok 1 one\nBail out! no memory\n' 'passed one
failed (bail out): the runner gave up: no memory
failed (plan): the plan is 1..2, and 1 results came
1 2 0'
}

test_nothing_to_run_is_skipped_and_no_result_has_failed() {
	assert_report 'TAP version 13\n1..0 # SKIP no sched_ext\n' 'skipped (all): no sched_ext
0 0 1'
	assert_report 'hello\n' 'failed (results): no result is on stdout
0 1 0'
	assert_report '' 'failed (results): no result is on stdout
0 1 0'
	assert_report 'TAP version 13\n1..1\n' 'failed (plan): the plan is 1..1, and 0 results came
0 1 0'
}

test_one_report_may_follow_another() {
	assert_report 'TAP version 13\n1..1\nok 1 a\nTAP version 13\n1..2\nok 1 b\n' 'passed a
passed b
failed (plan): the plan is 1..2, and 1 results came
2 1 0'
}

# As rt_stall of the sched_ext selftests does: the numbers of its reports go on, since they are of one process.
test_a_report_within_another_need_not_be_indented() {
	inner='TAP version 13\n1..1\n# of %s\nok %s x\n'
	# shellcheck disable=SC2059  # a format
	assert_report "ok 1 a\nok 2 b\n$(printf "$inner$inner${inner%??}" 1 1 2 2 3 3)\\nok 3 c\nok 4 d\n" 'passed a
passed b
passed c: x
passed c: x
passed c: x
passed d
6 0 0'
	assert_report 'ok 1 a\nok 2 b\nTAP version 13\n1..2\nok 1 x\nok 3 c\n' 'passed a
passed b
passed c: x
failed (plan): the plan is 1..2, and 1 results came
3 1 0'
	assert_report '1..3\nok 1 a\nTAP version 13\n1..1\nnot ok 1 x\nok 2 b\nok 3 c\n' 'passed a
failed b: x
passed c
2 1 0'
	assert_report '1..3\nok 1 a\nTAP version 13\n1..1\nok 1 x\n' 'passed a
passed x
failed (plan): the plan is 1..3, and 1 results came
2 1 0'
	assert_report "$(printf 'TAP version 13\nok 1 a\nok 2 b\n%.0s' 1 2 3 4 5 6 7 8 9 10)" "$(
		printf 'passed a\npassed b\n%.0s' 1 2 3 4 5 6 7 8 9 10)
20 0 0"
}

test_numbers_without_bounds() {
	many=$(text 900 | tr x 9)
	assert_report "1..$many\\nok $many a\\n" "passed a
failed (plan): no plan, or one of more than the 100000 results that are read: 1..$(echo "$many" | cut -c 1-40)
failed (numbers): a result has the number $(echo "$many" | cut -c 1-20), and 1 was expected
1 2 0"
}

# What a guest may send in its share of --max-output. The limit is of the CPU, by which a busy machine is not slow.
test_a_million_lines_cost_seconds() {
	for line in 'not ok 1 x' '' '# ok' '    ok 1 x' '        KTAP version 1'; do
		lines_of 1000000 "$line" >ktap
		read_for_seconds
		assert_matches '^[0-9]+ True$' kept
	done
	"$KT_PYTHON" -c 'for depth in range(20000):
    print(" " * (depth % 400) + "KTAP version 1\n" + " " * (depth % 400) + "ok 1 a")' >ktap
	read_for_seconds
	assert_matches '^[0-9]+ True$' kept
}

read_for_seconds() {
	# shellcheck disable=SC3045  # dash and ash have it
	(ulimit -t 30 && launcher 'from launcher.judge.ktap import read_results
results = read_results("ktap", "runner")
print(len(results.tests), results.failed > 0)') >kept
}

test_a_report_without_a_failure_is_a_pass() {
	runs 'TAP version 13\n1..2\nok 1 a\nok 2 b # SKIP no CPU\n'
	assert_verdict pass 0
	assert_value tests_passed 1
	assert_value tests_skipped 1
	assert_matches '^  tests +1 passed, 0 failed, 1 skipped$' err
	assert_matches '^ok 2 - runner: a$' r.tap
	assert_matches '^ok 3 - runner: b # SKIP no CPU$' r.tap
	assert_valid art/result.json
	assertEquals 3 "$(xmllint --nonet --xpath 'count(//testcase)' r.xml)"
	"$KTRUN" -q --replay art
	assertEquals "code of the replay" 0 $?
}

test_a_failed_result_fails_the_run_though_the_runner_ended_with_0() {
	runs 'ok 1 a\n# no luck\nnot ok 2 b\n'
	assert_verdict fail 1
	assert_value reason '1 of 2 tests failed'
	assert_matches '^     runner: b: no luck$' err
	assertEquals 'no luck' "$(xmllint --nonet --xpath 'string(//testcase[@name="b"]/failure/@message)' r.xml)"
	assert_valid art/result.json
	"$KTRUN" -q --replay art 2>again
	assertEquals "code of the replay" 1 $?
}

test_a_runner_that_ends_with_an_error_fails_the_run() {
	runs 139 'ok 1 a\n'
	assert_verdict fail 139
	assert_value reason 'the payload ended with 139'
	runs 4 'ok 1 a\nok 2 b # SKIP\n'
	assert_verdict fail 4
}

test_a_runner_that_skips_all_passes_with_the_status_of_a_skip() {
	runs 4 '1..0 # SKIP no sched_ext\n'
	assert_verdict pass 0
	assert_value tests_skipped 1
}

test_a_run_that_is_lost_has_the_results_up_to_there() {
	SENT="$READY $STARTED"
	printf '#!/bin/sh\n' >runner
	chmod +x runner
	streams $SENT 'stdout=1..2\nok\x201\x20a\n'
	ktrun --kselftest ./runner
	assert_verdict lost 203
	assert_value tests_passed 1
	assert_value_in_tests 'the plan is 1..2, and 1 results came'
	streams $READY
	ktrun --kselftest ./runner
	assert_verdict lost 203
	assert_value tests '[]'
}

assert_value_in_tests() { # TEXT
	value tests >tests.out
	assert_matches "$1" tests.out
}

test_what_the_guest_prints_stays_in_its_place() {
	runs 'ok 1 \033[31m<b>"&]]>\xff\xe2\x80\xae\x01\\\nnot ok 2 x\ty # \033]0;z\007\n'
	assert_verdict fail 1
	assert_no_match "$(printf '\033')" err
	assert_no_match "$(printf '\033')" art/result.json
	xmllint --nonet --noout r.xml
	kt_verdict $? "r.xml is no XML"
	assert_valid art/result.json
}

test_without_the_option_output_is_only_output() {
	streams $SENT 'stdout=not\x20ok\x201\x20a\n' $OUT0 $EXIT
	ktrun -- true
	assert_verdict pass 0
	assert_value tests '[]'
}

test_the_runner_is_an_include_with_the_words_as_arguments() {
	printf '#!/bin/sh\n' >'a runner'
	chmod +x 'a runner'
	streams $SENT 'stdout=ok\x201\x20a\n' $OUT0 $EXIT
	ktrun --kselftest './a runner' -- -t "it's"
	assert_status 0
	tail -c +$(($(wc -c <"$KT_TOP/build/initramfs.cpio") + 1)) stub/initrd >added.cpio
	mkdir added
	(cd added && cpio -idm --quiet --no-absolute-filenames <../added.cpio 2>../cpio.err)
	assertTrue "the runner is there" "[ -x 'added/include-files/a runner' ]"
	tr '\0' '\n' <added/.ktbox/command >words
	assert_file_text "/include-files/a runner
-t
it's" words
}

test_bad_input_is_refused() {
	printf '#!/bin/sh\n' >runner
	ktrun --kselftest ./runner
	assert_refused
	assert_matches 'runner is not executable: .*/runner$' err
	ktrun --kselftest ./none
	assert_refused
	assert_matches 'runner not found: .*/none$' err
	ktrun --kselftest kt-no-such-command
	assert_refused
	chmod +x runner
	ktrun --kselftest ./runner --shell
	assert_refused
	echo '. shunit2' >a_test.sh
	ktrun --kselftest ./runner --test a_test.sh
	assert_refused
	echo '0 true' >scenario
	ktrun --kselftest ./runner --scenario scenario
	assert_refused
	echo text >runner
	ktrun --kselftest ./runner
	assert_refused
	ktrun --kselftest
	assert_status 205
}

. shunit2

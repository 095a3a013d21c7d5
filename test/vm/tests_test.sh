#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --test: shunit2 scripts in a guest, and what the host knows of each test, those included that shunit2
# itself takes for passed.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

oneTimeSetUp() {
	scripts=$KT_TOP/test/data/tests
	printf '. shunit2\n' >"$FILES/none_test.sh"
	vm good -s "$DEMO" --tap "$VMS/good.tap" --test "$scripts/good_test.sh"
	vm bad --junit "$VMS/bad.xml" --test "$scripts/bad_test.sh" "$scripts/die_test.sh" "$FILES/none_test.sh"
}

# outcomes: STATUS FILE NAME of each test.
outcomes() {
	"$KT_PYTHON" -c 'import json, sys
for test in json.load(open(sys.argv[1]))["tests"]: print(test["status"], test["file"], test["name"])' "$result"
}

test_passed_and_skipped_tests_make_a_pass() {
	look good
	assert_verdict pass 0
	assertEquals 'passed good_test.sh test_attached
skipped good_test.sh test_skipped' "$(outcomes)"
	assert_matches 'tests +1 passed, 0 failed, 1 skipped' "$err"
	assert_matches '^ok 3 - good_test.sh: test_skipped # SKIP' "$VMS/good.tap"
}

test_what_shunit2_takes_for_passed_has_failed() {
	look bad
	assert_verdict fail 1
	assertEquals 'failed bad_test.sh test_fails
failed bad_test.sh test_in_a_subshell
failed bad_test.sh test_nothing
failed bad_test.sh test_returns
failed die_test.sh test_dies
failed none_test.sh (script)' "$(outcomes)"
	assert_value_matches reason '^6 of 6 tests failed$'
	assert_matches 'bad_test.sh: test_fails: a <b> expected:<1> but was:<2>$' "$err"
}

test_each_failed_test_is_a_failure_in_junit() {
	xmllint --nonet --xpath 'concat(count(//testcase), " ", count(//failure))' "$VMS/bad.xml" >counts
	assert_file_text '7 6' counts
	assertEquals 'it made no assert' \
		"$(xmllint --nonet --xpath 'string(//testcase[@name="test_nothing"]/failure/@message)' "$VMS/bad.xml")"
}

. shunit2

# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# How a script of kt-test is judged. The guest's shunit2 reads this between its functions and its main part
# (scripts/pack-initramfs.sh); what is defined here replaces functions of shunit2.
# In:   KT_TEST_STATE, a directory of kt-test.
# Out:  a test-case report for each test, to kt-test; in KT_TEST_STATE how far the script came.
#
# A script is judged as shunit2 2.1.8 judges it, but for what that lets pass: a test that asserts nothing, an assert
# that fails in a subshell or outside of a test. A file survives a subshell. Reports go to a FIFO by its path: a
# script may take or close any descriptor.
# shellcheck disable=SC2034,SC2154,SC2317 # shunit2 calls these functions, and has the variables

_shunit_kt_case_=0
: >"$KT_TEST_STATE/asserts"
: >"$KT_TEST_STATE/current"

# kt-test reads the text of report N from the file report.N.
_shunit_kt_report() { # STATUS MILLISECONDS NAME MESSAGE
	_shunit_kt_case_=$((_shunit_kt_case_ + 1))
	echo "status=$1 ms=$2 file=$KT_TEST_FILE name=$3 message=$4" >"$KT_TEST_STATE/report.$_shunit_kt_case_" &&
		echo "$1" >>"$KT_TEST_STATE/reported" &&
		echo "$_shunit_kt_case_" >"$KT_TEST_STATE/reports"
}

_shunit_kt_assert() { # OUTCOME
	echo "$1" >>"$KT_TEST_STATE/asserts"
	__shunit_assertsTotal=$((__shunit_assertsTotal + 1))
}

_shunit_assertPass() {
	__shunit_assertsPassed=$((__shunit_assertsPassed + 1))
	_shunit_kt_assert pass
}

_shunit_assertSkip() {
	__shunit_assertsSkipped=$((__shunit_assertsSkipped + 1))
	_shunit_kt_assert skip
}

_shunit_incFailedCount() {
	__shunit_assertsFailed=$((__shunit_assertsFailed + 1))
	_shunit_kt_assert fail
}

_shunit_assertFail() {
	__shunit_testSuccess=$SHUNIT_FALSE
	_shunit_incFailedCount
	[ $# -gt 0 ] || return 0
	echo "ASSERT:$*"
	echo "$*" >>"$KT_TEST_STATE/messages"
}

# The script ends here, whatever it was at: kt-test reports it.
_shunit_fatal() {
	echo "shunit2:FATAL $*" >&2
	echo "$*" >"$KT_TEST_STATE/fatal"
	rm -f "$KT_TEST_STATE/suite_ended" # a failed oneTimeTearDown
	exit "$SHUNIT_ERROR"
}

_shunit_execSuite() {
	_shunit_kt_outside
	for _shunit_test_ in $__shunit_suite; do _shunit_kt_one_test; done
	: >"$KT_TEST_STATE/asserts"
	: >"$KT_TEST_STATE/suite_ended"
	unset _shunit_test_
}

# An assert that failed in oneTimeSetUp or oneTimeTearDown belongs to no test.
_shunit_kt_outside() {
	! _shunit_kt_had fail || : >"$KT_TEST_STATE/outside"
}

_shunit_generateReport() {
	[ "$__shunit_reportGenerated" -ne "$SHUNIT_TRUE" ] || return 0
	_shunit_kt_outside
	[ ! -e "$KT_TEST_STATE/suite_ended" ] || : >"$KT_TEST_STATE/the_end"
	echo "Ran $__shunit_testsTotal tests, $__shunit_testsFailed failed."
	__shunit_reportGenerated=$SHUNIT_TRUE
}

_shunit_kt_clock() { # sets _shunit_kt_ms_, milliseconds since boot
	read -r _shunit_kt_up_ _ </proc/uptime
	_shunit_kt_ms_=$((${_shunit_kt_up_%.*} * 1000 + (1${_shunit_kt_up_#*.} - 100) * 10))
}

_shunit_kt_one_test() {
	: >"$KT_TEST_STATE/asserts"
	: >"$KT_TEST_STATE/messages"
	echo "$_shunit_test_" >"$KT_TEST_STATE/current"
	__shunit_testSuccess=$SHUNIT_TRUE
	endSkipping
	_shunit_kt_clock
	_shunit_kt_start_=$_shunit_kt_ms_
	setUp || _shunit_fatal "setUp() returned non-zero return code."
	echo "$_shunit_test_"
	eval "$_shunit_test_"
	_shunit_kt_returned_=$?
	[ "$_shunit_kt_returned_" -eq 0 ] || _shunit_kt_had fail || _shunit_assertFail "it returned $_shunit_kt_returned_"
	tearDown || _shunit_fatal "tearDown() returned non-zero return code."
	_shunit_kt_judge
	: >"$KT_TEST_STATE/current"
}

_shunit_kt_had() { # OUTCOME
	grep -q "^$1" "$KT_TEST_STATE/asserts"
}

_shunit_kt_judge() {
	_shunit_kt_clock
	_shunit_kt_ms_=$((_shunit_kt_ms_ - _shunit_kt_start_))
	if _shunit_kt_had fail; then
		_shunit_kt_report failed "$_shunit_kt_ms_" "$_shunit_test_" "$(head -c 3000 "$KT_TEST_STATE/messages")"
		__shunit_testsFailed=$((__shunit_testsFailed + 1))
		return
	fi
	__shunit_testsPassed=$((__shunit_testsPassed + 1))
	if _shunit_kt_had pass; then
		_shunit_kt_report passed "$_shunit_kt_ms_" "$_shunit_test_" ''
	elif _shunit_kt_had skip; then
		_shunit_kt_report skipped "$_shunit_kt_ms_" "$_shunit_test_" ''
	else
		_shunit_kt_report failed "$_shunit_kt_ms_" "$_shunit_test_" 'it made no assert'
	fi
}

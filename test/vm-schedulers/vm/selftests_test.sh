#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's selftests of sched_ext, whose runner prints KTAP: each of its results is a test of the run. `make
# test-schedulers` runs it; `make schedulers` builds the runner.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

SCHEDULERS=$KT_TOP/build/schedulers
RUNNER=$SCHEDULERS/runner
VM_CEILING=1800

# outcomes: STATUS FILE NAME of each test.
outcomes() {
	"$KT_PYTHON" -c 'import json, sys
for test in json.load(open(sys.argv[1]))["tests"]: print(test["status"], test["file"], test["name"])' "$result"
}

# What the runner says by itself, of its own counting.
total() { # PASSED|SKIPPED|FAILED
	sed -n "s/^$1: *//p" "$art/stdout"
}

test_each_selftest_is_a_test_of_the_run() {
	vm all -c 4 -m 1024 --junit "$VMS/all.xml" --kselftest "$RUNNER"
	look all
	assertEquals "$(total FAILED) $(total SKIPPED)" "$(value tests_failed) $(value tests_skipped)"
	outcomes | cut -d ' ' -f 3 | sed 's/:$//' | sort -u >ran # rt_stall has subtests
	"$RUNNER" -l | sort >known
	assert_same_bytes known ran
	if [ "$(total FAILED)" = 0 ]; then
		assert_verdict pass 0
	else
		assert_verdict fail 1
		fail "selftests of the kernel have failed: $(outcomes | grep ^failed | tr '\n' ' ')"
	fi
	assertEquals "$(($(outcomes | wc -l) + 1))" "$(xmllint --nonet --xpath 'count(//testcase)' "$VMS/all.xml")"
}

# Only one scheduler may be attached to the whole machine, so that a selftest cannot attach its own.
test_a_selftest_that_fails_fails_the_run() {
	vm taken -s "$SCHEDULERS/scx_simple" --kselftest "$RUNNER" -- -t init_enable_count
	look taken
	assert_verdict fail 1
	assertEquals 'failed runner init_enable_count' "$(outcomes)"
	assert_value scheduler_name simple
}

test_a_selftest_that_no_name_matches_is_no_pass() {
	vm none --kselftest "$RUNNER" -- -t no_such_test
	look none
	assert_verdict fail 1
	assertEquals 'failed runner (results)' "$(outcomes)"
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --kselftest in a guest: a script that prints KTAP, which passes, which ends with 0 though a test has failed, and
# which panics the guest after its first test. `make test-schedulers` runs the kernel's own selftests of sched_ext.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

oneTimeSetUp() {
	cat >"$FILES/runner" <<-'END'
		#!/bin/sh
		echo "KTAP version 1"
		echo "1..3"
		echo "  KTAP version 1"
		echo "  1..1"
		echo "  ok 1 $(cat /sys/kernel/sched_ext/root/ops)"
		echo "ok 1 scheduler"
		case $1 in
		panic)
			ktlatch wait bpf_map_write_done
			echo c >/proc/sysrq-trigger
			;;
		esac
		echo "# the argument is $1"
		echo "$2 2 argument"
		echo "ok 3 numa # SKIP one node"
	END
	chmod +x "$FILES/runner"
	vm good -s "$DEMO" --tap "$VMS/good.tap" --kselftest "$FILES/runner" -- good ok
	vm bad -s "$DEMO" --junit "$VMS/bad.xml" --kselftest "$FILES/runner" -- bad 'not ok'
	vm_heard 'ok 1 scheduler' panic -s "$DEMO" --kselftest "$FILES/runner" -- panic
}

# outcomes: STATUS NAME of each test.
outcomes() {
	"$KT_PYTHON" -c 'import json, sys
for test in json.load(open(sys.argv[1]))["tests"]: print(test["status"], test["file"], test["name"])' "$result"
}

test_results_without_a_failure_make_a_pass() {
	look good
	assert_verdict pass 0
	assertEquals 'passed runner scheduler: scx_demo
passed runner argument
skipped runner numa' "$(outcomes)"
	assert_matches 'tests +2 passed, 0 failed, 1 skipped' "$err"
	assert_matches '^ok 4 - runner: numa # SKIP one node$' "$VMS/good.tap"
}

test_a_failed_result_fails_the_run() {
	look bad
	assert_verdict fail 1
	assert_value exec_exit_code 0
	assertEquals 'passed runner scheduler: scx_demo
failed runner argument
skipped runner numa' "$(outcomes)"
	assert_matches 'runner: argument: the argument is bad$' "$err"
	assertEquals 'the argument is bad' \
		"$(xmllint --nonet --xpath 'string(//testcase[@name="argument"]/failure/@message)' "$VMS/bad.xml")"
}

test_a_lost_guest_has_the_results_up_to_there() {
	look panic
	assert_verdict lost 203
	assert_value_matches reason 'sysrq triggered crash'
	assertEquals 'passed runner scheduler: scx_demo
failed runner (plan)' "$(outcomes)"
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The harness must turn red for all that shunit2 2.1.8 lets pass. Each test here runs test/run on a small tree
# with one test file, and looks at its last line and exit code.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/test.sh"

# harness_on [LINE...]: a tree whose only file has these lines between the layer and shunit2; leaves status
# and last.
harness_on() {
	mkdir -p tree/applets
	{
		# shellcheck disable=SC2016
		echo '. "$KT_TEST_LIB/test.sh"'
		printf '%s\n' "$@"
		echo '. shunit2'
	} >tree/applets/small_test.sh
	harness_run
}

harness_run() { # ARG...
	KT_ROOT=$PWD/tree KT_STATE=$PWD/state KT_ONLY='' run "$KT_TOP/test/run" "$@"
	last=$(tail -n 1 out)
}

assert_red() { # REASON-ERE LAST-LINE
	assert_status 1
	assertEquals "$2" "$last"
	assert_matches "$1" out
}

test_a_passing_test_is_green() {
	harness_on 'test_one() { assertTrue true; }' 'test_two() { assertEquals 1 1; }'
	assert_status 0
	assertEquals "2 passed, 0 failed" "$last"
}

test_a_failing_assert_is_red() {
	harness_on 'test_one() { assertTrue true; }' 'test_two() { assertEquals 1 2; }'
	assert_red 'FAILED test_two: 1 failed assert' "1 passed, 1 failed"
	assert_matches 'expected:<1> but was:<2>' out
}

test_no_test_function_is_red() {
	harness_on 'no_test() { assertTrue true; }'
	assert_red 'has no test function' "0 passed, 1 failed"
}

test_a_test_without_assert_is_red() {
	harness_on 'test_one() { true; }' 'test_two() { assertTrue true; }'
	assert_red 'FAILED test_one: made no assert' "1 passed, 1 failed"
}

test_a_failing_assert_in_a_subshell_is_red() {
	harness_on 'test_one() { assertTrue true; ( assertTrue false ); true; }'
	assert_red 'FAILED test_one: 1 failed assert' "0 passed, 1 failed"
}

test_a_failing_assert_in_a_pipe_is_red() {
	# shellcheck disable=SC2016
	harness_on 'test_one() { echo x | while read -r x; do assertEquals y "$x"; done; assertTrue true; }'
	assert_red 'FAILED test_one: 1 failed assert' "0 passed, 1 failed"
}

test_a_skipped_assert_is_no_assert() {
	harness_on 'test_one() { startSkipping; assertTrue false; }'
	assert_red 'FAILED test_one: made no assert' "0 passed, 1 failed"
}

test_a_file_that_skips_is_shown_and_counted_and_is_no_pass() {
	harness_on 'oneTimeSetUp() { kt_skip "no such machine"; }' 'test_one() { true; }' 'test_two() { true; }'
	assert_status 1
	assertEquals "2 skipped, 0 passed, 0 failed" "$last"
	assert_matches '^applets/small_test.sh: SKIPPED 2 tests: no such machine$' out
	harness_on 'oneTimeSetUp() { assertTrue false; kt_skip "no such machine"; }' 'test_one() { true; }'
	assert_matches '^FAILED test_one: did not run$' out
}

test_a_test_that_returns_an_error_is_red() {
	harness_on 'test_one() { assertTrue true; false; }'
	assert_red 'FAILED test_one' "0 passed, 1 failed"
}

test_a_file_that_exits_early_is_red() {
	harness_on 'test_one() { assertTrue true; }' 'test_two() { assertTrue true; exit 0; }' \
		'test_three() { assertTrue true; }'
	assert_red 'died before its end' "1 passed, 3 failed"
	assert_matches 'FAILED test_two: did not reach its end' out
	assert_matches 'FAILED test_three: did not run' out
}

test_a_file_that_is_killed_is_red() {
	# shellcheck disable=SC2016
	harness_on 'test_one() { assertTrue true; }' 'test_two() { kill -KILL $$; }'
	assert_red 'died before its end' "1 passed, 3 failed"
	assert_matches 'left temporary files behind' out
}

test_a_syntax_error_is_red() {
	harness_on 'test_one() { assertTrue true; }' 'if then'
	assert_red 'died before its end' "0 passed, 2 failed"
}

test_fewer_tests_than_defined_is_red() {
	# shellcheck disable=SC2016
	harness_on 'test_one() { assertTrue true; }' 'test_two() { assertTrue true; }' \
		'setUp() { __shunit_suite=test_one; case $_shunit_test_ in test_two) exit 0 ;; esac; }'
	assert_red 'FAILED test_two: did not' "1 passed, 2 failed"
}

test_a_file_that_forgets_the_layer_is_red() {
	mkdir -p tree/applets
	printf '%s\n' 'test_one() { assertTrue true; }' '. shunit2' >tree/applets/small_test.sh
	harness_run
	assert_red 'FAILED test_one: did not run' "0 passed, 2 failed"
}

test_a_file_that_forgets_shunit2_is_red() {
	mkdir -p tree/applets
	# shellcheck disable=SC2016
	printf '%s\n' '. "$KT_TEST_LIB/test.sh"' 'test_one() { assertTrue true; }' >tree/applets/small_test.sh
	harness_run
	assert_red 'FAILED test_one: did not run' "0 passed, 2 failed"
}

test_a_process_left_behind_is_red_and_is_ended() {
	# shellcheck disable=SC2016
	harness_on 'test_one() {' 'assertTrue true' 'setsid tail -f /dev/null >/dev/null 2>&1 &' \
		'echo $! >'"$PWD/pid" '}'
	assert_red 'left a process behind: .*tail -f' "1 passed, 1 failed"
	assertEquals "its command line" "" "$(cat "/proc/$(cat pid)/cmdline" 2>/dev/null)"
}

test_a_temporary_file_left_behind_is_red() {
	harness_on 'test_one() { assertTrue true; mktemp; }'
	assert_red 'left temporary files behind' "1 passed, 1 failed"
}

test_a_mistyped_assert_is_red() {
	harness_on 'test_one() { assertTrue true; assertEqualz 1 2; return 0; }'
	assert_red 'called what is not there: .*assertEqualz' "1 passed, 1 failed"
}

test_a_failing_assert_before_the_tests_is_red() {
	harness_on 'oneTimeSetUp() { assertTrue false; true; }' 'test_one() { assertTrue true; }'
	assert_red 'an assert outside of a test failed' "1 passed, 1 failed"
}

test_a_file_over_its_ceiling_is_red() {
	KT_FILE_SECS=1
	export KT_FILE_SECS
	harness_on 'test_one() { tail -f /dev/null; assertTrue true; }'
	unset KT_FILE_SECS
	assert_red 'died before its end \(status 124\)' "0 passed, 2 failed"
}

test_no_matching_file_is_red() {
	harness_on 'test_one() { assertTrue true; }'
	harness_run no_such_file
	assert_status 1
	assertEquals "0 passed, 1 failed" "$last"
}

test_files_are_added_up_and_chosen_by_pattern() {
	harness_on 'test_one() { assertTrue true; }'
	mkdir tree/vm tree/init
	cp tree/applets/small_test.sh tree/vm/other_test.sh
	cp tree/applets/small_test.sh tree/init/third_test.sh
	harness_run
	assertEquals "3 passed, 0 failed" "$last"
	harness_run vm/other third
	assertEquals "2 passed, 0 failed" "$last"
}

# file_of NAME LINE...: one more test file, of which these lines are the tests.
file_of() {
	small_name=$1
	shift
	mkdir -p "tree/${small_name%/*}"
	{
		# shellcheck disable=SC2016
		echo '. "$KT_TEST_LIB/test.sh"'
		printf '%s\n' "$@"
		echo '. shunit2'
	} >"tree/$small_name"
}

test_the_longest_file_of_the_last_run_starts_first() {
	for name in a b c; do
		file_of "init/${name}_test.sh" 'test_one() { assertTrue true; }'
	done
	mkdir state
	printf '%s\t%s\n' 2 "$PWD/tree/init/a_test.sh" 90 "$PWD/tree/init/c_test.sh" 30 "$PWD/tree/init/b_test.sh" >state/seconds
	KT_JOBS=1
	export KT_JOBS
	harness_run
	unset KT_JOBS
	assertEquals "3 passed, 0 failed" "$last"
	assertEquals 'c b a' "$(sed -n 's/^init\/\(.\)_test.sh: .*/\1/p' out | paste -sd ' ')"
	assertEquals "seconds that are remembered" 3 "$(grep -c '^[0-9]' state/seconds)"
	assertEquals "of this run" 0 "$(grep -c '^[39]0' state/seconds)"
}

test_vm_files_are_limited_and_others_run_beside_them() {
	for name in a b; do
		# shellcheck disable=SC2016
		file_of "vm/${name}_test.sh" 'test_one() { mkdir "'"$PWD"'/one_vm"; assertTrue "it is alone" $?;' \
			'KT_RUN_DIR='"$PWD"'/latches kt ktlatch wait -t 20 host_ran; assertTrue "a host file ran" $?;' \
			'rmdir "'"$PWD"'/one_vm"; }'
	done
	# shellcheck disable=SC2016
	file_of init/c_test.sh 'test_one() { KT_RUN_DIR='"$PWD"'/latches kt ktlatch set host_ran; assertTrue $?; }'
	mkdir latches
	KT_JOBS=2 KT_VM_JOBS=1
	export KT_JOBS KT_VM_JOBS
	harness_run
	unset KT_JOBS KT_VM_JOBS
	assertEquals "3 passed, 0 failed" "$last"
}

test_failed_files_alone_run_again_until_they_pass() {
	file_of init/a_test.sh 'test_one() { assertTrue true; }'
	file_of init/b_test.sh 'test_one() { assertTrue "[ -e '"$PWD"'/mended ]"; }'
	harness_run
	assertEquals "1 passed, 1 failed" "$last"
	harness_run --failed
	assert_red 'FAILED test_one' "0 passed, 1 failed"
	: >mended
	harness_run a_test
	assertEquals "another file's run does not clear it" "1 passed, 0 failed" "$last"
	harness_run --failed
	assertEquals "1 passed, 0 failed" "$last"
	harness_run --failed
	assert_status 1
	assert_matches 'no file failed' err
}

test_fast_runs_the_files_that_the_list_names() {
	for name in applets/a slow/b vm/smoke; do
		file_of "${name}_test.sh" 'test_one() { assertTrue true; }'
	done
	printf '%s\n' '# a comment' applets/a_test.sh vm/smoke_test.sh >tree/fast
	harness_run --fast
	assertEquals "2 passed, 0 failed" "$last"
	assert_matches '^vm/smoke_test.sh: ' out
	assert_matches '^applets/a_test.sh: ' out
	echo applets/gone_test.sh >>tree/fast
	harness_run --fast
	assert_status 1
	assert_matches 'names what is not there: applets/gone_test.sh$' err
	assertEquals "0 passed, 1 failed" "$last"
}

test_the_end_names_the_longest_files() {
	harness_on 'test_one() { assertTrue true; }'
	assert_matches '^longest of 1 files, in [0-9]+ s:$' out
	assert_matches '^ +[0-9]+ s, CPU +[0-9]+ s  applets/small_test.sh$' out
}

test_a_process_that_spins_reaches_its_ceiling_of_cpu_time() {
	KT_FILE_CPU=1
	export KT_FILE_CPU
	harness_on 'test_one() { sh -c "while :; do :; done"; assertEquals 137 $?; }' # 128 and SIGKILL
	unset KT_FILE_CPU
	assertEquals "1 passed, 0 failed" "$last"
}

test_an_interrupted_run_leaves_no_process() {
	# shellcheck disable=SC2016
	file_of init/a_test.sh 'test_one() { tail -f /dev/null & echo $! >'"$PWD"'/pid;' \
		'KT_RUN_DIR='"$PWD"'/latches kt ktlatch set it_runs; wait; assertTrue true; }'
	mkdir latches
	KT_ROOT=$PWD/tree KT_STATE=$PWD/state KT_ONLY='' "$KT_TOP/test/run" >out 2>err &
	runner=$!
	(KT_RUN_DIR=$PWD/latches kt ktlatch wait -t "$KT_CEILING" it_runs)
	assertTrue "the test runs" $?
	kill -TERM "$runner"
	end_of "$runner"
	assert_status 130
	assertEquals "command line of the test's process" "" "$(cat "/proc/$(cat pid)/cmdline" 2>/dev/null)"
}

test_temporary_folders_are_kept_only_when_asked() {
	harness_on 'test_one() { assertTrue true; echo mine >file; }'
	assert_no_match '^kept: ' out
	KT_KEEP=1
	export KT_KEEP
	harness_run
	unset KT_KEEP
	kept=$(sed -n 's/^kept: //p' out)
	assertEquals mine "$(cat "$kept/kept/test_one/file")"
	assertEquals "1 passed, 0 failed" "$last"
	rm -rf "$kept"
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# kt-test judges a script as shunit2 does, and each report reaches the host or the run has failed. Run on this host,
# with the guest's files in ./usr and a stub of ktsend beside kt-test.
# shellcheck disable=SC2016,SC2317  # text for scripts; shunit2 calls the tests

. "$KT_TEST_LIB/unit.sh"

setUp() {
	mkdir -p usr/bin usr/share tmp
	users=TMPDIR=$PWD/tmp # a script that is killed leaves its directory
	cp "$KT_TOP/rootfs/usr/bin/kt-test" usr/bin/
	cp -RP "$KT_TOP/build/rootfs/usr/share/ktbox" "$KT_TOP/build/rootfs/usr/share/shunit2" usr/share/
	ln -s ../share/shunit2/shunit2 usr/bin/shunit2
	printf '#!/bin/sh\n[ "$1" = test-case ] && printf "%%s\\n" "$2" >>"%s/frames"\n' "$PWD" >usr/bin/ktsend
	chmod +x usr/bin/ktsend
}

# script LINE...: leaves it in ./a_test.sh, with shunit2 at its end. An @ is a newline.
script() {
	printf '%s\n' "$@" '. shunit2' | tr '@' '\n' >a_test.sh
}

# judged [LINE...]: kt-test runs such a script; leaves status, and the reports in ./frames.
judged() {
	script "$@"
	rm -f frames
	# shellcheck disable=SC2086 # a list of words
	run env PATH="$PWD/usr/bin:$PATH" $users "$PWD/usr/bin/kt-test" a_test.sh
	touch frames
}

# assert_cases LINE...: "STATUS NAME MESSAGE" of each report, in order.
assert_cases() {
	sed -n 's/^status=\([a-z]*\) ms=[0-9]* file=a_test.sh name=\(.*\) message=\(.*\)/\1 \2 \3/p' frames >cases
	assertEquals "$(cat out err)" "$(printf '%s\n' "$@")" "$(cat cases)"
}

# as_shunit2_does: the script fails, and does with this machine's shunit2, too.
as_shunit2_does() {
	assert_status 1
	TMPDIR=$PWD/tmp sh a_test.sh >real.out 2>&1
	assertNotEquals "shunit2 says: $(cat real.out)" 0 $?
}

test_what_passes() {
	judged 'test_a() { assertTrue true; }' 'test_b() { startSkipping; assertTrue false; }'
	assert_status 0
	assert_cases 'passed test_a ' 'skipped test_b '
}

test_a_setup_that_fails_is_fatal() {
	judged 'setUp() { false; }' 'test_a() { assertTrue true; }' 'test_b() { assertTrue true; }'
	as_shunit2_does
	assert_cases 'failed test_a setUp() returned non-zero return code.'
}

test_a_teardown_that_fails_is_fatal() {
	judged 'tearDown() { return 3; }' 'test_a() { assertTrue true; }' 'test_b() { assertTrue true; }'
	as_shunit2_does
	assert_cases 'failed test_a tearDown() returned non-zero return code.'
}

test_a_onetimesetup_that_fails_is_fatal() {
	judged 'oneTimeSetUp() { false; }' 'test_a() { assertTrue true; }'
	as_shunit2_does
	assert_cases 'failed (script) oneTimeSetUp() returned non-zero return code.'
}

test_a_onetimeteardown_that_fails_is_fatal() {
	judged 'oneTimeTearDown() { false; }' 'test_a() { assertTrue true; }'
	as_shunit2_does
	assert_cases 'passed test_a ' 'failed (script) oneTimeTearDown() returned non-zero return code.'
}

test_a_script_that_ends_anywhere_has_failed() {
	for line in 'test_a() { exit 0; }' 'setUp() { exit 0; }@test_a() { assertTrue true; }' \
		'test_a() { set -e; false; }' 'test_a() { kill -KILL $$; }' 'test_a() { exec true; }'; do
		judged "$line"
		[ "$line" = 'test_a() { exec true; }' ] || as_shunit2_does
		assert_status 1
		assertEquals "$line: $(cat frames)" 'failed test_a' \
			"$(sed -n 's/^status=\([a-z]*\) .*name=\(.*\) message=the script ended early, with status [0-9]*$/\1 \2/p' frames)"
	done
	for line in 'oneTimeSetUp() { exit 0; }@test_a() { assertTrue true; }' 'exit 0@test_a() { assertTrue true; }'; do
		judged "$line"
		assert_status 1
		assert_matches '^status=failed ms=0 file=a_test.sh name=\(script\) message=the script ended early' frames
	done
	judged 'oneTimeTearDown() { exit 0; }@test_a() { assertTrue true; }'
	assert_status 1
	assert_matches '^status=failed ms=0 file=a_test.sh name=\(script\) message=the script ended early' frames
}

test_a_script_without_a_test_or_without_the_guests_shunit2_has_failed() {
	judged 'nothing() { :; }'
	assert_status 1
	assert_cases 'failed (script) the script has no test function'
	echo ': a comment about shunit2' >a_test.sh
	rm frames
	run env PATH="$PWD/usr/bin:$PATH" "$PWD/usr/bin/kt-test" a_test.sh
	assert_status 1
	assert_matches "the guest's shunit2 never ran" frames
}

test_what_shunit2_lets_pass_has_failed() {
	judged 'oneTimeSetUp() { assertTrue false; :; }' 'test_a() { assertTrue true; }'
	assert_status 1
	assert_cases 'passed test_a ' 'failed (script) an assert failed outside of a test'
	judged 'oneTimeTearDown() { assertTrue false; :; }' 'test_a() { assertTrue true; }'
	assert_status 1
	judged 'test_a() { (assertTrue false); }' 'test_b() { :; }'
	assert_status 1
}

test_a_suite_function_chooses_the_tests() {
	judged 'suite() { suite_addTest one; suite_addTest two; }' 'one() { assertTrue true; }' 'two() { assertTrue false; }'
	as_shunit2_does
	assert_matches '^status=passed .* name=one ' frames
	assert_matches '^status=failed .* name=two ' frames
}

test_a_script_may_take_any_descriptor() {
	judged 'test_a() { exec 9>lock; flock 9; exec 3>x 4>x 5>x 6>x 7>x 8>x; assertTrue true; }' 'test_b() { assertTrue true; }'
	assert_status 0
	assert_cases 'passed test_a ' 'passed test_b '
}

test_a_report_that_never_came_is_no_pass() {
	printf '#!/bin/sh\nexit 1\n' >usr/bin/ktsend
	judged 'test_a() { assertTrue true; }'
	assert_status 1
	assert_matches 'some tests of a_test.sh could not be reported' err
}

test_a_script_that_removes_the_state_has_failed() {
	judged 'test_a() { rm -rf "$KT_TEST_STATE"; assertTrue true; }'
	assert_status 1
}

test_the_users_variables_change_nothing() {
	users='SHUNIT_COLOR=always KT_TEST_STATE=/no/such KT_TEST_DIR=/no/such IFS=t CDPATH=/ ENV=/no/such'
	judged 'test_a() { assertTrue true; }'
	assert_status 0
	assert_cases 'passed test_a '
	users='TMPDIR=/no/such PATH=/no/such'
	judged 'test_a() { assertTrue true; }'
	assert_status 1
	assert_matches '^status=failed .*file=a_test.sh name=' frames
}

. shunit2

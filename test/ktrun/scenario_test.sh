#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --scenario without a guest: what the file may have, and what reaches the guest and the verdict.

# shellcheck disable=SC1091,SC2154,SC2016,SC2086 # what is sourced sets them; text for the guest; items are words
. "$KT_TEST_LIB/stub.sh"

refused() { # TEXT ERE
	printf %b "$1" >scenario
	ktrun --scenario scenario -- true
	assert_status 205
	assert_matches "^ktrun: --scenario: $2" err
}

test_a_bad_file_is_refused_by_its_line() {
	refused '' 'no step in it: '
	refused '# a\n\n' 'no step in it: '
	refused '0 true\n1\n' '.*/scenario, line 2: not a time in seconds and a command$'
	for line in 'true' '-1 true' '1s true' '1. true' '1e3 true' '1234567 true' '.5 true' '1 a\000b'; do
		refused "# a\n$line\n" '.*/scenario, line 2: not a time in seconds and a command$'
	done
	refused '1 true\n0.5 true\n' '.*/scenario, line 2: its time is before that of the line above$'
	ktrun --scenario none -- true
	assert_status 205
	assert_matches '^ktrun: --scenario not found: .*none$' err
	assertFalse "nothing was started" "[ -e stub/args ]"
}

added() { # PATH: its content in the guest
	tail -c +$(($(wc -c <"$KT_TOP/build/initramfs.cpio") + 1)) stub/initrd | cpio -i --quiet --to-stdout "$1"
}

test_it_does_not_go_with_tests_and_shell() {
	echo '0 true' >scenario
	printf '. shunit2\n' >a_test.sh
	for words in '--shell' '--test a_test.sh'; do
		ktrun --scenario scenario $words
		assert_status 205
		assert_matches '^ktrun: --scenario: neither --test, --kselftest nor --shell goes with it$' err
	done
}

test_the_guest_gets_the_steps_and_the_command() {
	printf '# a\n\n 0  echo "$x" \r\n1.5\tfalse\n' >scenario
	streams $READY $STARTED $OUT0 $EXIT
	ktrun --scenario scenario -- sh -c 'exit 0'
	assert_verdict pass 0
	assertEquals '0  echo "$x"
1.5	false' "$(added .ktbox/scenario)"
	assertEquals '/usr/bin/kt-scenario /.ktbox/scenario sh -c exit 0 ' "$(added .ktbox/command | tr '\0' ' ')"
	assert_matches "\"command\":\"kt-scenario 'scenario' 'sh' '-c' " art/result.json
	ktrun --scenario scenario
	assert_verdict pass 0
	assert_matches '"command":"kt-scenario .scenario."' art/result.json
}

test_a_failed_step_is_in_the_reason() {
	echo '0 true' >scenario
	printf '\144\0\0\0\0\0\0\0step-2 echo 0 >/x' >step
	printf '\145\0\0\0\0\0\0\0step-2-failed-3' >failed
	streams $READY $STARTED mark@step mark@failed $ENDED $OUT7 $EXIT
	ktrun --scenario scenario --report page.html
	assert_verdict fail 7
	assert_value reason 'the payload ended with 7; step 2 of the scenario failed: echo 0 >/x'
	assert_valid art/result.json
	assert_matches 'step-2 echo 0 &gt;/x' page.html
	ktrun -- false
	assert_value reason 'the payload ended with 7'
	printf '\145\0\0\0\0\0\0\0step-2-failed-7' >failed
	printf '\146\0\0\0\0\0\0\0command-ended-0' >passed
	printf '\146\0\0\0\0\0\0\0command-ended-7' >ended
	for own in '' mark@passed; do
		streams $READY $STARTED mark@step mark@failed $own $ENDED $OUT7 $EXIT
		ktrun --scenario scenario -- true
		assert_value reason 'step 2 of the scenario failed with 7: echo 0 >/x'
	done
	streams $READY $STARTED mark@step mark@failed mark@ended $ENDED $OUT7 $EXIT
	ktrun --scenario scenario -- true
	assert_value reason 'the payload ended with 7; step 2 of the scenario failed: echo 0 >/x'
}

. shunit2

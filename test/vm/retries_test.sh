#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --retries in real guests: the first has no initramfs, the second passes, and the run is flaky.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

oneTimeSetUp() {
	cat >"$FILES/qemu" <<-END
		#!/bin/sh
		case "\$*" in
		*id=bulk*) [ -e "$FILES/started" ] || { : >"$FILES/started"; exec qemu-system-x86_64 "\$@" -initrd "$FILES/none"; } ;;
		esac
		exec qemu-system-x86_64 "\$@"
	END
	echo "no archive" >"$FILES/none"
	chmod +x "$FILES/qemu"
	KTRUN_QEMU=$FILES/qemu vm flaky --retries 2 --junit "$FILES/flaky.xml" -s "$DEMO" -- sh -c 'echo ran'
}

test_a_guest_that_boots_at_the_second_attempt_is_flaky() {
	look flaky
	assert_verdict flaky 0
	assert_value_matches reason '^attempt 2 passed after boot-failed; attempt 1: '
	assert_file_text ran "$out"
	assertEquals boot-failed "$(xmllint --nonet --xpath 'string(//testcase/flakyError/@type)' "$FILES/flaky.xml")"
	assert_nothing_left flaky
}

test_the_attempt_that_failed_can_be_looked_at() {
	look flaky
	assert_matches 'Linux version' "$art/attempt-1/console.log"
	assert_matches '"verdict": "boot-failed"' "$art/attempt-1/result.json"
	run "$KTRUN" -q --replay "$art/attempt-1"
	assert_status 206
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# BusyBox unharmed: its own test suite says the same of our build as of an unpatched one with the same
# configuration.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/test.sh"

PLAIN=$KT_TOP/build/bb-plain

# folder NAME: as the suite wants it, with our binary.
folder() {
	mkdir "$1"
	cp "$KT_TOP/build/busybox" "$KT_TOP/build/bb/obj/.config" "$1"
}

plain_folder() {
	mkdir plain
	cp "$PLAIN/busybox" "$PLAIN/.config" plain
}

suite_says() { # APPLET...: leaves status and out
	"$KT_TOP/scripts/test-busybox.sh" "$PLAIN/src" plain ours "$@" >out 2>&1
	status=$?
}

test_busyboxs_own_tests_say_the_same_of_our_build() {
	plain_folder
	folder ours
	suite_says
	assertEquals "status ($(kt_head out))" 0 "$status"
	assert_matches '^test-busybox: [1-9][0-9][0-9] passed, .*unpatched: the same$' out
}

test_an_applet_that_is_harmed_is_red() {
	plain_folder
	folder ours
	mv ours/busybox ours/real
	# shellcheck disable=SC2016
	printf '%s\n' '#!/bin/sh' 'name=${0##*/}' '[ "$name" != true ] || exit 1' \
		'[ "$name" = busybox ] || set -- "$name" "$@"' "exec '$PWD/ours/real' \"\$@\"" >ours/busybox
	chmod +x ours/busybox
	suite_says 'true' 'false'
	assertEquals "status" 1 "$status"
	assert_matches '^-PASS: true-' out
	assert_matches '^\+FAIL: true-' out
	assert_matches 'unpatched: not the same' out
}

. shunit2

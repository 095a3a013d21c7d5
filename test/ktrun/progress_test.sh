#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The status line: on a terminal, out of the way of the payload's output, and nowhere else.

# shellcheck disable=SC1091,SC2154,SC2086,SC2016 # what is sourced sets them; items are words; scripts are text
. "$KT_TEST_LIB/stub.sh"

# A guest that says something in the middle of a line, and then is seen to go on.
setUp() {
	STUB=$PWD/stub
	export STUB
	mkdir stub
	encode $READY mark#stamp:1:scenario-start 'stdout=part' >stub/one
	encode 'stdout=ial\n' mark#stamp:2:dump-start-1 >stub/two
	encode $STARTED $OUT0 $EXIT >stub/three
	echo 'for part in one two three; do
		"$KT_BUSYBOX" ktlatch wait -t 0.4 never; cat "$STUB/$part" >>"$bulk"; done' >stub/act
}

on_terminal() {
	run "$KT_PYTHON" "$KT_TOP/test/tools/on_terminal.py" "$KTRUN" -o "$PWD/art" "$@"
	tr '\033' '^' <out | tr -d '\r' | sed 's/\^\[K/\n/g' >shown
}

test_the_line_tells_what_the_guest_does() {
	on_terminal -- true
	assert_status 0
	assert_matches '^ktrun: booting, [0-9]+ s$' shown
	assert_matches '^ktrun: dumping, [0-9]+ s$' shown
}

test_the_line_is_never_within_the_payloads_own_line_and_is_gone_at_the_end() {
	on_terminal -- true
	assert_matches '^partial$' shown
	assert_matches '^ktrun: pass ' shown
	assert_no_match 'ktrun: [a-z ]+, [0-9]+ s[^$]' shown
}

test_there_is_none_without_a_terminal_or_with_q_or_v() {
	ktrun -- true
	assert_no_match "$(printf '\033')" err
	for quiet in -q -v; do
		on_terminal $quiet -- true
		assert_no_match ', [0-9]+ s$' shown
	done
}

. shunit2

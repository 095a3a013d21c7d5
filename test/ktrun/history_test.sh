#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --history: what the guest's shell gets of earlier sessions, and what is kept of its own.

# shellcheck disable=SC1091,SC2154,SC2086 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"
. "$KT_TEST_LIB/user.sh"

# session TEXT: a shell on a terminal, whose guest sends this as its history (with printf's escapes).
session() {
	rm -rf art
	streams $READY $STARTED "history=\x07\0\0\0$1" $OUT0 $EXIT
	user_runs "$KTRUN" -o "$PWD/art" --shell --history kept
	assert_user_ends 0
}


test_a_file_is_made_and_grows_by_what_each_session_adds() {
	session 'one\ntwo\n'
	assert_file_text 'one
two' kept
	assertEquals "only its user reads it" 600 "$(stat -c %a kept)"
	session 'one\ntwo\nthree'
	assertEquals 'one
two' "$(tail -c +$(($(wc -c <"$KT_TOP/build/initramfs.cpio") + 1)) stub/initrd >stub/run.cpio
		cpio -i --to-stdout --quiet .ktbox/history <stub/run.cpio 2>cpio.err)"
	assert_file_text 'one
two
three' kept
	session 'one\ntwo\nthree\nfour\n'
	assert_file_text 'one
two
three
four' kept
}

test_a_guest_that_sent_less_than_it_got_adds_nothing() {
	echo 'a line of before' >kept
	session 'a\x20line'
	assert_file_text 'a line of before' kept
}

test_a_long_file_is_shortened_and_the_guest_gets_its_end() {
	seq 1998 >kept
	size=$(seq 1000 1998 | wc -c)
	session "$(text "$size")new\\n"
	assertEquals "lines" 999 "$(wc -l <kept)"
	assertEquals "1001 new" "$(sed -n '1p;$p' kept | tr '\n' ' ' | sed 's/ $//')"
}

test_an_endless_line_of_a_guest_is_cut() {
	: >kept
	head -c 600000 /dev/zero | tr '\0' x >line
	session "$(head -c 30000 line)"
	assertEquals 30001 "$(wc -c <kept)"
}

test_without_a_shell_on_a_terminal_it_is_passed_over() {
	streams $READY $ATTACHED $STARTED $OUT0 $EXIT
	KTRUN_OPTS='--history kept' ktrun -- true
	assert_status 0
	assertFalse "the file was made" "[ -e kept ]"
	echo true | ktrun --history no/folder/kept --shell
	assert_status 0
}

test_without_a_shell_it_is_refused() {
	ktrun --history kept -- true
	assert_refused
	assert_matches '^ktrun: --history: only a shell has a history' err
}

refused() { # TEXT FILE
	user_runs "$KTRUN" -o "$PWD/art" --shell --history "$2"
	assert_user_ends 205
	assert_matches "^ktrun: --history: $1" transcript
	assertFalse "QEMU was started" "[ -e stub/args ]"
}

test_a_file_that_can_not_be_one_is_refused() {
	mkdir folder
	refused 'is not a file: .*/folder' folder
	refused 'cannot create .*/no/kept' no/kept
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A short part of `make fuzz`: each fuzzer agrees with what it feeds, and finds what is broken.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/test.sh"

INPUTS=20000

fuzz() { # FUZZER [FOLDER-OF-FUZZERS]: leaves status, out, err
	KT_SEED=1 KT_FUZZ_BIN=${2:-$KT_TOP/build/fuzz/bin} KT_FUZZ_DIR=$PWD/fuzz \
		"$KT_TOP/test/deep/fuzz/run" "-$INPUTS" "$1" >out 2>err
	status=$?
}

assert_agrees() { # FUZZER
	fuzz "$1"
	assertEquals "status ($(tail -n 3 err))" 0 "$status"
	assert_matches "^fuzz: $1: [1-9][0-9]{4} inputs without a finding" out
}

# assert_found FUZZER ROOM SED: it finds that this has changed the room.
assert_found() {
	sed "$3" "$KT_TOP"/applets/*/"$2.c" >"$2.c"
	! cmp -s "$2.c" "$KT_TOP"/applets/*/"$2.c" || fail "changes nothing: $3"
	(cd "$KT_TOP" && exec scripts/build-fuzzer.sh build/bb build/bb/san "$1" "$OLDPWD/broken/$1" \
		"$OLDPWD/$2.c") >out 2>&1 || fail "$(kt_head out)"
	fuzz "$1" "$PWD/broken"
	assertNotEquals 0 "$status"
	assert_matches ' differ|the scanner is wrong at |ERROR: AddressSanitizer' "fuzz/$1/log"
}

test_the_reader_agrees_with_the_oracle() {
	assert_agrees reader
}

test_a_reader_that_skips_a_byte_too_many_after_damage_is_found() {
	assert_found reader frame_reader 's/^	r->start++;$/	r->start += 2;/'
}

test_a_reader_that_believes_every_checksum_is_found() {
	assert_found reader frame_reader 's/return crc_is_right(r, header) ? KT_FRAME : KT_DAMAGE;/return KT_FRAME;/'
}

test_ktsh_lite_agrees_with_the_oracle() {
	assert_agrees lite
}

test_a_ktsh_lite_that_takes_an_arrow_within_a_word_is_found() {
	assert_found lite ktsh_lite 's/ && at > text && !isspace(at\[-1\])/ \&\& false/'
}

test_a_ktsh_lite_that_does_not_mind_a_second_redirection_is_found() {
	assert_found lite ktsh_lite 's/!is_quote(text\[0\]) && find_redirection(text) ? NULL : //'
}

test_a_ktsh_lite_that_writes_when_it_should_only_check_is_found() {
	assert_found lite ktsh_lite 's/else if (!check_only && /else if (/'
}

test_the_scanner_of_dumps_agrees_with_the_model() {
	assert_agrees trace
}

test_a_scanner_that_does_not_resume_what_it_has_ended_is_found() {
	assert_found trace scx_dump_scan 's/return pass_line(scan, is_start(scan, held, text));/return KT_DUMP_NONE;/'
}

test_a_scanner_that_reads_a_line_otherwise_when_it_comes_in_pieces_is_found() {
	assert_found trace scx_dump_scan 's/memcpy(scan->line + scan->len, bytes/memcpy(scan->line, bytes/'
}

test_a_prefix_that_is_taken_off_twice_is_found() {
	assert_found trace trace_prefix 's/^		prefix->passed = true;$/		prefix->passed = false;/'
}

test_the_dispatcher_of_wake_bytes_agrees_with_the_oracle() {
	assert_agrees wake
}

test_a_dispatcher_that_acts_in_the_order_of_the_bytes_is_found() {
	assert_found wake wake_bytes 's/if (memchr(bytes, action->byte, len))/if (bytes[0] == action->byte)/'
}

test_a_dispatcher_that_sets_shutdown_first_is_found() {
	assert_found wake wake_bytes '/0xd3, 0, "shutdown"/d; s/^	{ 0xd1, .D., NULL }/	{ 0xd3, 0, "shutdown" },&/'
}

# read_command_lines DIR: leaves status, out, err.
read_command_lines() {
	"$KT_PYTHON" "$KT_TOP/test/deep/fuzz/command_line.py" "$KT_TOP/build/busybox-san" "$1" -400 1 >out 2>err
	status=$?
}

# assert_command_line_found MODULE SED: the same for /init's reader of the command line.
assert_command_line_found() {
	cp -r "$KT_TOP/rootfs/lib/ktbox" modules
	sed "$2" "$KT_TOP/rootfs/lib/ktbox/$1.sh" >"modules/$1.sh"
	! cmp -s "modules/$1.sh" "$KT_TOP/rootfs/lib/ktbox/$1.sh" || fail "changes nothing: $2"
	read_command_lines "$PWD/modules"
	assertNotEquals 0 "$status"
	assert_matches ' differ |made ' err
}

test_the_command_line_is_read_as_the_model_does() {
	read_command_lines "$KT_TOP/rootfs/lib/ktbox"
	assertEquals "status ($(tail -n 3 err))" 0 "$status"
	assert_matches '^400 lines without a finding' out
}

test_a_command_line_whose_words_are_expanded_is_found() {
	assert_command_line_found command_line 's/^	set -f.*//'
}

test_a_command_line_whose_words_are_patterns_is_found() {
	# shellcheck disable=SC2016
	assert_command_line_found breakpoints 's/\*" ${1#\*=} "\*)/*\\ ${1#*=}\\ *)/'
}

test_a_command_line_whose_words_are_run_is_found() {
	# shellcheck disable=SC2016
	assert_command_line_found command_line 's/command_line_word "$word"/eval "command_line_word $word"/'
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --get: the list for the guest, the files below get/, what the summary says of them, and folders that
# are not ktrun's to empty. The frames themselves are tested in ktget_test.sh.

# shellcheck disable=SC1091,SC2154,SC2086,SC2089,SC2090,SC2016 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"

N='\x01\x00\x00\x00'
GOOD="file=${N}kind=begin\\x20path=/tmp/out file=${N}kind=file\\x20path=/tmp/out file-data=${N}hello
	file-end=${N}files=1\\x20folders=0\\x20bytes=5\\x20failed=0\\x20skipped=0"
BAD="file=${N}kind=begin\\x20path=/no\"ne file=${N}kind=failed\\x20errno=2\\x20path=/no\"ne
	file-end=${N}files=0\\x20folders=0\\x20bytes=0\\x20failed=1\\x20skipped=0"

refuses() { # ARG...
	ktrun "$@"
	assert_refused
	assert_matches '--get' err
}

test_the_guest_gets_the_list() {
	streams $READY $STARTED $OUT0 $EXIT
	ktrun --get /tmp/out --get 'a b/$(id)' --get ///x// -- true
	assert_status 0
	tail -c +$(($(wc -c <"$KT_TOP/build/initramfs.cpio") + 1)) stub/initrd | cpio -i --quiet --to-stdout .ktbox/get >list
	# shellcheck disable=SC2016
	printf '%s\n' /tmp/out '/a b/$(id)' /x// >expected
	assert_same_bytes expected list
	"$KT_PYTHON" -c 'import json; print("\n".join(json.load(open("art/host.json"))["asked"]["get"]))' >asked
	assert_same_bytes expected asked
}

test_files_come_and_what_is_missing_is_said_and_changes_no_verdict() {
	streams $READY $STARTED $OUT0 $GOOD $BAD $EXIT
	ktrun --get /tmp/out --get '/no"ne' --get /never -- true
	assert_verdict pass 0
	assert_file_text hello art/get/tmp/out
	assert_value files_complete false
	assert_matches '^  files      get/tmp/out, 1 files, 5 bytes$' err
	assert_matches '^  files      /no"ne: NOT COMPLETE, .*No such file or directory$' err
	assert_matches '^  files      /never: NOT COMPLETE: the guest did not come to it$' err
	grep '^  files' err >said
	rm -r art/get
	ktrun_replay
	assert_file_text hello art/get/tmp/out
	grep '^  files' err >replayed
	assert_same_bytes said replayed
}

ktrun_replay() {
	run "$KTRUN" --replay "$PWD/art"
	assert_status 0
}

test_a_guest_that_died_brought_nothing_and_that_is_said() {
	streams $READY $STARTED
	ktrun --get /tmp/out -- true
	assert_verdict lost 203
	assert_matches '^  files      /tmp/out: NOT COMPLETE: the guest did not come to it$' err
}

# A path that is no UTF-8 is written with U+FFFD for each byte, by ktrecv and by ktrun alike.
test_a_path_of_any_bytes_is_known_again() {
	odd_good=$(printf '%s' "$GOOD" | sed 's,/tmp/out,/tmp/\\xff\\xfeout,g')
	streams $READY $STARTED $OUT0 $odd_good $EXIT
	ktrun --get "$(printf '/tmp/\377\376out')" -- true
	assert_status 0
	assertEquals "lines" 1 "$(grep -c '^  files ' err)"
	assert_no_match 'did not come' err
}

test_many_files_are_not_all_in_the_summary() {
	set --
	for number in 1 2 3 4 5 6 7 8 9 10; do set -- "$@" --get "/$number"; done
	streams $READY $STARTED $OUT0 $EXIT
	ktrun "$@" -- true
	assertEquals 9 "$(grep -c '^  files ' err)"
	assert_matches '^  files      10 paths in all, see result.json$' err
}

test_files_of_the_run_before_are_gone() {
	streams $READY $STARTED $OUT0 $GOOD $EXIT
	run "$KTRUN" -o "$PWD/art" --get /tmp/out -- true
	assertTrue "it came" "[ -e art/get/tmp/out ]"
	streams $READY $STARTED $OUT0 $EXIT
	run "$KTRUN" -o "$PWD/art" -- true
	assert_status 0
	assertFalse "it is still there" "[ -e art/get ]"
}

test_a_folder_that_no_run_has_made_is_not_emptied() {
	mkdir -p art/get
	echo mine >art/get/file
	streams $READY $STARTED $OUT0 $EXIT
	run "$KTRUN" -o "$PWD/art" -- true
	assert_status 0
	assert_file_text mine art/get/file
	rm -f art/result.json art/host.json stub/args
	run "$KTRUN" -o "$PWD/art" --get /tmp/out -- true
	assert_status 205
	assert_matches '^ktrun: --get, --trace: in the way, and not of a run: ' err
	assertFalse "QEMU was started" "[ -e stub/args ]"
	assert_file_text mine art/get/file
}

test_paths_that_can_not_be_asked_for() {
	for path in '' / // ../etc/passwd /tmp/../etc a/.. ./a /a/. "$(printf 'a\nb')" "$(printf 'a\tb')" \
		"/$(text 1025)"; do
		refuses --get "$path" -- true
	done
	refuses --get
	streams $READY $STARTED $OUT0 $EXIT
	ktrun --get /..a/b..c/... -- true
	assert_status 0
}

. shunit2

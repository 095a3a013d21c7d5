#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Files between host and guest on the real kernel: what --get brings back, byte for byte, also after the
# payload failed and while something of it lives on, and what it says of what is missing.

# shellcheck disable=SC1091,SC2154,SC2016 # what is sourced sets them; the guest's shell expands
. "$KT_TEST_LIB/vm.sh"

oneTimeSetUp() {
	bytes 5000000 >"$FILES/big"
	vm get -i "$FILES/big" --get /tmp/out --get /tmp/none --get /tmp/link --get /proc/version -- sh -c '
		mkdir -p /tmp/out/deep/er "/tmp/out/a name" /tmp/out/tmpfs
		cp "$(command -v big)" /tmp/out/deep/er/big
		: >/tmp/out/empty
		printf "\0\377" >"/tmp/out/a name/bytes"
		ln -s /etc/passwd /tmp/out/passwd
		mknod /tmp/out/null c 1 3
		mount -t tmpfs tmpfs /tmp/out/tmpfs && echo hidden >/tmp/out/tmpfs/hidden
		ln -s out/deep/er/big /tmp/link
		setsid sh -c "while :; do echo more >>/tmp/out/growing; done" &
		ktlatch wait -t 0.2 never
		exit 7'
}

setUp() {
	look get
}

test_missing_files_change_no_verdict() {
	assert_verdict fail 7
	assert_value complete true
	assert_value files_complete false
	assert_matches '^  files      /tmp/none: NOT COMPLETE, [^:]*: No such file or directory$' "$err"
}

test_a_folder_comes_back_byte_for_byte() {
	assert_same_bytes "$FILES/big" "$art/get/tmp/out/deep/er/big"
	assert_empty "$art/get/tmp/out/empty"
	printf '\0\377' >expected
	assert_same_bytes expected "$art/get/tmp/out/a name/bytes"
	assert_matches '^  files      get/tmp/out, 4 files, [0-9]* bytes, 3 passed over \(links, devices\)$' "$err"
}

test_links_devices_and_other_file_systems_stay_behind() {
	assertFalse "a link" "[ -e '$art/get/tmp/out/passwd' ] || [ -h '$art/get/tmp/out/passwd' ]"
	assertFalse "a device" "[ -e '$art/get/tmp/out/null' ]"
	assertFalse "a mount" "[ -e '$art/get/tmp/out/tmpfs' ]"
}

test_what_was_still_written_is_whole_lines_up_to_its_writer_s_end() {
	assert_matches '^more$' "$art/get/tmp/out/growing"
	assertEquals 'other lines' 0 "$(grep -vc '^more$' "$art/get/tmp/out/growing")"
}

test_a_named_link_and_a_file_without_a_size_come_as_files() {
	assert_same_bytes "$FILES/big" "$art/get/tmp/link"
	assert_matches '^Linux version ' "$art/get/proc/version"
}

. shunit2

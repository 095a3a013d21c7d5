#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What make says before it builds: a path that it cannot work with, a tarball that was cut.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/test.sh"

test_a_path_with_a_blank_is_one_line() {
	mkdir 'a b' ab
	for directory in 'a b' ab; do
		for item in Makefile config.mk scripts rootfs applets patches; do ln -s "$KT_TOP/$item" "$directory/$item"; done
	done
	run make -C "$PWD/a b" -n help
	assert_status 2
	assert_matches 'the path of this tree has a blank, with which neither make nor Kbuild can work: .*/a b\.' err
	run make -C "$PWD/ab" -n help
	assert_status 0
}

test_a_tarball_that_was_cut_is_a_wrong_checksum() {
	set -- "$KT_TOP"/build/download/busybox-*.tar.bz2
	sha256=$(sha256sum <"$1" | cut -d ' ' -f 1)
	head -c 1000000 "$1" >cut.tar.bz2
	mkdir dir
	echo mine >dir/file
	run "$KT_TOP/scripts/unpack-busybox.sh" cut.tar.bz2 '' dir "$sha256"
	assert_status 1
	assertEquals "lines" 1 "$(wc -l <err)"
	assert_matches '^unpack-busybox: wrong checksum: cut.tar.bz2 ' err
	assert_file_text mine dir/file
	run "$KT_TOP/scripts/unpack-busybox.sh" "$1" '' dir "$sha256"
	assert_status 0
	assertTrue "it is unpacked" "[ -f dir/src/Makefile ]"
}

. shunit2

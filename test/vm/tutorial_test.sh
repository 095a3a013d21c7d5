#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/use/tutorial.md: each block of commands, run as it stands there, in order, from the top of a tree, ends and
# prints as the page says.
#
# The tree is a folder of links to this one with a build/ of its own, so that nothing here is written over.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

PAGE=$KT_TOP/docs/use/tutorial.md

# blocks FOLDER: N.sh each block of commands, N.wanted the lines that must be in what it prints. A block without a
# language that no block of commands precedes is not ours.
blocks() {
	awk -v folder="$1" '
		/^```sh$/ { n++; file = folder "/" n ".sh"; next }
		/^```$/ && file { close(file); file = ""; next }
		/^```$/ { file = n ? folder "/" n ".wanted" : "/dev/null"; next }
		file { print >file }' "$PAGE"
}

make_tree() { # FOLDER
	mkdir -p "$1/build"
	for item in host examples rootfs scripts config.mk Makefile README.md; do ln -s "$KT_TOP/$item" "$1/$item"; done
	for item in "$KT_TOP"/build/*; do
		case $item in
		*/runs | */tutorial*) ;;
		*) ln -s "$item" "$1/build/${item##*/}" ;;
		esac
	done
}

oneTimeSetUp() {
	blocks "$FILES"
	make_tree "$FILES/tree"
	cd "$FILES/tree" || return 1
	for block in "$FILES"/?.sh; do
		timeout -k 20 "$VM_CEILING" sh "$block" </dev/null >"$block.out" 2>&1
		echo $? >"$block.status"
	done
}

code_of() { # BLOCK: as the page says
	code=$(sed -n 's/.*# ends with code \([0-9]*\)$/\1/p' "$1")
	echo "${code:-0}"
}

test_the_page_has_blocks_that_start_ktrun() {
	assertEquals "runs of ktrun" 7 "$(cat "$FILES"/?.sh | grep -c '^host/ktrun')"
	assertEquals "blocks with a code" 2 "$(grep -lE 'ends with code 20[23]' "$FILES"/?.sh | wc -l)"
}

test_each_block_ends_as_the_page_says() {
	for block in "$FILES"/?.sh; do
		assertEquals "$(cat "$block") $(tail -n 20 "$block.out")" "$(code_of "$block")" "$(cat "$block.status")"
	done
}

test_each_block_prints_what_the_page_says() {
	for wanted in "$FILES"/?.wanted; do
		while IFS= read -r line; do
			grep -qF -e "$line" "${wanted%.wanted}.sh.out"
			kt_verdict $? "not printed: $line ($(head -c 600 "${wanted%.wanted}.sh.out"))"
		done <"$wanted"
	done
}

test_the_page_of_the_death_is_one_html_file() {
	assert_matches '<svg' "$FILES/tree/build/tutorial.html"
}

# shellcheck disable=SC1091
. shunit2

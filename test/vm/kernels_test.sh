#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/use/kernels.md: each block of commands ends and prints as the page says; and a build tree in a guest: the image
# and configuration of the default kernel, as make leaves them.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

PAGE=$KT_TOP/docs/use/kernels.md

# blocks DIRECTORY: N.sh each block of commands, N.wanted the lines that must be in what it prints.
blocks() {
	awk -v directory="$1" '
		/^```sh$/ { n++; file = directory "/" n ".sh"; next }
		/^```$/ && file { close(file); file = ""; next }
		/^```$/ { file = directory "/" n ".wanted"; next }
		file { print >file }' "$PAGE"
}

# make_top DIRECTORY: a copy of this tree, with a build/ of its own. Debian was asked a moment ago.
make_top() {
	mkdir -p "$1/build/kernels"
	cp -R "$KT_TOP/host" "$KT_TOP/scripts" "$KT_TOP/config.mk" "$1"
	for item in busybox initramfs.cpio kernel scx_demo; do ln -s "$KT_TOP/build/$item" "$1/build/$item"; done
	echo '99.1.0-amd64 unstable' >"$1/build/kernels/debian"
}

make_tree() { # DIRECTORY
	mkdir -p "$1/arch/x86/boot" "$1/include/config" "$1/kernel"
	ln -s "$KT_TOP/build/kernel/image" "$1/vmlinux"
	cp "$KT_TOP/build/kernel/config" "$1/.config"
	cp "$KT_TOP/build/kernel/version" "$1/include/config/kernel.release"
}

oneTimeSetUp() {
	blocks "$FILES"
	make_top "$FILES/top"
	make_tree "$FILES/linux"
	cd "$FILES/top" || return 1
	for block in "$FILES"/?.sh; do
		timeout -k 20 $((VM_CEILING + 40)) sh "$block" </dev/null >"$block.out" 2>&1
		echo $? >"$block.status"
	done
	vm tree -k "$FILES/linux" -s "$DEMO" -- uname -r
}

test_the_page_has_blocks_that_start_ktrun() {
	assertEquals "calls of ktrun" 4 "$(cat "$FILES"/?.sh | grep -c '^host/ktrun')"
	assertEquals "what is printed" 4 "$(find "$FILES" -name '?.wanted' | wc -l)"
}

test_each_block_ends_and_prints_as_the_page_says() {
	for block in "$FILES"/?.sh; do
		assertEquals "$(cat "$block") $(tail -n 20 "$block.out")" 0 "$(cat "$block.status")"
		while IFS= read -r line; do
			grep -qF -e "$line" "$block.out"
			kt_verdict $? "not printed: $line ($(head -c 600 "$block.out"))"
		done <"${block%.sh}.wanted"
	done
	assert_matches "^$(sed 's/[+.]/\\&/g' "$KT_TOP/build/kernel/version")\$" "$FILES/1.sh.out"
	assert_matches '^99.1.0-amd64 +unknown +to be fetched: Debian unstable$' "$FILES/2.sh.out"
}

test_a_build_tree_runs_with_a_scheduler() {
	look tree
	assert_verdict pass 0
	assert_same_bytes "$KT_TOP/build/kernel/version" "$out"
	assert_matches attached "$err"
	assert_value_matches kernel "^$FILES/linux/vmlinux\$"
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/use/troubleshooting.md: each message that it explains is one that the sources have.

# shellcheck disable=SC1091,SC2016,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/test.sh"

PAGE=$KT_TOP/docs/use/troubleshooting.md

# parts_of FILE: the fixed parts of the messages in its headings, one a line. Those of a few letters, between two
# names, tell nothing.
parts_of() {
	sed -n 's/^### `\(.*\)`$/\1/p' "$1" | sed 's/\.\.\./\n/g' | sed "s/^[ :()']*//; s/[ :()']*\$//" | grep -E '.{6}'
}

# unknown_in FILE: those that no source has.
unknown_in() {
	parts_of "$1" | while IFS= read -r part; do
		grep -rqF -e "$part" "$KT_TOP/host" "$KT_TOP/rootfs" || echo "$part"
	done
}

test_the_page_has_twenty_messages() {
	assertTrue "$(grep -c '^### `' "$PAGE") messages" "[ $(grep -c '^### `' "$PAGE") -ge 20 ]"
	assertEquals "headings that are no message" 0 "$(grep '^### ' "$PAGE" | grep -vc '^### `.*`$')"
}

test_each_message_is_in_the_sources() {
	assertEquals '' "$(unknown_in "$PAGE")"
}

test_a_message_that_nobody_prints_is_found() {
	echo '### `no kernel ...: run make coffee`' >page
	assertEquals 'run make coffee' "$(unknown_in page)"
}

# shellcheck disable=SC1091
. shunit2

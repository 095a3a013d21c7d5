#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# lint.sh: check every shell script of the tree with shellcheck, as POSIX sh.
# In:   files under the folders named below whose first line names a shell, and *.sh.
# Out:  shellcheck's findings.
# Exit: 0 none; 1 some.

set -eu

is_shell() { # FILE
	case $1 in
	*.sh) return 0 ;;
	esac
	head -n 1 "$1" | LC_ALL=C grep -aqE '^#!.*[ /](ba|da|a)?sh( |$)'
}

scripts() {
	find .ci host rootfs scripts test examples -type f | LC_ALL=C sort | while read -r file; do
		if is_shell "$file"; then echo "$file"; fi
	done
}

list=$(scripts)
# A file that another one reads is followed where its path is known (SC1091: not followed, is no finding).
# shellcheck disable=SC2086  # a list of words: the tree has no names with spaces
shellcheck -s sh -x -e SC1091 $list
# shellcheck disable=SC2086
echo "lint: $(printf '%s\n' $list | wc -l) shell scripts, no findings"

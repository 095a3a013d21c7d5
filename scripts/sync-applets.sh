#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# sync-applets.sh BB: make the directory BB/src/kt of the BusyBox tree hold what kt/ is made of, and nothing
# else.
# In:   applets/*/*.c, applets/*/*.h, Config.in, Kbuild of the current directory. No two of the C files have
#       the same name: kt/ is flat.
# Out:  BB/src/kt. A file that is there already stays untouched, so that only what changed is compiled again.
# Exit: 0; 1 when Config.in, Kbuild or the applets are missing, or two files have the same name.
#
# BusyBox reads its whole configuration again and compiles what depends on its list of applets when any .c
# file is newer than autoconf.h: 7 s for one changed line instead of 3. So a changed .c file gets an old
# time, and its objects are removed instead.

set -eu

bb=${1:?usage: sync-applets.sh BB}
kt=$bb/src/kt

fail() {
	echo "sync-applets: $1" >&2
	exit 1
}

sources() {
	printf '%s\n' applets/*/*.c applets/*/*.h Config.in Kbuild
}

check_names() {
	twice=$(sources | sed 's|.*/||' | sort | uniq -d)
	[ -z "$twice" ] || fail "more than one file is named $twice"
}

copy() { # FILE
	name=${1##*/}
	cp "$1" "$kt/$name"
	case $name in
	*.c)
		touch -d "@$SOURCE_DATE_EPOCH" "$kt/$name"
		rm -f "$bb"/*/kt/"${name%.c}.o"
		;;
	esac
}

copy_changed() {
	for file in $(sources); do
		[ -e "$file" ] || fail "no $file here"
		cmp -s "$file" "$kt/${file##*/}" || copy "$file"
	done
}

remove_gone() {
	for file in "$kt"/*; do
		name=${file##*/}
		set -- applets/*/"$name"
		[ -e "$1" ] || [ "$name" = Config.in ] || [ "$name" = Kbuild ] || rm -rf "$file"
	done
}

mkdir -p "$kt"
check_names
copy_changed
remove_gone

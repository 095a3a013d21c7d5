#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# sync-applets.sh BB: make the directory BB/src/kt of the BusyBox tree hold what kt/ is made of, and nothing
# else.
# In:   applets/*/*.c, applets/*/*.h, Config.in, Kbuild of the current directory. No two of the C files have
#       the same name: kt/ is flat.
# Out:  BB/src/kt, with Config.in and Kbuild as Config.src and Kbuild.src: BusyBox's build generates the menu and
#       the list of objects from them and the //config: and //kbuild: lines. A file that is there already stays
#       untouched, so that only what changed is compiled again. BB/menu: those //config: lines; its time is that
#       of their last change.
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

check_names() {
	twice=$(printf '%s\n' applets/*/*.[ch] | sed 's|.*/||' | sort | uniq -d)
	[ -z "$twice" ] || fail "more than one file is named $twice"
}

copy() { # FILE NAME
	cp "$1" "$kt/$2"
	case $2 in
	*.c)
		touch -d "@$SOURCE_DATE_EPOCH" "$kt/$2"
		rm -f "$bb"/*/kt/"${2%.c}.o"
		;;
	esac
}

copy_if_changed() { # FILE NAME
	[ -e "$1" ] || fail "no $1 here"
	cmp -s "$1" "$kt/$2" || copy "$1" "$2"
}

copy_changed() {
	for file in applets/*/*.c applets/*/*.h; do
		copy_if_changed "$file" "${file##*/}"
	done
	copy_if_changed Config.in Config.src
	copy_if_changed Kbuild Kbuild.src
}

remove_gone() {
	for file in "$kt"/*; do
		name=${file##*/}
		set -- applets/*/"$name"
		[ -e "$1" ] || [ "$name" = Config.src ] || [ "$name" = Kbuild.src ] || rm -rf "$file"
	done
}

write_menu() {
	cat applets/*/*.c | grep '^//config:' >"$bb/menu.new"
	if cmp -s "$bb/menu.new" "$bb/menu"; then rm "$bb/menu.new"; else mv "$bb/menu.new" "$bb/menu"; fi
}

mkdir -p "$kt"
check_names
copy_changed
remove_gone
write_menu

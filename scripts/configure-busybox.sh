#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# configure-busybox.sh SRC OBJ FRAGMENT: write OBJ/.config for the BusyBox tree SRC.
# In:   FRAGMENT: CONFIG_NAME=value lines, all that is wanted of BusyBox; the options of the kt menu
#       (OBJ/kt/Config.in, which make generates) keep their defaults.
# Out:  OBJ/.config; one that would stay the same keeps its time.
# Exit: 0; 1 when a wanted line is not in the result: it is unknown, or depends on something that is off.
#
# allnoconfig with KCONFIG_ALLCONFIG would be shorter, but BusyBox's silently drops every =y of it.

set -eu

src=${1:?usage: configure-busybox.sh SRC OBJ FRAGMENT}
obj=${2:?} fragment=${3:?}
here=$(dirname "$0")
wanted=$obj.wanted
config=$obj/.config

names() { # NAME of each line that FILE sets
	sed -n 's/^\(# \)\{0,1\}CONFIG_\([A-Za-z0-9_]*\)[= ].*/\2/p' "$1"
}

kt_names() {
	sed -n 's/^[[:space:]]*config[[:space:]]*\([A-Z0-9_]*\).*/\1/p' "$obj/kt/Config.in"
}

turn_all_off() { # but the kt options; and remove the lines that are wanted otherwise
	kt_names >"$obj.kt"
	names "$wanted" >"$obj.names"
	awk -v kt="$obj.kt" -v named="$obj.names" '
		BEGIN {
			while ((getline name < kt) > 0) keep[name] = 1
			while ((getline name < named) > 0) drop[name] = 1
		}
		!/^(# )?CONFIG_/ { next }
		{ name = $0; sub(/^(# )?CONFIG_/, "", name); sub(/[= ].*/, "", name) }
		name in drop { next }
		/=y$/ && !(name in keep) { print "# CONFIG_" name " is not set"; next }
		{ print }' "$config" >"$config.new"
	cat "$wanted" >>"$config.new"
	mv "$config.new" "$config"
}

quiet_make() { # TARGET: answers to new options are their defaults; kconfig's long list only when it fails
	yes '' | "$here/busybox-make.sh" "$src" "$obj" "$1" >"$obj.log" 2>&1 || {
		tail -n 20 "$obj.log" >&2
		echo "configure-busybox: make $1 failed" >&2
		exit 1
	}
}

check_wanted() {
	lost=$(grep -vxFf "$config" "$wanted") || return 0
	echo "configure-busybox: not in the configuration (unknown, or something it needs is off):" >&2
	printf '%s\n' "$lost" >&2
	rm -f "$config"
	exit 1
}

echo "busybox: configuring $obj" >&2
mkdir -p "$obj"
grep '^CONFIG_' "$fragment" >"$wanted"
if [ -e "$config" ]; then mv "$config" "$obj.before"; fi
quiet_make defconfig
turn_all_off
quiet_make oldconfig
check_wanted
if cmp -s "$config" "$obj.before"; then mv "$obj.before" "$config"; fi
rm -f "$obj.before" "$obj.kt" "$obj.names" "$obj.log" "$wanted"

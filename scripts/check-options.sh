#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# check-options.sh BB FRAGMENT JOBS: does each kt option turned off alone, and all of them together, still
# build?
# In:   BB/src, the patched BusyBox tree; the //config: lines of applets/*/*.c; FRAGMENT, the wanted options
#       of BusyBox.
# Out:  a line for each option; objects in BB/options (a directory of their own: build/busybox stays as it is).
#       An applet that is off must be gone from the binary's list, and the others must still be on it.
# Exit: 0 all hold; 1 at least one does not.

set -eu

bb=${1:?usage: check-options.sh BB FRAGMENT JOBS}
fragment=${2:?} jobs=${3:?}
here=$(dirname "$0")
obj=$bb/options
binary=$obj/result/busybox
failed=0

options() {
	sed -n 's|^//config:config \(KT[A-Z0-9_]*\)$|\1|p' applets/*/*.c
}

build() {
	"$here/build-busybox.sh" "$bb/src" "$obj" "$jobs" "$binary"
}

build_without() { # NAME...
	cp "$obj.all" "$obj/.config"
	for name in "$@"; do
		sed -i "s/^CONFIG_$name=y/# CONFIG_$name is not set/" "$obj/.config"
	done
	build
}

kt_applets() { # of the binary, one a line
	"$binary" --list | grep '^kt' || :
}

report() { # WHAT PROBLEM
	if [ -n "$2" ]; then failed=1; fi
	printf '%-24s %s\n' "$1" "${2:-ok}"
}

applet_of() { # OPTION: KTSH_LITE is ktsh-lite
	echo "$1" | tr 'A-Z_' 'a-z-'
}

check() { # OPTION: all applets but its own are there
	build_without "$1" || {
		report "$1=n" "does not build"
		return
	}
	without=$(printf '%s\n' "$all" | grep -vxF "$(applet_of "$1")" || :)
	if [ "$(kt_applets)" = "$without" ]; then report "$1=n" ""; else
		report "$1=n" "wrong applets: $(kt_applets | tr '\n' ' ')"
	fi
}

check_none() {
	# shellcheck disable=SC2046  # a list of words
	build_without $(options) || {
		report "all of them off" "does not build"
		return
	}
	report "all of them off" "$(kt_applets | tr '\n' ' ')"
}

"$here/sync-applets.sh" "$bb"
"$here/configure-busybox.sh" "$bb/src" "$obj" "$fragment"
cp "$obj/.config" "$obj.all"
mkdir -p "$obj/result"
build
all=$(kt_applets)
[ -n "$all" ] || report "all of them on" "no kt applet in the binary"
for option in $(options); do
	check "$option"
done
check_none
exit "$failed"

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# build-kernel-6.12.sh DEST WORK PACKAGE SUITES JOBS: build a 6.12 kernel with sched_ext. 6.12 is the first version
# that has it: its dumps have no event counters, and its BPF functions have other names. Debian's own 6.12 is built
# without sched_ext.
# In:   PACKAGE, the Debian package with the source, and SUITES, where to look for it; kernel-6.12.config, the options
#       that are on; gcc, pahole and the other packages of scripts/packages.txt. WORK has the source and the objects
#       (4 GB) and is used again.
# Out:  DEST/image, DEST/version, DEST/config, as find-kernel.sh makes them; make's output in WORK/log.
# Exit: 0; 1 no source, an option that was dropped, or a failed build (the end of the log is printed).

set -eu

dest=${1:?usage: build-kernel-6.12.sh DEST WORK PACKAGE SUITES JOBS}
work=${2:?} package=${3:?} suites=${4:?} jobs=${5:?}
here=$(dirname "$0")
fragment=$here/kernel-6.12.config
mkdir -p "$work/obj"
work=$(cd "$work" && pwd)

say() {
	echo "kernel-6.12: $1" >&2
}

fail() {
	say "$1"
	exit 1
}

kernel_make() { # ARGUMENT...: with fixed names and dates, for reproducible builds
	make -C "$work/src" O="$work/obj" ARCH=x86_64 KBUILD_BUILD_USER=ktbox KBUILD_BUILD_HOST=ktbox \
		KBUILD_BUILD_TIMESTAMP="@${SOURCE_DATE_EPOCH:-0}" "$@" >>"$work/log" 2>&1 || {
		tail -n 20 "$work/log" >&2
		fail "make $* failed (log: $work/log)"
	}
}

fetch() {
	[ ! -e "$work/src/Makefile" ] || return 0
	say "fetching $package ($suites)"
	# shellcheck disable=SC2086  # a list of words
	"$here/fetch-kernel-source.sh" "$work/src" "$package" $suites
}

configure() { # make silently drops an option whose dependency is off
	kernel_make KCONFIG_ALLCONFIG="$(realpath "$fragment")" allnoconfig
	dropped=$(grep '^CONFIG_' "$fragment" | grep -vxF -f "$work/obj/.config" || :)
	[ -z "$dropped" ] || fail "make dropped these options of $fragment:
$dropped"
}

: >"$work/log"
fetch
configure
say "building (a quarter of an hour on two CPUs; log: $work/log)"
kernel_make -j "$jobs" bzImage
"$here/find-kernel.sh" "$dest" "$work/obj/arch/x86/boot/bzImage" "$work/obj/.config" "$package" "$suites"

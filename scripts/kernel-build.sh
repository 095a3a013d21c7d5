# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# kernel-build.sh: functions for the scripts that build out of Debian's source of the kernel: kernels, with make
# allnoconfig, and parts of it.
# In:   here, the directory of the scripts; target, the name for messages; source, where the tree is or will be, which
#       fetch_source_of sets; work, an absolute path: obj and log are in it; pahole, the program that writes the
#       kernel's types (that of PATH).
# Out:  the functions below. Each but dropped_options ends the script with a message if it fails. One of these scripts
#       runs at a time: they share the source, and two builds of one tree would remove each other's files.

say() {
	echo "$target: $1" >&2
}

fail() {
	say "$1"
	exit 1
}

fetch_source() { # PACKAGE SUITE...: to $source
	[ ! -e "$source/Makefile" ] || return 0
	package=$1
	shift
	say "fetching $package ($*)"
	"$here/fetch-kernel-source.sh" "$source" "$package" "$@"
}

# The source that a Debian kernel was built from; all scripts share it (2 GB). 7.2.12+deb14-cloud-amd64: the package is
# named by 7.2.
fetch_source_of() { # RELEASE SUITE...: sets source
	package=linux-source-$(echo "$1" | cut -d . -f 1-2)
	source=build/$package
	shift
	fetch_source "$package" "$@"
}

# With fixed names and dates, for reproducible builds. What was compiled once, for another kernel perhaps, is in
# build/ccache.
kernel_make() { # ARGUMENT...
	CCACHE_DIR="$PWD/build/ccache" CCACHE_MAXSIZE=5G \
		make -C "$source" O="$work/obj" CC="ccache gcc" ARCH=x86_64 KBUILD_BUILD_USER=ktbox KBUILD_BUILD_HOST=ktbox \
		KBUILD_BUILD_TIMESTAMP="@${SOURCE_DATE_EPOCH:-0}" PAHOLE="${pahole:-pahole}" "$@" </dev/null >>"$work/log" 2>&1 || {
		tail -n 20 "$work/log" >&2
		fail "make $* failed (log: $work/log)"
	}
}

configure() { # FRAGMENT...: what is on after everything has been switched off
	mkdir -p "$work/obj"
	cat "$@" >"$work/fragment"
	kernel_make KCONFIG_ALLCONFIG="$work/fragment" allnoconfig
}

dropped_options() { # make silently drops an option whose dependency is off
	grep '^CONFIG_' "$work/fragment" | grep -vxF -f "$work/obj/.config" || :
}

# What a stopped build has left running keeps the lock.
mkdir -p build
exec 8>>build/kernel-build.lock
flock -n 8 || {
	say "waiting for another build of a kernel, or of a part of one"
	flock 8
}

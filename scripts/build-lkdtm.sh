#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# build-lkdtm.sh DEST WORK RELEASE SUITES: build the kernel's own crash test (LKDTM) as a module for a Debian kernel,
# which comes without it, and ours (test/vm-crash/ktcrash).
# In:   RELEASE, of the kernel, whose headers Debian has; SUITES, where to look for them and for the source, which goes
#       to build/ (2 GB). WORK has the headers. Both are used again.
# Out:  DEST/lkdtm.ko, DEST/ktcrash.ko and DEST/request; make's output in WORK/log.
# Exit: 0; 1 no source or headers, or a failed build (the end of the log is printed).

set -eu

dest=${1:?usage: build-lkdtm.sh DEST WORK RELEASE SUITES}
work=${2:?} release=${3:?} suites=${4:?}
here=$(dirname "$0")
target=kernel-crash
mkdir -p "$dest" "$work"
work=$(cd "$work" && pwd)
headers=$work/headers-$release
ours=test/vm-crash/ktcrash
# shellcheck source=scripts/kernel-build.sh
. "$here/kernel-build.sh"

# shellcheck disable=SC2154  # apt: of apt-state.sh
# The packages that a package of headers depends on, its own version's: common headers and build tools.
parts() {
	apt-cache depends "linux-headers-$release" 2>>"$apt/log" |
		sed -n 's/^ *Depends: \(linux-\(headers\|kbuild\)-.*\)/\1/p'
}

# The headers name each other by their place in /usr.
unpack_headers() {
	parts=$(parts) && [ -n "$parts" ] || return 1
	# shellcheck disable=SC2086  # a list of words
	download "linux-headers-$release" $parts libc6 || return 1
	unpack_packages "$headers.new" || return 1
	sed -i "s|/usr/src/|$headers/usr/src/|" "$headers.new/usr/src/linux-headers-$release/Makefile"
	for program in tools/objtool/objtool.real-x86 scripts/mod/modpost.real-lsb-64; do
		use_own_libc "$headers.new" "$headers" "$(cd "$headers.new" && echo usr/lib/linux-kbuild-*/"$program")" || return 1
	done
	mv "$headers.new" "$headers"
}

fetch_headers() {
	[ ! -e "$headers" ] || return 0
	say "fetching the headers of $release ($suites)"
	# shellcheck source=scripts/apt-state.sh
	. "$here/apt-state.sh"
	# shellcheck disable=SC2086  # a list of words
	try_archives unpack_headers $suites ||
		fail "no archive of this machine has the headers of $release (log: build/apt/log)"
}

# Debian's compiler may be newer than this machine's: what that does not know is left out. It is about speed and
# messages.
compiler() {
	cat <<-'END'
		#!/bin/sh
		for word; do
			shift
			case $word in
			-fmin-function-alignment=* | -fdiagnostics-show-context=* | -fzero-init-padding-bits=*) ;;
			*) set -- "$@" "$word" ;;
			esac
		done
		exec gcc "$@"
	END
}

# build NAME: WORK/NAME/NAME.ko
build() {
	make -C "$headers/usr/src/linux-headers-$release" M="$work/$1" CONFIG_LKDTM=m CONFIG_DEBUG_INFO_BTF_MODULES= \
		CC="$work/cc" modules >"$work/log" 2>&1 || {
		tail -n 20 "$work/log" >&2
		fail "the module $1 cannot be built (log: $work/log)"
	}
	cp "$work/$1/$1.ko" "$dest/$1.ko"
}

build_all() {
	compiler >"$work/cc"
	chmod +x "$work/cc"
	rm -rf "$work/lkdtm" "$work/ktcrash"
	cp -R "$source/drivers/misc/lkdtm" "$work/lkdtm"
	# Only a built-in driver may call native_write_cr4, which this one test needs.
	sed -i '/^static void lkdtm_UNSET_SMEP/,/^}/s/^#if .*/#if 0/' "$work/lkdtm/bugs.c"
	cp -R "$ours" "$work/ktcrash"
	build lkdtm
	build ktcrash
}

request=$(echo "$release" && cat "$ours"/*)
[ "$(cat "$dest/request" 2>/dev/null)" != "$request" ] || exit 0
# shellcheck disable=SC2086  # a list of words
fetch_source_of "$release" $suites
fetch_headers
build_all
printf '%s\n' "$request" >"$dest/request"
say "$dest/lkdtm.ko and ktcrash.ko, for $release"

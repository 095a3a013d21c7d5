#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# fetch-kernel.sh DEST PACKAGE SUITE...: fetch a Debian kernel: DEST/vmlinuz and DEST/config.
# In:   PACKAGE, linux-image-RELEASE, or one whose dependencies lead to the newest image; the suites are tried in
#       order, in each archive that this machine's apt uses, or - alone: what this machine's apt itself has. Nothing is
#       installed and no root is needed (apt-state.sh).
#       MODULES (environment): directories of modules to keep, as named below kernel/; all: all, with an index if this
#       machine has depmod; empty: none.
# Out:  DEST/vmlinuz, DEST/config; with MODULES also DEST/modules/, with modules.builtin.
# Exit: 0; 1 no suite has it (apt's output: build/apt/log, or in KT_APT).

set -eu

dest=${1:?usage: fetch-kernel.sh DEST PACKAGE SUITE...}
package=${2:?}
shift 2
here=$(dirname "$0")
# shellcheck source=scripts/apt-state.sh
. "$here/apt-state.sh"

depends() { # PACKAGE: prints the names of its dependencies
	apt-cache depends "$1" 2>>"$apt/log" | sed -n 's/^ *Depends: \([^<].*\)/\1/p'
}

# PACKAGE depends on linux-image-RELEASE, and that on the packages that contain its parts. The package of the modules
# is eight times as large as all others, so it is fetched only if MODULES is set.
resolve() {
	case $package in
	linux-image-[0-9]*) image=$package ;;
	*) image=$(depends "$package" | grep '^linux-image-[0-9]' | head -n 1) ;;
	esac
	[ -n "$image" ] || return 1
	release=${image#linux-image-}
	parts=$(depends "$image" | grep -xF -e "linux-base-$release" -e "linux-binary-$release" \
		${MODULES:+-e "linux-modules-$release"} || :)
}

unpack() { # an older layout has /boot/vmlinuz-RELEASE and /boot/config-RELEASE
	for file in "$apt"/packages/*.deb; do
		dpkg-deb -x "$file" "$apt/unpacked"
	done
	find "$apt/unpacked" -type f -name 'vmlinuz*' -exec cp {} "$dest/vmlinuz" \;
	find "$apt/unpacked" -type f \( -path '*/modules/*/config' -o -path '*/boot/config-*' \) \
		-exec cp {} "$dest/config" \;
	[ -s "$dest/vmlinuz" ] && [ -s "$dest/config" ] && keep_modules
}

keep_modules() {
	[ -n "${MODULES:-}" ] || return 0
	builtin=$(find "$apt/unpacked" -type f -name modules.builtin)
	if [ "$MODULES" = all ]; then
		keep_all "${builtin%/*}"
		return
	fi
	for directory in $MODULES; do
		mkdir -p "$dest/modules/kernel/$directory"
		cp "${builtin%/*}/kernel/$directory"/*.ko* "$dest/modules/kernel/$directory/" || return 1
	done
	cp "$builtin" "$dest/modules/"
}

keep_all() { # DIRECTORY: depmod wants it at the place in which it is installed
	[ -d "$1/kernel" ] || return 1
	rm -f "$1/vmlinuz" "$1/config"
	mkdir -p "$apt/unpacked/index/lib/modules"
	mv "$1" "$apt/unpacked/index/lib/modules/$release"
	! command -v depmod >/dev/null || depmod -b "$apt/unpacked/index" "$release" >>"$apt/log" 2>&1 || return 1
	mv "$apt/unpacked/index/lib/modules/$release" "$dest/modules"
}

fetch() {
	# shellcheck disable=SC2086  # a list of words
	resolve && download "$image" $parts && unpack
}

if [ "$*" = - ]; then
	try_own_apt fetch
else
	try_archives fetch "$@"
fi || {
	echo "fetch-kernel: no archive of this machine has a kernel by $package in: $* (log: $apt/log)" >&2
	exit 1
}

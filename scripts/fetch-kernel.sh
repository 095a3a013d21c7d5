#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# fetch-kernel.sh DEST PACKAGE SUITE...: fetch a Debian kernel: DEST/vmlinuz and DEST/config.
# In:   PACKAGE, whose dependencies lead to the newest image; the suites are tried in order, in each archive
#       that this machine's apt uses. Nothing is installed and no root is needed (apt-state.sh).
#       MODULES (environment): directories of modules to keep, as named below kernel/; empty: none.
# Out:  DEST/vmlinuz, DEST/config; with MODULES also DEST/modules/, with modules.builtin.
# Exit: 0; 1 no suite has it (apt's output: build/apt/log).

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
	image=$(depends "$package" | grep '^linux-image-[0-9]' | head -n 1)
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
	for directory in $MODULES; do
		mkdir -p "$dest/modules/kernel/$directory"
		cp "${builtin%/*}/kernel/$directory"/*.ko* "$dest/modules/kernel/$directory/" || return 1
	done
	cp "$builtin" "$dest/modules/"
}

fetch() {
	# shellcheck disable=SC2086  # a list of words
	resolve && download "$image" $parts && unpack
}

try_archives fetch "$@" || {
	echo "fetch-kernel: no archive of this machine has a kernel by $package in: $* (log: build/apt/log)" >&2
	exit 1
}

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# fetch-kernel-source.sh DEST PACKAGE SUITE...: fetch the source of a Debian kernel and unpack it to DEST.
# In:   PACKAGE, a linux-source-VERSION; the suites are tried in order, in each archive that this machine's
#       apt uses. Nothing is installed and no root is needed (apt-state.sh).
# Out:  DEST, the tree; DEST/.debian-version, the package's version. DEST exists completely or not at all.
# Exit: 0; 1 no suite has it (apt's output: build/apt/log).

set -eu

dest=${1:?usage: fetch-kernel-source.sh DEST PACKAGE SUITE...}
package=${2:?}
shift 2
here=$(dirname "$0")
# shellcheck source=scripts/apt-state.sh
. "$here/apt-state.sh"

unpack() {
	rm -rf "$dest.new"
	mkdir -p "$dest.new" "$apt/unpacked"
	deb=$(find "$apt/packages" -name '*.deb') && [ -n "$deb" ] || return 1
	dpkg-deb -x "$deb" "$apt/unpacked" || return 1
	tarball=$(find "$apt/unpacked/usr/src" -type f -name "$package.tar.*") && [ -n "$tarball" ] || return 1
	tar -xf "$tarball" -C "$dest.new" --strip-components=1 || return 1
	dpkg-deb -f "$deb" Version >"$dest.new/.debian-version"
}

fetch() {
	download "$package" && unpack
}

try_archives fetch "$@" || {
	rm -rf "$dest.new"
	echo "fetch-kernel-source: no archive of this machine has $package in: $* (log: build/apt/log)" >&2
	exit 1
}
rm -rf "$dest"
mv "$dest.new" "$dest"

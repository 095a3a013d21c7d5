#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# fetch-busybox.sh VERSION SHA256 OUT [TARBALL]: put BusyBox's source tarball at OUT.
# In:   TARBALL, a file on this machine; without it, the tarball is fetched from the archives of this machine's apt.
# Out:  OUT, always complete and with the right checksum. A right OUT is kept.
# Exit: 0; 1 the tarball cannot be found, or its checksum is wrong.

set -eu

version=${1:?usage: fetch-busybox.sh VERSION SHA256 OUT [TARBALL]}
sha256=${2:?} out=${3:?} tarball=${4-}
here=$(dirname "$0")
new=$out.new

fail() {
	rm -f "$new"
	echo "fetch-busybox: $1" >&2
	exit 1
}

has_checksum() { # FILE
	printf '%s  %s\n' "$sha256" "$1" | sha256sum -c --status 2>/dev/null
}

fetch() { # from the first archive that has it
	for archive in $("$here/archives.sh"); do
		url=$archive/pool/main/b/busybox/busybox_$version.orig.tar.bz2
		"$helper" -o APT::Sandbox::User="$(id -un)" download-file "$url" "$new" >"$out.log" 2>&1 && return
	done
	return 1
}

if [ -e "$out" ] && has_checksum "$out"; then exit 0; fi
mkdir -p "$(dirname "$out")"
rm -f "$new"

if [ -n "$tarball" ]; then
	cp "$tarball" "$new" || fail "unable to copy $tarball"
	what=$tarball
else
	helper=/usr/lib/apt/apt-helper
	[ -x "$helper" ] || fail "no $helper on this machine: give the tarball of BusyBox $version by BUSYBOX_TARBALL=path"
	echo "busybox: fetching the source of BusyBox $version" >&2
	fetch || fail "no archive of this machine has busybox_$version.orig.tar.bz2 (log: $out.log): \
give it by BUSYBOX_TARBALL=path"
	what="the fetched busybox_$version.orig.tar.bz2"
fi
has_checksum "$new" || fail "wrong checksum: $what is not BusyBox $version (sha256 wanted: $sha256)"
mv "$new" "$out"

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# fetch-debug-kernel.sh DEST KERNEL SUITE...: put the debug information of a Debian kernel beside its image.
# In:   KERNEL, a directory that find-kernel.sh has made of Debian's kernel; the suites are tried in order, in each
#       archive that this machine's apt uses. Nothing is installed and no root is needed (apt-state.sh).
# Out:  DEST/vmlinux (400 MB), DEST/image and DEST/config, links to those of KERNEL; DEST/version, by which a vmlinux
#       that is there already is known.
# Exit: 0; 1 no suite has the package (apt's output: build/apt/log).

set -eu

dest=${1:?usage: fetch-debug-kernel.sh DEST KERNEL SUITE...}
kernel=$(cd "${2:?}" && pwd)
shift 2
here=$(dirname "$0")
release=$(cat "$kernel/version")
if [ "$release" = "$(cat "$dest/version" 2>/dev/null)" ]; then exit 0; fi
# shellcheck source=scripts/apt-state.sh
. "$here/apt-state.sh"

# The package has the modules, too, which would take 1.6 GB.
fetch() {
	download "linux-image-$release-dbg" || return 1
	for package in "$apt"/packages/*.deb; do
		dpkg-deb --fsys-tarfile "$package" | tar -xOf - "./usr/lib/debug/lib/modules/$release/vmlinux" >"$dest/vmlinux"
	done
	[ -s "$dest/vmlinux" ]
}

rm -rf "$dest"
mkdir -p "$dest"
echo "kernel: fetching the debug information of $release (350 MB)" >&2
try_archives fetch "$@" || {
	echo "fetch-debug-kernel: no archive of this machine has linux-image-$release-dbg in: $* (log: build/apt/log)" >&2
	exit 1
}
ln -s "$kernel/image" "$dest/image"
ln -s "$kernel/config" "$dest/config"
echo "$release" >"$dest/version"

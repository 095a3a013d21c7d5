#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# build-plain-busybox.sh TARBALL BB DIR JOBS: build unpatched BusyBox with the configuration of ours.
# In:   TARBALL (its checksum has been verified); BB/obj/.config, without its kt options.
# Out:  DIR/src, unpatched; DIR/busybox and DIR/.config.
# Exit: 0; 1 the build failed, or an option is not in its configuration.

set -eu

tarball=${1:?usage: build-plain-busybox.sh TARBALL BB DIR JOBS}
bb=${2:?} dir=${3:?} jobs=${4:?}
here=$(dirname "$0")
obj=$dir/obj

"$here/unpack-busybox.sh" "$tarball" "" "$dir"
mkdir -p "$obj"
grep -v 'CONFIG_KT[A-Z_]*[ =]' "$bb/obj/.config" >"$obj/.config"
grep '^CONFIG_' "$obj/.config" >"$dir/wanted"
yes '' | "$here/busybox-make.sh" "$dir/src" "$obj" oldconfig >"$dir/oldconfig.log" 2>&1
lost=$(grep -vxFf "$obj/.config" "$dir/wanted") && {
	printf 'build-plain-busybox: not in the configuration:\n%s\n' "$lost" >&2
	exit 1
}
"$here/build-busybox.sh" "$dir/src" "$obj" "$jobs" "$dir/busybox"
cp "$obj/.config" "$dir/.config"

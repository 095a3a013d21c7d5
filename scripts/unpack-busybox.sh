#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# unpack-busybox.sh TARBALL PATCHES DIR [SHA256]: make a fresh, patched BusyBox tree in DIR/src.
# In:   TARBALL; SHA256, its checksum, which was right when it was fetched: a copy may have been cut since then. The
#       *.patch files of the directory PATCHES, in the order of their names. If PATCHES is empty, the tree is
#       upstream's.
# Out:  DIR/src; DIR/include, links to the kernel's headers that musl-gcc does not find by itself. All else in
#       DIR is removed: objects of another tree must not be taken for those of this one.
# Exit: 0; 1 the checksum is wrong; 1 a patch does not apply exactly (no fuzz).

set -eu

tarball=${1:?usage: unpack-busybox.sh TARBALL PATCHES DIR [SHA256]}
patches=${2?} dir=${3:?} sha256=${4-}

check() {
	[ -n "$sha256" ] || return 0
	printf '%s  %s\n' "$sha256" "$tarball" | sha256sum -c --status 2>/dev/null || {
		echo "unpack-busybox: wrong checksum: $tarball (sha256 wanted: $sha256): remove it, and make fetches it again" >&2
		exit 1
	}
}

unpack() {
	rm -rf "$dir"
	mkdir -p "$dir/src"
	tar -xjf "$tarball" -C "$dir/src" --strip-components=1
}

apply_patches() {
	[ -n "$patches" ] || return 0
	for file in "$patches"/*.patch; do
		patch -d "$dir/src" -p1 --fuzz=0 --silent <"$file" || {
			echo "unpack-busybox: $file does not apply" >&2
			exit 1
		}
	done
}

link_kernel_headers() { # only these: the rest of /usr/include belongs to glibc
	headers=/usr/include multiarch=$(gcc -print-multiarch)
	if [ "${KT_ARCH:-x86_64}" != x86_64 ]; then
		headers=$(cd "$dir/.." && pwd)/cross/root/usr/include multiarch=$KT_ARCH-linux-gnu
	fi
	mkdir "$dir/include"
	for name in linux asm-generic mtd; do
		ln -s "$headers/$name" "$dir/include/$name"
	done
	ln -s "$headers/$multiarch/asm" "$dir/include/asm"
}

check
echo "busybox: unpacking its source into $dir" >&2
unpack
apply_patches
link_kernel_headers

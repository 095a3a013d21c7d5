#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# extract-vmlinux.sh BZIMAGE OUT: extract the uncompressed kernel from a bzImage. QEMU enters it directly
# (PVH), which saves the decompression and most of the firmware: half a second per boot.
# In:   BZIMAGE, whose header has the payload's place and length.
# Out:  OUT, an ELF file with the PVH entry that QEMU needs.
# Exit: 0; 1 it cannot be extracted (unknown compression, no PVH): the reason on stderr, no OUT.

set -eu

image=${1:?usage: extract-vmlinux.sh BZIMAGE OUT}
out=${2:?}
here=$(dirname "$0")
# shellcheck source=scripts/kernel-image.sh
. "$here/kernel-image.sh"

fail() {
	rm -f "$out"
	echo "extract-vmlinux: $image: $1" >&2
	exit 1
}

payload() { # LENGTH: prints its first LENGTH bytes
	tail -c "+$((start + 1))" "$image" | head -c "$1"
}

# The payload ends with the size of its content, which only gzip expects: four bytes.
decompress() {
	case $(bytes_at "$image" "$start" 6) in
	28b52ffd*) payload $((length - 4)) | zstd -dcq ;;
	fd377a585a00) payload $((length - 4)) | xz -dcq ;;
	02214c18*) payload $((length - 4)) | lz4 -dcq ;;
	1f8b*) payload "$length" | gzip -dcq ;;
	*) fail "unknown compression" ;;
	esac
}

[ "$(kernel_kind "$image")" = bzimage ] || fail "not a bzImage"
start=$((($(number_at "$image" 497 1) + 1) * 512 + $(number_at "$image" 584 4)))
length=$(number_at "$image" 588 4)
decompress >"$out" || fail "unable to decompress it"
[ "$(kernel_kind "$out")" = elf ] || fail "its payload is not an ELF file"
"$here/has-pvh-entry.sh" "$out" || fail "its kernel has no PVH entry (CONFIG_PVH)"

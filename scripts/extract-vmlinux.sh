#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# extract-vmlinux.sh BZIMAGE OUT: take the uncompressed kernel out of a bzImage. QEMU enters it directly
# (PVH), which saves the decompression and most of the firmware: half a second a boot.
# In:   BZIMAGE. Its header says where the payload lies and how long it is (Linux:
#       Documentation/arch/x86/boot.rst).
# Out:  OUT, an ELF file with the PVH entry that QEMU needs.
# Exit: 0; 1 there is none to be had (another compression, no PVH): the reason on stderr, no OUT.

set -eu

image=${1:?usage: extract-vmlinux.sh BZIMAGE OUT}
out=${2:?}

fail() {
	rm -f "$out"
	echo "extract-vmlinux: $image: $1" >&2
	exit 1
}

number_at() { # OFFSET SIZE: the unsigned little-endian number there
	od -An "-tu$2" "-j$1" "-N$2" "$image" | tr -d ' \n'
}

bytes_at() { # FILE OFFSET COUNT: as hexadecimal digits
	od -An -tx1 "-j$2" "-N$3" "$1" | tr -d ' \n'
}

payload() { # LENGTH: the first LENGTH bytes of it
	tail -c "+$((start + 1))" "$image" | head -c "$1"
}

# But for gzip, the payload ends with the size of its content, four bytes that no decompressor expects.
decompress() {
	case $(bytes_at "$image" "$start" 6) in
	28b52ffd*) payload $((length - 4)) | zstd -dcq ;;
	fd377a585a00) payload $((length - 4)) | xz -dcq ;;
	02214c18*) payload $((length - 4)) | lz4 -dcq ;;
	1f8b*) payload "$length" | gzip -dcq ;;
	*) fail "compressed in a way that is not known here" ;;
	esac
}

[ "$(bytes_at "$image" 514 4)" = 48647253 ] || fail "is no bzImage"
start=$((($(number_at 497 1) + 1) * 512 + $(number_at 584 4)))
length=$(number_at 588 4)
decompress >"$out" || fail "unable to decompress it"
[ "$(bytes_at "$out" 0 4)" = 7f454c46 ] || fail "what is in it is no ELF file"
"$(dirname "$0")/has-pvh-entry.sh" "$out" || fail "what is in it has no PVH entry (CONFIG_PVH)"

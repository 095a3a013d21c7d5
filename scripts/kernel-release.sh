#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# kernel-release.sh IMAGE: print the release of a kernel image (what `uname -r` says when it runs).
# In:   IMAGE: a bzImage, whose header points to the text, or an ELF vmlinux or arm64 Image, which
#       have it as "Linux version ...".
# Exit: 0; 1 IMAGE is neither.

set -eu

image=${1:?usage: kernel-release.sh IMAGE}

bytes_at() { # OFFSET COUNT: as hexadecimal digits
	od -An -tx1 "-j$1" "-N$2" "$image" | tr -d ' \n'
}

bzimage_release() {
	offset=$((512 + $(od -An -tu2 -j526 -N2 "$image")))
	tail -c "+$((offset + 1))" "$image" | head -c 128 | tr '\0' ' ' | cut -d ' ' -f 1 | head -n 1
}

elf_release() {
	LC_ALL=C grep -a -o -m 1 'Linux version [0-9][^ ]*' "$image" | head -n 1 | cut -d ' ' -f 3
}

if [ "$(bytes_at 514 4)" = 48647253 ]; then
	bzimage_release
elif [ "$(bytes_at 0 4)" = 7f454c46 ] || [ "$(bytes_at 56 4)" = 41524d64 ]; then
	elf_release | grep .
else
	exit 1
fi

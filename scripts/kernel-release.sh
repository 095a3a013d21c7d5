#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# kernel-release.sh IMAGE: print the release of a kernel image, as its `uname -r` would.
# In:   IMAGE: a bzImage, whose header points to the text, or an ELF vmlinux or arm64 Image, which contain
#       "Linux version ...".
# Exit: 0; 1 IMAGE is none of them.

set -eu

image=${1:?usage: kernel-release.sh IMAGE}
# shellcheck source=scripts/kernel-image.sh
. "$(dirname "$0")/kernel-image.sh"

bzimage_release() {
	offset=$((512 + $(number_at "$image" 526 2)))
	tail -c "+$((offset + 1))" "$image" | head -c 128 | tr '\0' ' ' | cut -d ' ' -f 1 | head -n 1
}

text_release() {
	LC_ALL=C grep -a -o -m 1 'Linux version [0-9][^ ]*' "$image" | head -n 1 | cut -d ' ' -f 3 | grep .
}

case $(kernel_kind "$image") in
bzimage) bzimage_release ;;
elf | arm64) text_release ;;
*) exit 1 ;;
esac

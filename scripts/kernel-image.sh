# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# kernel-image.sh: functions that read the header of a kernel image. A bzImage's is described in Linux:
# Documentation/arch/x86/boot.rst, an arm64 Image's in Documentation/arch/arm64/booting.rst.

bytes_at() { # FILE OFFSET COUNT: prints them as hexadecimal digits
	od -An -tx1 "-j$2" "-N$3" -- "$1" | tr -d ' \n'
}

number_at() { # FILE OFFSET SIZE: prints the unsigned little-endian number
	od -An "-tu$3" "-j$2" "-N$3" -- "$1" | tr -d ' \n'
}

kernel_kind() { # IMAGE: prints elf, bzimage or arm64; false if it is none of them
	if [ "$(bytes_at "$1" 0 4)" = 7f454c46 ]; then
		echo elf
	elif [ "$(bytes_at "$1" 514 4)" = 48647253 ]; then # HdrS
		echo bzimage
	elif [ "$(bytes_at "$1" 56 4)" = 41524d64 ]; then # ARM, 0x64
		echo arm64
	else
		return 1
	fi
}

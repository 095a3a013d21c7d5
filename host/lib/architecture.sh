# What differs between the architectures of a guest.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   a guest's architecture is that of the kernel's image, and all that follows from it is here.
# In:    the head of the image. Out: run_arch (x86_64 or aarch64), run_kernel_type (elf, bzimage or image),
#        arch_*, base_archive. Exit: 205 for what is no kernel.
#
# The machine "virt" has one UART of its own, ttyAMA0, which is the console. What is COM2 on a PC, for the
# last words of /init, is a UART on the PCI bus there: ttyS0. /init finds both by what the kernel says
# (rootfs/lib/consoles.sh).
# shellcheck disable=SC2015,SC2034,SC2154

# One od of the head: the ELF magic is in bytes 0-3, e_machine in 18-19, arm64's ARMd in 0x38-0x3b, a
# bzImage's HdrS in 0x202-0x205.
take_architecture() { # KERNEL
	# shellcheck disable=SC2046
	set -- "$1" $(od -An -v -tx1 -N518 -- "$1") 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
	case $2$3$4$5 in
	7f454c46) [ "${20}${21}" = 3e00 ] || die "kernel for another architecture: $1"
		take_x86_64 elf
		return ;;
	esac
	[ $# -eq 539 ] || die "not a kernel image (neither ELF, bzImage nor arm64 Image): $1"
	take_image=$1
	shift 57
	[ "$1$2$3$4" != 41524d64 ] || { take_aarch64; return; }
	shift 458
	[ "$1$2$3$4" = 48647253 ] || die "not a kernel image (neither ELF, bzImage nor arm64 Image): $take_image"
	take_x86_64 bzimage
}

# TCG runs a "rep stosb" byte by byte. Without the flags that call it fast, the kernel clears and copies eight
# bytes at a time, which saves a little of the boot (docs/performance.md).
take_x86_64() { # TYPE
	run_arch=x86_64 run_kernel_type=$1
	arch_qemu=qemu-system-x86_64 arch_package=qemu-system-x86
	arch_machine=q35 arch_tcg_cpu=max,-erms,-fsrm
	arch_console=ttyS0 arch_com2='-serial chardev:com2'
	arch_elf=3e00 arch_elf_32=0300 arch_name=x86-64 arch_scanelf='X86_64\|386'
	base_archive=$parts/initramfs.cpio
}

# Pointer authentication by its own algorithm costs TCG more than all else; the kernel does not mind which
# it is.
take_aarch64() {
	run_arch=aarch64 run_kernel_type=image
	arch_qemu=qemu-system-aarch64 arch_package=qemu-system-arm
	arch_machine=virt,gic-version=max arch_tcg_cpu=max,pauth-impdef=on
	arch_console=ttyAMA0 arch_com2='-device pci-serial,chardev=com2'
	arch_elf=b700 arch_elf_32=none arch_name=aarch64 arch_scanelf=AARCH64
	base_archive=$parts/aarch64/initramfs.cpio
}

# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: check that the kernel unpacked the whole initramfs. When it runs out of memory, it goes on with a part.
#        Each archive ends with a marker file. ktrun's archive is optional, so it begins with one too.

check_initramfs() {
	[ -e "$ROOT/.ktbox/base.complete" ] ||
		fail initramfs "the base initramfs was not unpacked completely: give the guest more memory (-m)"
	[ ! -e "$ROOT/.ktbox/run.begin" ] || [ -e "$ROOT/.ktbox/run.complete" ] ||
		fail initramfs "the run's files were not unpacked completely: give the guest more memory (-m)"
}

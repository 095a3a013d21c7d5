# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: is all of the initramfs there? A kernel that runs out of memory while it unpacks goes on with
#        half of it.
# Each archive ends with a file that says so; ktrun's begins with one too, since it need not be there at
# all.

check_initramfs() {
	[ -e "$ROOT/.ktbox/base.complete" ] ||
		fail initramfs "the initramfs was not unpacked whole: more memory (-m) may help"
	[ ! -e "$ROOT/.ktbox/run.begin" ] || [ -e "$ROOT/.ktbox/run.complete" ] ||
		fail initramfs "the run's files were not unpacked whole: more memory (-m) may help"
}

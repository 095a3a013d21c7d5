# SPDX-License-Identifier: GPL-2.0-only
"""What a run brings into the guest, as one archive.

include      checks what -i and -s name            guest_files  what comes with it, and where it goes
scripts      the #! line                           libraries    as this machine's loader finds them
elf          what an ELF file says                 archive      a tree of names, as cpio
initramfs    the archive of one run                scenario     the file of --scenario
shell_history  of the guest's shell
"""

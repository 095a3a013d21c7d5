#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# has-pvh-entry.sh ELF: check that QEMU can boot this ELF kernel. QEMU needs the note of the PVH entry (Xen, type 18),
# which CONFIG_PVH adds.
# Exit: 0 it can; 1 it cannot.

LC_ALL=C readelf -nW "${1:?usage: has-pvh-entry.sh ELF}" 2>/dev/null | grep -q '^  Xen .*0x00000012'

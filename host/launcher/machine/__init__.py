# SPDX-License-Identifier: GPL-2.0-only
"""The virtual machine: its shape, and QEMU.

topology     CPUs, caches, nodes, memory           accelerator  KVM or TCG
arguments    QEMU's command                        qemu_faults  known faults of QEMU's versions
qmp          QEMU's protocol                       clock        its frequency, under TCG
"""

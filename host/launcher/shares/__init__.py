# SPDX-License-Identifier: GPL-2.0-only
"""Directories of the host in the guest, without a copy.

host_root      what --host-root brings, and by which way
virtiofsd      the daemons of virtiofs
readonly_tree  a program of its own: another program sees a tree read-only
"""

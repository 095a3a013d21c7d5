# SPDX-License-Identifier: GPL-2.0-only
"""--bpf: the scheduler's BPF programs and maps at its end.

objects  what the guest has sent of them      files  what is kept of that
limits   how much it may send
"""

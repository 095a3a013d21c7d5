# SPDX-License-Identifier: GPL-2.0-only
"""How many cells of a matrix a machine runs at once. In: what a guest needs; this machine. Out: a number from 1."""
from __future__ import annotations

import os

_OVERHEAD_MIB = 256  # of a QEMU beyond its guest's memory


def count_slots(memory_mib: int, cpus: int, accel: str) -> int:
    """As many as there is memory for, and CPUs: TCG runs all of a guest's on one of the host's."""
    with open("/proc/meminfo", encoding="ascii") as file:
        available_kib = next((int(line.split()[1]) for line in file if line.startswith("MemAvailable:")), 0)
    by_memory = available_kib // 1024 // (memory_mib + _OVERHEAD_MIB)
    return max(1, min(by_memory, len(os.sched_getaffinity(0)) // (1 if accel == "tcg" else cpus)))

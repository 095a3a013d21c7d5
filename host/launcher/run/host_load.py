# SPDX-License-Identifier: GPL-2.0-only
"""How busy the host was while a guest ran: what figures of that guest are worth.

In:  /proc of the host, while QEMU lives. Out: HostLoad. Linux counts for each thread how long it has run and how long
     it has waited for a CPU (/proc/PID/task/TID/schedstat, Documentation/scheduler/sched-stats.rst), so QEMU's threads
     say themselves whether they got what they needed, whatever the load is.
"""
from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass
from typing import Optional

_SHARE_MAX = 0.1  # of the time: beyond it, figures say more about the host than about the guest


@dataclass(frozen=True)
class HostLoad:
    """Until the guest's exit frame, its boot included."""
    load: float  # the host's, of the last minute
    cpus: int  # that ktrun may use
    qemu_ran_secs: float
    qemu_waited_secs: float
    steal: float  # the share of the host's CPU time that was taken from it
    counts_instructions: bool = False  # -icount: no load moves the guest's clock


@dataclass(frozen=True)
class Ticks:
    """Of the host's CPUs since its boot."""
    all: int
    stolen: int


def read_ticks() -> Ticks:
    """Zeros where /proc/stat can't be read."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            parts = [int(word) for word in file.readline().split()[1:9]]
    except (OSError, ValueError):
        return Ticks(0, 0)
    return Ticks(sum(parts), parts[7] if len(parts) == 8 else 0)


def measure_load(pid: int, before: Ticks, counts_instructions: bool) -> Optional[HostLoad]:
    """Of QEMU, process PID, and of the host since BEFORE. None: PID has ended, or this kernel has no such files."""
    times = [_thread_times(path) for path in glob.glob(f"/proc/{pid}/task/*/schedstat")]
    known = [pair for pair in times if pair]
    after = read_ticks()
    if not known:
        return None
    passed = after.all - before.all
    steal = (after.stolen - before.stolen) / passed if passed > 0 else 0.0
    return HostLoad(round(os.getloadavg()[0], 2), len(os.sched_getaffinity(0)), round(sum(ran for ran, _ in known), 3),
                    round(sum(waited for _, waited in known), 3), round(min(1.0, max(0.0, steal)), 3),
                    counts_instructions)


def _thread_times(path: str) -> Optional[tuple[float, float]]:
    """Seconds. None for a thread that has ended since."""
    try:
        with open(path, encoding="ascii") as file:
            found = re.match(r"([0-9]+) ([0-9]+) ", file.read(200))
    except OSError:
        return None
    return (int(found.group(1)) / 1e9, int(found.group(2)) / 1e9) if found else None


def waited_share(load: HostLoad) -> float:
    total = load.qemu_ran_secs + load.qemu_waited_secs
    return load.qemu_waited_secs / total if total > 0 else 0.0


def why_too_busy(load: Optional[HostLoad]) -> Optional[str]:
    """None: the figures can be used."""
    if load is None:
        return "how busy the host was is not known"
    if load.counts_instructions:
        return None
    if waited_share(load) > _SHARE_MAX:
        return (f"the host was too busy: QEMU waited for a CPU for {100 * waited_share(load):.0f} % of its time, and "
                f"at most {100 * _SHARE_MAX:.0f} % is allowed (load {load.load:g})")
    if load.steal > _SHARE_MAX:
        return (f"the host was too busy: {100 * load.steal:.0f} % of its CPU time was taken from it (steal), and at "
                f"most {100 * _SHARE_MAX:.0f} % is allowed")
    return None

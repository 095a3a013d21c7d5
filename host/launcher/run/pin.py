# SPDX-License-Identifier: GPL-2.0-only
"""--pin: each thread that runs CPUs of the guest gets a CPU of the host for itself.

In:  the threads, as QEMU names them; /sys of the host. Out: Pin, which host.json keeps. The CPUs are of one last-level
cache where one has enough, and of different cores first. A CPU that a ktrun has taken is locked for all users of the
machine by an abstract socket, ktbox-cpu-N, which goes with the process: so the VMs of a matrix are apart.
"""
from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import dataclass
from typing import Iterator, Mapping, Optional, Sequence

from ..machine.topology import cpu_numbers

_SYS = "/sys/devices/system/cpu"


@dataclass(frozen=True)
class Pin:
    cpus: tuple[int, ...]  # of the host, one for each thread; the same one twice where there were too few
    warning: Optional[str]  # why figures may be off nevertheless


@dataclass(frozen=True)
class Cpu:
    number: int
    cache: str  # the CPUs that share the last-level cache, as the kernel lists them
    core: str  # those that are threads of one core


class CpuLocks:
    """The CPUs that this ktrun has."""

    def __init__(self) -> None:
        self._sockets: dict[int, socket.socket] = {}

    def release_all(self) -> None:
        self.release(list(self._sockets))

    def take(self, number: int) -> bool:
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            lock.bind(f"\0ktbox-cpu-{number}")
        except OSError:
            lock.close()
            return False
        self._sockets[number] = lock
        return True

    def release(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._sockets.pop(number).close()

    def take_near(self, cpus: Sequence[Cpu], count: int) -> list[int]:
        """COUNT CPUs of one cache, else of several, else fewer."""
        groups = list(by_cache(cpus).values())
        for group in groups:
            taken = self._take_of(group, count)
            if len(taken) == count:
                return taken
            self.release(taken)
        return self._take_of([cpu for group in groups for cpu in group], count)

    def _take_of(self, cpus: Sequence[Cpu], count: int) -> list[int]:
        taken: list[int] = []
        for cpu in cpus:
            if len(taken) < count and self.take(cpu.number):
                taken.append(cpu.number)
        return taken


def by_cache(cpus: Sequence[Cpu]) -> Mapping[str, list[Cpu]]:
    """In each cache the first thread of each core comes before the second ones."""
    groups: dict[str, list[tuple[int, Cpu]]] = {}
    threads: dict[str, int] = {}
    for cpu in cpus:
        threads[cpu.core] = threads.get(cpu.core, 0) + 1
        groups.setdefault(cpu.cache, []).append((threads[cpu.core], cpu))
    return {cache: [cpu for _, cpu in sorted(group, key=lambda pair: (pair[0], pair[1].number))]
            for cache, group in groups.items()}


def read_cpus() -> list[Cpu]:
    """Those that ktrun may use. What the kernel does not say is as if all shared it, or none."""
    return [Cpu(number, _last_cache(number), _read(f"{_SYS}/cpu{number}/topology/thread_siblings_list") or str(number))
            for number in sorted(os.sched_getaffinity(0))]


def _last_cache(number: int) -> str:
    levels: dict[int, str] = {}
    with contextlib.suppress(OSError):
        for entry in os.scandir(f"{_SYS}/cpu{number}/cache"):
            level = _read(f"{entry.path}/level")
            if level.isdigit():
                levels[int(level)] = _read(f"{entry.path}/shared_cpu_list")
    return levels[max(levels)] if levels else ""


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(4096).strip()
    except OSError:
        return ""


def pin_threads(threads: Sequence[int], vcpus: int, locks: CpuLocks) -> Pin:
    """A thread that has ended meanwhile is none any more."""
    cpus = read_cpus()
    taken = locks.take_near(cpus, len(threads))
    chosen = [taken[at % len(taken)] for at in range(len(threads))] if taken else []
    for thread, cpu in zip(threads, chosen):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(thread, {cpu})
    reasons = list(_warnings(len(threads), vcpus, taken, cpus))
    return Pin(tuple(chosen), "; ".join(reasons) or None)


def _warnings(threads: int, vcpus: int, taken: Sequence[int], cpus: Sequence[Cpu]) -> Iterator[str]:
    if threads < vcpus:
        yield f"QEMU runs the guest's {vcpus} CPUs on {'one thread' if threads == 1 else f'{threads} threads'}"
    if not taken:
        yield "no CPU is free, so nothing is pinned"
    elif len(taken) < threads:
        yield f"only {len(taken)} of {threads} CPUs are free, so the guest's share them"
    used = [cpu for cpu in cpus if cpu.number in taken]
    if len({cpu.cache for cpu in used}) > 1:
        yield "no last-level cache has enough free CPUs"
    shared = [cpu for cpu in used if not cpu_numbers(cpu.core) <= set(taken)]
    if shared:
        yield f"CPU {shared[0].number} is a thread of a core that others may use ({shared[0].core})"
    governors = {_read(f"{_SYS}/cpu{number}/cpufreq/scaling_governor") for number in taken} - {"", "performance"}
    if governors:
        yield f"the frequency governor is {', '.join(sorted(governors))}, not performance"
    load = os.getloadavg()[0]
    if load + threads > len(cpus) + 0.5:
        yield f"the host's load is {load:.1f} on {len(cpus)} CPUs"

# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel's counters said at one moment of a run: a Record of stats_file.py, as numbers.

In:  the kernel's text. Out: Sample. A number that is not there, or is larger than 64 bits, is absent.
"""
from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace
from typing import NamedTuple, Optional, Sequence

from .scx_stats import parse_answer
from .stats_file import Record

TICK_US = 10000  # of /proc/stat: USER_HZ is 100
CPUS_MAX = 8192
EVENTS_MAX = 200
# user nice system idle iowait irq softirq steal: what the guest spent is part of user
_STAT = re.compile(r"^cpu([0-9]{1,4}) ((?:[0-9]{1,20} ){7}[0-9]{1,20})(?: |$)", re.MULTILINE)
_SCHEDSTAT = re.compile(r"^cpu([0-9]{1,4}) (?:[0-9]{1,20} ){6}([0-9]{1,20}) ([0-9]{1,20}) ([0-9]{1,20})(?: |$)",
                        re.MULTILINE)
_PSI = re.compile(r"^(some|full) [^\n]{1,200} total=([0-9]{1,20})$", re.MULTILINE)
_EVENT = re.compile(r"^(SCX_EV_[A-Z0-9_]{1,50}) ([0-9]{1,20})$", re.MULTILINE)
_KINDS = ("begin", "sample", "attached", "detached", "end")
_NUMBERS = ("scx_nr_rejected", "scx_hotplug_seq", "scx_enable_seq", "scx_switch_all")


@dataclass(frozen=True)
class Cpu:
    """Ticks."""
    busy: int
    idle: int
    steal: int


class Sched(NamedTuple):
    """Of one CPU's runqueue."""
    ran_ns: int
    waited_ns: int
    runs: int


@dataclass(frozen=True)
class Sample:
    ms: int  # since the guest's boot
    kind: str
    cpus: dict[int, Cpu]
    context_switches: Optional[int]
    runnable: Optional[int]  # tasks that run or wait, without ktwatch itself
    sched: dict[int, Sched]  # of the CPUs that are online
    psi: dict[str, int]  # cpu_some: microseconds
    numbers: dict[str, int]
    events: Optional[dict[str, int]]  # None: no scheduler is attached, or the kernel has no such file
    scheduler: Optional[str]
    own: Optional[dict[str, float]] = None  # what the scheduler says of itself, if it has answered this sample
    own_problem: Optional[str] = None  # why it has not, if it was asked


def parse_sample(record: Record) -> Sample:
    stat = record.text("stat") or ""
    running = _number(stat, r"^procs_running ([0-9]{1,20})$")
    events = record.text("scx_events")
    numbers = {name: _number(record.text(name) or "", r"\A([0-9]{1,20})$") for name in _NUMBERS}
    return Sample(
        record.ms, record.kind, _cpus(stat), _number(stat, r"^ctxt ([0-9]{1,20})$"),
        max(0, running - 1) if running is not None else None, _sched(record.text("schedstat") or ""),
        _pressures(record), {name: number for name, number in numbers.items() if number is not None},
        None if events is None else dict(_pairs(events)), (record.text("scx_ops") or "").strip()[:128] or None)


def parse_samples(records: Sequence[Record]) -> list[Sample]:
    """The answer of the scheduler to a sample's question comes as a record of its own after it."""
    samples: list[Sample] = []
    for record in records:
        if record.kind in _KINDS:
            samples.append(parse_sample(record))
        elif record.kind == "scheduler" and samples:
            answer = record.text("scx_stats")
            samples[-1] = replace(samples[-1], own=None if answer is None else parse_answer(answer),
                                  own_problem=record.why_absent("scx_stats"))
    return samples


def _number(text: str, pattern: str) -> Optional[int]:
    found = re.search(pattern, text, re.MULTILINE)
    return _bounded(found.group(1)) if found else None


def _bounded(digits: str) -> int:
    return min(int(digits), 2 ** 64)


def _cpus(stat: str) -> dict[int, Cpu]:
    cpus: dict[int, Cpu] = {}
    for found in _STAT.finditer(stat):
        user, nice, system, idle, iowait, irq, softirq, steal = map(_bounded, found.group(2).split(" "))
        if len(cpus) < CPUS_MAX:
            cpus[int(found.group(1))] = Cpu(user + nice + system + irq + softirq, idle + iowait, steal)
    return cpus


def _sched(text: str) -> dict[int, Sched]:
    return {int(found.group(1)): Sched(*(_bounded(found.group(part)) for part in (2, 3, 4)))
            for found in itertools.islice(_SCHEDSTAT.finditer(text), CPUS_MAX)}


def growth_of_sched(before: Sample, after: Sample) -> Optional[Sched]:
    """Over all CPUs. None where one of them is not in both samples: its counters go with it when it is taken offline,
    and come back with it."""
    if not before.sched or before.sched.keys() != after.sched.keys():
        return None
    growths = [tuple(new - old for old, new in zip(before.sched[cpu], after.sched[cpu])) for cpu in after.sched]
    sums = Sched(*(sum(part) for part in zip(*growths)))
    return None if any(min(growth) < 0 for growth in growths) else sums


def _pressures(record: Record) -> dict[str, int]:
    return {f"{resource}_{found.group(1)}": _bounded(found.group(2)) for resource in ("cpu", "io", "memory")
            for found in _PSI.finditer(record.text(f"psi_{resource}") or "")}


def _pairs(events: str) -> list[tuple[str, int]]:
    return [(found.group(1), _bounded(found.group(2))) for found in _EVENT.finditer(events)][:EVENTS_MAX]


def events_of_dump(text: str) -> dict[str, int]:
    """The counters that stand at the end of a dump of sched_ext: what they were when the scheduler was ejected."""
    _, heading, counters = text.rpartition("Event counters")
    if not heading:
        return {}
    lines = re.findall(r"(SCX_EV_[A-Z0-9_]{1,50}): {1,40}([0-9]{1,20})$", counters[:65536], re.MULTILINE)
    return {name: _bounded(number) for name, number in lines[:EVENTS_MAX]}

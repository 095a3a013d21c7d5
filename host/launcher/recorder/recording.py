# SPDX-License-Identifier: GPL-2.0-only
"""The flight recorder's ring, as the guest sent it (--trace): which files there are, and the events in them by time.

In:  get/sys/kernel/tracing in the run directory, of any content; the newest seconds of it, if they were asked for.
Out: Ring, and its events. The guest may have sent anything: what is no event of a kernel is counted as damage. Each
     size is bounded before a byte is read.
"""
from __future__ import annotations

import heapq
import os
import re
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Iterator, NamedTuple, Optional

from ..lib.rundir import RunDirectory
from ..lib.text import read_at_most
from .event_format import SIZE_MAX, BadFormat, Format, parse_format, parse_page_size
from .kept import PER_CPU, PLACE
from .ring import HEADER_SIZE, BadPage, events_of_page, lost_events, start_ns

_CPUS_MAX, _FORMATS_MAX, _STATS_MAX = 1024, 512, 4096
_COMMON_SIZE = 8  # of each event: type, flags, preempt count, pid
_RUNNABLE_BITS = 0xFF  # of prev_state: 0 is a task that could go on
SWITCH, DUMP = "sched_switch", "sched_ext_dump"
WAKING = ("sched_waking", "sched_wakeup_new")  # of a task that has slept, of one that has never run: the same fields


class Task(NamedTuple):
    pid: int
    comm: bytes


class Event(NamedTuple):
    """One that the page and the file for perfetto know what to do with; OTHER names the rest."""
    ns: int
    cpu: int
    name: str
    pid: int  # of the task that was on the CPU
    task: Optional[Task] = None  # that left the CPU, or was woken
    next: Optional[Task] = None
    prio: int = 0  # of task
    next_prio: int = 0
    state: int = 0  # of a task that left its CPU; 0: it could go on
    text: bytes = b""


@dataclass
class Damage:
    """What was not read as it should: counted while the events are read."""
    pages: int = 0
    events: int = 0
    lost: int = 0  # events, by the pages' own count
    first: Optional[str] = None

    def add_page(self, why: str) -> None:
        self.pages += 1
        self.first = self.first or why

    def add_event(self, why: str) -> None:
        self.events += 1
        self.first = self.first or why


@dataclass(frozen=True)
class CpuPages:
    """The raw pages of one CPU, from the first that is wanted on."""
    cpu: int
    path: str
    start: int
    size: int
    overwritten: int  # events before these pages, by the kernel's count
    begin_ns: int = 0  # from here on all its events are there; 0: since the recording began

    def pages(self, page_size: int) -> Iterator[bytes]:
        with open(self.path, "rb") as file:
            file.seek(self.start)
            for _ in range(self.start, self.size, page_size):
                yield file.read(page_size)

    def heads(self, page_size: int) -> Iterator[tuple[int, bytes]]:
        """Where each page is in the file, and its header."""
        with open(self.path, "rb") as file:
            for at in range(self.start, self.size, page_size):
                file.seek(at)
                yield at, file.read(HEADER_SIZE)


@dataclass(frozen=True)
class Ring:
    cpus: tuple[CpuPages, ...]
    page_size: int
    formats: dict[int, Format]
    complaint: Optional[str] = None  # why it can't be read
    lacks_cpu: bool = False  # one has recorded events, by the kernel's count, and none are here

    @property
    def size(self) -> int:
        return sum(cpu.size - cpu.start for cpu in self.cpus)

    @property
    def overwritten(self) -> int:
        return sum(cpu.overwritten for cpu in self.cpus)

    def whole_from_ns(self) -> int:
        """Each CPU has a ring of its own, and a busy one overwrites its events sooner: from here on all have them."""
        return max((cpu.begin_ns for cpu in self.cpus), default=0)


def read_ring(directory: RunDirectory, bytes_most: int, last_secs: Optional[int]) -> Ring:
    """LAST_SECS: only the pages with the last seconds of the recording. A page is kept whole."""
    try:
        page_size = parse_page_size(read_small(f"{directory.file(PLACE)}/events/header_page", SIZE_MAX))
        cpus = _find_cpus(directory, page_size)
        size = sum(cpu.size for cpu in cpus)
        if size > bytes_most:
            raise BadFormat(f"{size} bytes of raw pages, more than the ring can have")
        formats = {known.id: known for known in _formats(f"{directory.file(PLACE)}/events")}
        ring = Ring(cpus, page_size, formats, lacks_cpu=_lacks_cpu(directory, cpus))
        ring = ring if last_secs is None else _newest(ring, last_secs * 10 ** 9)
        return replace(ring, cpus=tuple(replace(cpu, begin_ns=_begin_ns(cpu, page_size)) for cpu in ring.cpus))
    except (BadFormat, OSError) as error:
        why = (error.strerror or "") if isinstance(error, OSError) else str(error)
        return Ring((), 4096, {}, complaint=f"the recording can't be read: {why}")


def _find_cpus(directory: RunDirectory, page_size: int) -> tuple[CpuPages, ...]:
    names = os.listdir(directory.file(PER_CPU))
    numbers = sorted(int(name[3:]) for name in names if re.fullmatch(r"cpu(0|[1-9][0-9]{0,3})", name, re.ASCII))
    if not numbers or len(numbers) != len(names) or numbers[-1] >= _CPUS_MAX:
        raise BadFormat(f"per_cpu has no CPU, more than {_CPUS_MAX}, or another name")
    cpus = []
    for number in numbers:
        path = directory.file(f"{PER_CPU}/cpu{number}/trace_pipe_raw")
        size = os.stat(path).st_size if os.path.isfile(path) else 0
        if size >= page_size:
            cpus.append(CpuPages(number, path, 0, size // page_size * page_size,
                                 _counted("overrun", os.path.dirname(path))))
    return tuple(cpus)


def _lacks_cpu(directory: RunDirectory, cpus: tuple[CpuPages, ...]) -> bool:
    """A CPU that had nothing to record has no pages either, and lacks none."""
    there = {cpu.cpu for cpu in cpus}
    return any(_counted("entries", entry.path) or _counted("overrun", entry.path)
               for entry in os.scandir(directory.file(PER_CPU)) if int(entry.name[3:]) not in there)


def _formats(events: str) -> Iterator[Format]:
    """Of all systems but ftrace's own, which are no events of a ring. One that no kernel writes is left out, and its
    events count as damage."""
    paths = [path for path in format_files(events) if path.split("/")[-3] != "ftrace"]
    for path in paths:
        try:
            yield parse_format(read_small(path, SIZE_MAX))
        except BadFormat:
            continue


def format_files(events: str) -> list[str]:
    """EVENTS/SYSTEM/NAME/format, at most so many as a kernel's user asks for."""
    found: list[str] = []
    for system in sorted(_directories(events)):
        for event in sorted(_directories(f"{events}/{system}")):
            path = f"{events}/{system}/{event}/format"
            if os.path.isfile(path):
                found.append(path)
            if len(found) > _FORMATS_MAX:
                raise BadFormat(f"more than {_FORMATS_MAX} formats")
    return found


def _directories(path: str) -> list[str]:
    with os.scandir(path) as entries:
        return [entry.name for entry in entries
                if entry.is_dir(follow_symlinks=False) and re.fullmatch(r"[A-Za-z0-9_-]{1,100}", entry.name, re.ASCII)]


def read_small(path: str, most: int) -> bytes:
    with open(path, "rb") as file:
        data = read_at_most(file, most + 1)
    if len(data) > most:
        raise BadFormat(f"more than {most} bytes in {os.path.basename(path)}")
    return data


def _counted(what: str, directory: str) -> int:
    """The kernel counts what it has recorded, and what it has overwritten, which is what such a ring does."""
    try:
        found = re.search(rb"^%b: ([0-9]{1,15})$" % what.encode(), read_small(f"{directory}/stats", _STATS_MAX),
                          re.MULTILINE)
    except (BadFormat, OSError):
        found = None
    return int(found.group(1)) if found else 0


def _newest(ring: Ring, span_ns: int) -> Ring:
    """Without the pages that end before the span does."""
    end_ns = max((_last_ns(ring, cpu) for cpu in ring.cpus), default=0)
    return replace(ring, cpus=tuple(_from(cpu, ring.page_size, end_ns - span_ns) for cpu in ring.cpus))


def _begin_ns(cpu: CpuPages, page_size: int) -> int:
    """That of the last page before which events are missing: overwritten, left out or lost."""
    begin = 0
    for at, head in cpu.heads(page_size):
        is_cut_here = at == cpu.start and (cpu.start or cpu.overwritten)
        if is_cut_here or lost_events(head):
            begin = start_ns(head)
    return begin


def _last_ns(ring: Ring, cpu: CpuPages) -> int:
    last = 0
    with open(cpu.path, "rb") as file:
        file.seek(cpu.size - ring.page_size)
        try:
            for ns, _, _ in events_of_page(file.read(ring.page_size)):
                last = ns
        except BadPage:
            pass  # counted when the events are read
    return last


def _from(cpu: CpuPages, page_size: int, since_ns: int) -> CpuPages:
    """From the last page that begins before SINCE_NS on."""
    start = 0
    for at, head in cpu.heads(page_size):
        if start_ns(head) > since_ns:
            break
        start = at
    return replace(cpu, start=start)


def first_tasks(ring: Ring) -> dict[int, int]:
    """Of each CPU whose events are all there: the pid of the task that was on it since the recording began, up to its
    first event."""
    firsts = {cpu.cpu: next(_events_of_cpu(ring, cpu, Damage()), None) for cpu in ring.cpus if not cpu.begin_ns}
    return {cpu: event.pid for cpu, event in firsts.items() if event}


def read_events(ring: Ring, damage: Damage) -> Iterator[Event]:
    """Of all CPUs, by time."""
    return iter(heapq.merge(*(_events_of_cpu(ring, cpu, damage) for cpu in ring.cpus), key=itemgetter(0)))


def _events_of_cpu(ring: Ring, cpu: CpuPages, damage: Damage) -> Iterator[Event]:
    """In the order of their writing. A clock that goes back is damage: the merge of the CPUs relies on it."""
    last = 0
    for number, page in enumerate(cpu.pages(ring.page_size)):
        damage.lost += lost_events(page) if number else 0  # before the first page: what was overwritten
        try:
            for ns, start, end in events_of_page(page):
                if ns < last:
                    raise BadPage("a time before that of the event before")
                last = ns
                try:
                    yield _event(ring, ns, cpu.cpu, page, start, end)
                except BadFormat as error:
                    damage.add_event(str(error))
        except BadPage as error:
            damage.add_page(f"CPU {cpu.cpu}: {error}")


def _event(ring: Ring, ns: int, cpu: int, page: bytes, start: int, end: int) -> Event:
    if end - start < _COMMON_SIZE:
        raise BadFormat("an event without a type and a pid")
    known = ring.formats.get(int.from_bytes(page[start:start + 2], "little"))
    if not known:
        raise BadFormat("an event of a type that has no format")
    pid = int.from_bytes(page[start + 4:start + 8], "little")

    def number(name: str) -> int:
        return known.number(name, page, start, end) if known else 0

    def text(name: str) -> bytes:
        return known.text(name, page, start, end) if known else b""

    if known.name == SWITCH:
        return Event(ns, cpu, SWITCH, pid, Task(number("prev_pid"), text("prev_comm")),
                     Task(number("next_pid"), text("next_comm")), number("prev_prio"), number("next_prio"),
                     number("prev_state") & _RUNNABLE_BITS)
    if known.name in WAKING:
        return Event(ns, cpu, known.name, pid, Task(number("pid"), text("comm")), prio=number("prio"),
                     state=number("target_cpu"))
    return Event(ns, cpu, known.name, pid, text=text("line") if known.name == DUMP else b"")

# SPDX-License-Identifier: GPL-2.0-only
"""Who ran where and who waited, from the events of a recording: the newest spans of time, at most so many.

A recording may have a million events, and a page shows some thousand; what led to the end counts. In: events by time,
of any content, and from when on each CPU has all of its own. Out: Schedule. Tasks and spans are bounded. A task waits
from sched_waking, from sched_wakeup_new, or from a sched_switch that took the CPU away while it could go on, until a
sched_switch gives it one.

Which task is on a CPU is certain from when on that CPU has all its events. That a task waits is certain only from when
on all CPUs have theirs: one woken before that may have run since on a CPU whose events of that time are gone.
"""
from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Iterable, Mapping, NamedTuple, Optional

from .recording import DUMP, SWITCH, WAKING, Event, Task

TASKS_MAX = 65536  # that are followed; of more the first ones


class Span(NamedTuple):
    start: int  # ns
    end: int
    task: Task
    cpu: Optional[int] = None  # None: it waited


@dataclass(frozen=True)
class Known:
    """What there is of a recording whose CPUs begin at different times."""
    whole_from_ns: int  # on all CPUs
    begins: Mapping[int, int]  # the same of each CPU
    first_tasks: Mapping[int, int]  # pid of the task on a CPU up to its first event, if that is known


@dataclass
class Schedule:
    runs: deque[Span]
    waits: deque[Span]
    first_ns: int = 0
    last_ns: int = 0
    shown_ns: int = 0  # from here on all spans are there
    death_ns: Optional[int] = None  # of the newest dump of an error exit
    waiting: list[Span] = field(default_factory=list)  # at the end; the longest first
    doubtful: list[Span] = field(default_factory=list)  # the same, but the task may have run in the meantime

    @property
    def cpus(self) -> list[int]:
        return sorted({span.cpu for span in self.runs if span.cpu is not None})


def follow(events: Iterable[Event], spans_max: int, known: Known) -> Schedule:
    follower = _Follower(spans_max, known)
    for event in events:
        follower.take(event)
    return follower.end()


class _Follower:
    def __init__(self, spans_max: int, known: Known) -> None:
        self.schedule = Schedule(deque(), deque())
        self._spans_max = spans_max
        self._known = known
        self._cpus: set[int] = set()  # that have had an event
        self._on_cpu: dict[int, tuple[int, Task]] = {}  # of each CPU: since when, and who
        self._running = set(known.first_tasks.values()) - {0}
        self._waiting: dict[int, tuple[int, Task]] = {}  # of each task: since when
        self._doubtful: dict[int, tuple[int, Task]] = {}  # the same, from before all CPUs have their events

    def take(self, event: Event) -> None:
        schedule = self.schedule
        schedule.first_ns = schedule.first_ns or event.ns
        schedule.last_ns = event.ns
        self._see(event)
        if event.name == SWITCH and event.task and event.next:
            self._leave(event, event.task)
            self._come(event, event.next)
            self._forget()
        elif event.name in WAKING and event.task and event.task.pid not in self._running:
            self._wait(event.ns, event.task)
        elif event.name == DUMP:
            schedule.death_ns = event.ns

    def _see(self, event: Event) -> None:
        """Each event tells which task is on its CPU: at the first one nothing else has."""
        if event.cpu not in self._cpus:
            self._cpus.add(event.cpu)
            if event.pid:
                self._running.add(event.pid)

    def _leave(self, event: Event, task: Task) -> None:
        since = max(self.schedule.first_ns, self._known.begins.get(event.cpu, 0))  # it came before that
        started, known = self._on_cpu.pop(event.cpu, (since, task))
        self._running -= {known.pid, task.pid}
        if task.pid:
            self._end_wait(task)  # it had a CPU, whatever is known of how it came there
            self.schedule.runs.append(Span(started, event.ns, task, event.cpu))
            if not event.state:
                self._wait(event.ns, task)

    def _come(self, event: Event, task: Task) -> None:
        waited = self._end_wait(task)
        if waited:
            self.schedule.waits.append(Span(waited[0], event.ns, task))
        if task.pid:
            self._on_cpu[event.cpu] = event.ns, task
            self._running.add(task.pid)

    def _wait(self, ns: int, task: Task) -> None:
        if task.pid in self._waiting or len(self._waiting) + len(self._doubtful) >= TASKS_MAX:
            return
        if ns >= self._known.whole_from_ns:
            self._doubtful.pop(task.pid, None)
            self._waiting[task.pid] = ns, task
        else:
            self._doubtful.setdefault(task.pid, (ns, task))

    def _end_wait(self, task: Task) -> Optional[tuple[int, Task]]:
        """Since when it waited, and who; None: it did not, or that is in doubt."""
        self._doubtful.pop(task.pid, None)
        return self._waiting.pop(task.pid, None)

    def _forget(self) -> None:
        """The oldest spans. What began before the end of a forgotten one is not shown whole."""
        for spans in (self.schedule.runs, self.schedule.waits):
            while len(spans) > self._spans_max:
                self.schedule.shown_ns = max(self.schedule.shown_ns, spans.popleft().end)

    def end(self) -> Schedule:
        last = self.schedule.last_ns
        self.schedule.runs.extend(Span(start, last, task, cpu) for cpu, (start, task) in self._on_cpu.items())
        self.schedule.waiting = sorted(Span(start, last, task) for start, task in self._waiting.values())
        self.schedule.doubtful = sorted(Span(start, last, task) for start, task in self._doubtful.values())
        return self.schedule

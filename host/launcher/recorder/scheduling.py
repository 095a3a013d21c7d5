# SPDX-License-Identifier: GPL-2.0-only
"""Who ran where and who waited, from the events of a recording: the newest spans of time, at most so many.

A recording may have a million events, and a page shows some thousand; what led to the end counts. In: events by time,
of any content. Out: Schedule. Tasks and spans are bounded. A task waits from sched_waking, from sched_wakeup_new, or
from a sched_switch that took the CPU away while it could go on, until a sched_switch gives it one.
"""
from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Iterable, NamedTuple, Optional

from .recording import DUMP, SWITCH, WAKING, Event, Task

TASKS_MAX = 65536  # that are followed; of more the first ones


class Span(NamedTuple):
    start: int  # ns
    end: int
    task: Task
    cpu: Optional[int] = None  # None: it waited


@dataclass
class Schedule:
    runs: deque[Span]
    waits: deque[Span]
    first_ns: int = 0
    last_ns: int = 0
    shown_ns: int = 0  # from here on all spans are there
    death_ns: Optional[int] = None  # of the newest dump of an error exit
    waiting: list[Span] = field(default_factory=list)  # at the end; the longest first

    @property
    def cpus(self) -> list[int]:
        return sorted({span.cpu for span in self.runs if span.cpu is not None})


def follow(events: Iterable[Event], spans_max: int) -> Schedule:
    follower = _Follower(spans_max)
    for event in events:
        follower.take(event)
    return follower.end()


class _Follower:
    def __init__(self, spans_max: int) -> None:
        self.schedule = Schedule(deque(), deque())
        self._spans_max = spans_max
        self._on_cpu: dict[int, tuple[int, Task]] = {}  # of each CPU: since when, and who
        self._running: set[int] = set()
        self._waiting: dict[int, tuple[int, Task]] = {}  # of each task: since when

    def take(self, event: Event) -> None:
        schedule = self.schedule
        schedule.first_ns = schedule.first_ns or event.ns
        schedule.last_ns = event.ns
        if event.name == SWITCH and event.task and event.next:
            self._leave(event, event.task)
            self._come(event, event.next)
            self._forget()
        elif event.name in WAKING and event.task and event.task.pid not in self._running:
            self._wait(event.ns, event.task)
        elif event.name == DUMP:
            schedule.death_ns = event.ns

    def _leave(self, event: Event, task: Task) -> None:
        started, known = self._on_cpu.pop(event.cpu, (self.schedule.first_ns, task))  # the recording began later
        self._running -= {known.pid, task.pid}
        if task.pid:
            self.schedule.runs.append(Span(started, event.ns, task, event.cpu))
            if not event.state:
                self._wait(event.ns, task)

    def _come(self, event: Event, task: Task) -> None:
        waited = self._waiting.pop(task.pid, None)
        if waited:
            self.schedule.waits.append(Span(waited[0], event.ns, task))
        if task.pid:
            self._on_cpu[event.cpu] = event.ns, task
            self._running.add(task.pid)

    def _wait(self, ns: int, task: Task) -> None:
        if task.pid not in self._waiting and len(self._waiting) < TASKS_MAX:
            self._waiting[task.pid] = ns, task

    def _forget(self) -> None:
        """The oldest spans. What began before the end of a forgotten one is not shown whole."""
        for spans in (self.schedule.runs, self.schedule.waits):
            while len(spans) > self._spans_max:
                self.schedule.shown_ns = max(self.schedule.shown_ns, spans.popleft().end)

    def end(self) -> Schedule:
        last = self.schedule.last_ns
        self.schedule.runs.extend(Span(start, last, task, cpu) for cpu, (start, task) in self._on_cpu.items())
        self.schedule.waiting = sorted(Span(start, last, task) for start, task in self._waiting.values())
        return self.schedule

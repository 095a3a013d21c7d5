# SPDX-License-Identifier: GPL-2.0-only
"""Who ran where and who waited, from the events of a recording: the newest spans of time, at most so many.

A recording may have a million events, and a page shows some thousand; what led to the end counts. In: events by time,
of any content. Out: Schedule. Tasks and spans are bounded. A task waits from sched_waking, or from a sched_switch that
took the CPU away while it could go on, until a sched_switch gives it one.
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
    schedule = Schedule(deque(), deque())
    running: dict[int, tuple[int, Task]] = {}
    waiting: dict[int, tuple[int, Task]] = {}
    for event in events:
        schedule.first_ns = schedule.first_ns or event.ns
        schedule.last_ns = event.ns
        if event.name == SWITCH and event.task and event.next:
            _on_switch(schedule, running, waiting, event, event.task, event.next)
        elif event.name == WAKING and event.task:
            if event.task.pid not in waiting and not _runs(running, event.task) and len(waiting) < TASKS_MAX:
                waiting[event.task.pid] = event.ns, event.task
        elif event.name == DUMP:
            schedule.death_ns = event.ns
        _forget(schedule, spans_max)
    for cpu, (start, task) in running.items():
        schedule.runs.append(Span(start, schedule.last_ns, task, cpu))
    schedule.waiting = sorted(Span(start, schedule.last_ns, task) for start, task in waiting.values())
    return schedule


def _runs(running: dict[int, tuple[int, Task]], task: Task) -> bool:
    return any(other.pid == task.pid for _, other in running.values())


def _on_switch(schedule: Schedule, running: dict[int, tuple[int, Task]], waiting: dict[int, tuple[int, Task]],
               event: Event, left: Task, came: Task) -> None:
    started, _ = running.pop(event.cpu, (schedule.first_ns, left))  # it ran before the recording began
    if left.pid:
        schedule.runs.append(Span(started, event.ns, left, event.cpu))
        if not event.state and len(waiting) < TASKS_MAX:
            waiting[left.pid] = event.ns, left
    waited = waiting.pop(came.pid, None)
    if waited:
        schedule.waits.append(Span(waited[0], event.ns, came))
    if came.pid:
        running[event.cpu] = event.ns, came


def _forget(schedule: Schedule, spans_max: int) -> None:
    """The oldest spans. What began before the end of a forgotten one is not shown whole."""
    for spans in (schedule.runs, schedule.waits):
        while len(spans) > spans_max:
            schedule.shown_ns = max(schedule.shown_ns, spans.popleft().end)

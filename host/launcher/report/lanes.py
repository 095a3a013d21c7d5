# SPDX-License-Identifier: GPL-2.0-only
"""The flight recorder's picture on the page: a lane for each CPU with the tasks on it, one for each task that waited at
the end, and the death.

In:  the facts, and the recording that they name. Out: SVG and HTML; a sentence where nothing is kept. The zoom is a
choice of widths in the style sheet: the page runs no script.
"""
from __future__ import annotations

import re
from typing import Iterator, Optional

from ..judge.facts import Facts
from ..lib.text import decoded, xml
from ..recorder.files import ring_of
from ..recorder.kept import Recording
from ..recorder.recording import Damage, Ring, Task, first_tasks, read_events
from ..recorder.scheduling import Known, Schedule, Span, follow
from .words import describe_recording

SPANS_MAX = 3000  # of tasks on CPUs, and as many of waiting
_CPUS_MAX, _WAITING_MAX = 64, 16
_ROW, _BAR, _AXIS = 22, 16, 26  # pixels
_NAMED_SHARE = 0.03  # of the width: a shorter span has its name in its title only
_TICKS, _FINE_TICKS, _COLOURS = 8, 16, 6  # fine ones, for the higher zooms, to each of the others
_ZOOMS = (1, 4, 16, 64, 256)
_STALL = re.compile(r"runnable task stall \(.{0,64}\[([0-9]{1,10})\] failed to run for ([0-9]{1,9})\.([0-9]{3})s",
                    re.DOTALL | re.ASCII)


def lanes(facts: Facts) -> str:
    recording = facts.recording
    if not recording:
        return ""
    notes = "".join(f"<p>{xml(text)}</p>\n" for text in describe_recording(recording))
    if not recording.kept or not recording.events:
        return notes
    whole_from = recording.whole_from_ns or 0
    ring = ring_of(facts)
    schedule = follow(read_events(ring, Damage()), SPANS_MAX, _known(ring, whole_from))
    if not schedule.runs:
        return notes + '<p class="note">No event says which task ran: a picture needs sched:sched_switch.</p>\n'
    if whole_from >= schedule.last_ns:
        return notes + (f'<p class="note">No picture: there is no time of which all CPUs have their events. '
                        f'{recording.systrace} has what there is.</p>\n')
    _add_stalled(facts, schedule, whole_from)
    return notes + _picture(facts, recording, schedule)


def _known(ring: Ring, whole_from_ns: int) -> Known:
    return Known(whole_from_ns, {cpu.cpu: cpu.begin_ns for cpu in ring.cpus}, first_tasks(ring))


def _add_stalled(facts: Facts, schedule: Schedule, whole_from_ns: int) -> None:
    """Whether a task waits that was woken before all CPUs have their events is in doubt, but for the one of which the
    kernel itself says for how long it has waited."""
    stalled = _stalled(facts)
    if stalled and schedule.death_ns is not None:
        since = max(whole_from_ns, schedule.death_ns - stalled[1])
        schedule.waiting += [span._replace(start=max(span.start, since)) for span in schedule.doubtful
                             if span.task.pid == stalled[0]]


def _stalled(facts: Facts) -> Optional[tuple[int, int]]:
    """The task that did not get a CPU, by the kernel's word, and for how many nanoseconds."""
    dump = facts.stream.death_dump
    found = _STALL.search(dump.reason) if dump else None
    return (int(found.group(1)), int(found.group(2) + found.group(3)) * 10 ** 6) if found else None


def _picture(facts: Facts, recording: Recording, schedule: Schedule) -> str:
    start = max(schedule.shown_ns, schedule.first_ns, recording.whole_from_ns or 0)
    view = _View(start, max(schedule.last_ns, start + 1))
    cpus = schedule.cpus[:_CPUS_MAX]
    tasks = _waiting_tasks(facts, schedule)
    rows = [(f"CPU {cpu}", "".join(view.bar(span, "run") for span in schedule.runs if span.cpu == cpu)) for cpu in cpus]
    rows += [(label, _task_bars(view, schedule, task)) for label, task in tasks]
    left_out = len(schedule.cpus) - len(cpus)
    notes = [f"{left_out} more CPUs are left out." if left_out else "",
             f"Drawn: the last {view.secs:.3f} s, of which all CPUs have their events, with at most {SPANS_MAX} spans "
             f"of running and of waiting, and none of waiting from before; {recording.systrace} has all."
             if start > schedule.first_ns else ""]
    shown = "".join(f'<p class="note">{note}</p>\n' for note in notes if note)
    return _zooms() + _grid(rows, view, schedule.death_ns) + "</div>\n" + shown


def _waiting_tasks(facts: Facts, schedule: Schedule) -> list[tuple[str, Task]]:
    """Label and task: the one that the kernel says has stalled, then those that wait at the end, the longest first."""
    stalled = (_stalled(facts) or (-1, 0))[0]
    ordered = sorted(schedule.waiting, key=lambda span: (span.task.pid != stalled, span.start))
    return [(f"{'stalled' if span.task.pid == stalled else 'waits'}: {name_of(span.task)}", span.task)
            for span in ordered[:_WAITING_MAX]]


def _task_bars(view: "_View", schedule: Schedule, task: Task) -> str:
    def own(spans: Iterator[Span], style: str) -> str:
        return "".join(view.bar(span, style) for span in spans if span.task.pid == task.pid)

    return (own(iter(schedule.waits), "wait") + own(iter(schedule.waiting), "wait open")
            + own(iter(schedule.runs), "run"))


def name_of(task: Task) -> str:
    return f"{decoded(task.comm)}[{task.pid}]"


class _View:
    """Times as places on the width of the picture."""

    def __init__(self, start: int, end: int) -> None:
        self.start, self.end = start, end

    @property
    def secs(self) -> float:
        return (self.end - self.start) / 10 ** 9

    def place(self, ns: int) -> float:
        return 100 * (ns - self.start) / (self.end - self.start)

    def bar(self, span: Span, style: str) -> str:
        if span.end < self.start:
            return ""
        left, right = max(0.0, self.place(span.start)), self.place(span.end)
        what = f"on CPU {span.cpu}" if span.cpu is not None else "waits for a CPU"
        name, size = xml(name_of(span.task)), (span.end - span.start) / 10 ** 6
        colour = f" t{span.task.pid % _COLOURS}" if style == "run" else ""
        title = f"<title>{name} {what}, {size:.3f} ms from {span.start / 10 ** 9:.6f} s</title>"
        text = f'<text x="3" y="12">{name}</text>' if right - left >= 100 * _NAMED_SHARE else ""
        return (f'<svg x="{left:.4f}%" width="{right - left:.4f}%" height="{_BAR}"><rect class="{style}{colour}" '
                f'width="100%" height="{_BAR}">{title}</rect>{text}</svg>\n')


def _zooms() -> str:
    """The grid must follow the choices in the same element: the style sheet looks from one to the other."""
    choices = "".join(f'<input type="radio" name="zoom" id="zoom{zoom}"{" checked" if zoom == 1 else ""}>'
                      f'<label for="zoom{zoom}">{zoom}&#215;</label>\n' for zoom in _ZOOMS)
    return f'<div class="lanes">\n{choices}'


def _grid(rows: list[tuple[str, str]], view: _View, death_ns: Optional[int]) -> str:
    height = len(rows) * _ROW + _AXIS
    labels = "".join(f'<text class="label" x="0" y="{at * _ROW + 14}">{xml(label)}</text>\n'
                     for at, (label, _) in enumerate(rows))
    bars = "".join(f'<svg y="{at * _ROW}" height="{_BAR}" width="100%">{bars}</svg>\n'
                   for at, (_, bars) in enumerate(rows))
    return (f'<div class="lane-grid">\n<svg class="labels" width="100%" height="{height}">\n{labels}</svg>\n'
            '<div class="window" tabindex="0" role="region" aria-label="tasks and CPUs">'
            f'<svg class="plot" height="{height}" role="img">\n'
            f"<title>{len(rows)} lanes, {view.secs:.3f} s</title>\n{_axis(view, len(rows) * _ROW)}{bars}"
            f"{_death(view, death_ns, len(rows) * _ROW)}</svg></div>\n</div>\n")


def _axis(view: _View, bottom: int) -> str:
    lines = []
    ticks = _TICKS * _FINE_TICKS
    for tick in range(ticks + 1):
        place = 100 * tick / ticks
        anchor = "start" if tick == 0 else "end" if tick == ticks else "middle"
        secs = (view.start + (view.end - view.start) * tick // ticks) / 10 ** 9
        style = "fine" if tick % _FINE_TICKS else "coarse"
        line = f'<line class="grid" x1="{place}%" x2="{place}%" y1="0" y2="{bottom}"/>'
        text = f'<text class="tick" x="{place}%" y="{bottom + 16}" text-anchor="{anchor}">{secs:.3f} s</text>'
        lines.append(f'<g class="{style}">{line}{text}</g>\n')
    return "".join(lines)


def _death(view: _View, death_ns: Optional[int], bottom: int) -> str:
    if death_ns is None or death_ns < view.start:
        return ""
    place = view.place(death_ns)
    return (f'<line class="death" x1="{place:.4f}%" x2="{place:.4f}%" y1="0" y2="{bottom}">'
            f"<title>the kernel ejects the scheduler at {death_ns / 10 ** 9:.6f} s</title></line>\n")

# SPDX-License-Identifier: GPL-2.0-only
"""What happened when in the guest, as a picture and as a table.

The order of attach, payload, dump, death and exit is the first question after a bad run. In: the marks of stream.json
(docs/internals/wire.md), console.log (the kernel's own stamps: when /init was started, reports, the last line). Out:
SVG and HTML; nothing where no time is known.

All times are the guest's since its boot, so a replay draws the same. The stamps of the kernel's log come from another
clock of the same kernel, which may run some hundredths of a second apart.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import AnyStr, Iterator, Optional

from ..judge.facts import Facts
from ..judge.reasons import FAILED_STEP
from ..lib.rundir import CONSOLE
from ..lib.text import blocks_of_lines, xml

_POINTS_MAX, _ROWS_OF_TABLE = 16, 200
_ROW, _AXIS = 34, 30  # pixels
_INIT = re.compile(rb"\[ *([0-9]*)\.([0-9]{3})[0-9]*\] Run /init as init")
_STAMP_BYTES = re.compile(rb"^\[ *([0-9]*)\.([0-9]{3})[0-9]*\] ", re.MULTILINE)
_STAMP = re.compile(r"\[ *([0-9]*)\.([0-9]{3})[0-9]*\] ")
_WORDS = {
    "sys-ready": "guest is ready", "init-started": "/init has started", "scheduler-started": "scheduler is started",
    "attached": "scheduler is attached", "detached": "scheduler is unregistered", "ejected": "ejected by the kernel",
    "background": "scheduler goes on in the background", "scheduler-kill": "scheduler did not react to SIGTERM",
    "exited": "scheduler has exited", "killed": "scheduler was killed", "stopped": "scheduler has stopped, as asked",
    "scheduler-died": "death noticed by /init", "scheduler-not-attached": "scheduler did not attach",
    "init-error": "/init could not do its part", "payload-starting": "payload is prepared",
    "scenario-start": "payload is started", "scenario-end": "payload has ended",
    "exec-exit": "status of the payload is sent", "exit": "exit frame", "init": "kernel starts /init",
}
_BAD = {"detached", "ejected", "exited", "killed", "scheduler-not-attached", "init-error"}
_GONE = {"ejected", "detached", "exited", "killed", "stopped"}
# What the spans show already.
_IN_SPANS = re.compile(r"(sys-ready|init-started|scheduler-started|attached|stopped|payload-starting|scenario-.*"
                       r"|exec-exit|dump-.*|sub-attached-.*|scheduler-died|exit|init|recorder:.*)$", re.DOTALL)


@dataclass(frozen=True)
class Event:
    ms: int
    what: str


@dataclass(frozen=True)
class Row:
    name: str
    style: str
    start: int
    end: Optional[int]  # None: what never ended is drawn to the end
    is_point: bool = False


def timeline(facts: Facts) -> str:
    events, end_ms = _events(facts)
    if not events and not end_ms:
        return ""
    first = {event.what: event.ms for event in reversed(sorted(events, key=lambda event: event.ms))}
    points = list(_points(events, first))
    rows = [*_spans(events, first), *_sub_spans(facts, events), *points[:_POINTS_MAX]]
    if "exit" in first:
        rows.append(Row("exit frame", "over", first["exit"], first["exit"], True))
    rows.sort(key=lambda row: row.start)
    left_out = len(points) - _POINTS_MAX
    note = f'<p class="note">{left_out} more events are in the table only.</p>\n' if left_out > 0 else ""
    dropped = facts.stream.marks_sent - len(facts.stream.marks)
    note += f'<p class="note">{dropped} more marks were sent and are not kept.</p>\n' if dropped > 0 else ""
    return _draw(rows, end_ms) + note + _table(sorted(events, key=lambda event: event.ms))


def _events(facts: Facts) -> tuple[list[Event], int]:
    """And the time of the last thing that is known."""
    events = [Event(mark.ms, mark.what) for mark in facts.stream.marks]
    for report in facts.console.reports:
        stamp = _STAMP.match(report.line)
        if stamp:
            events.append(Event(_ms(stamp), "kernel:" + report.kind))
    events += [Event(checked.at_ms, f"gate-failed-{checked.gate.text}") for checked in facts.gates
               if checked.at_ms is not None]
    init, last = _console_times(facts.directory.file(CONSOLE))
    if init is not None:
        events.append(Event(init, "init"))
    return events, max([last, *(event.ms for event in events)])


def _console_times(path: str) -> tuple[Optional[int], int]:
    """When /init was started, and the last stamp. A guest may print 10^8 lines: only blocks are looked at, each
    once."""
    init: Optional[int] = None
    stamped = b""
    for block in blocks_of_lines(path):
        block = block.replace(b"\r", b"")
        found = _INIT.search(block) if init is None and b"Run /init as init" in block else None
        init = _ms(found) if found else init
        stamped = block if _STAMP_BYTES.search(block) else stamped
    last = 0
    for stamp in _STAMP_BYTES.finditer(stamped):
        last = _ms(stamp)
    return init, last


def _ms(stamp: re.Match[AnyStr]) -> int:
    return int(stamp.group(1)[-12:] or b"0") * 1000 + int(stamp.group(2))


def _spans(events: list[Event], first: dict[str, int]) -> Iterator[Row]:
    def at(*names: str) -> Optional[int]:
        return next((first[name] for name in names if name in first), None)

    attached = list(_attached(events))
    gone = attached[-1][1] if attached else min((event.ms for event in events if event.what in _GONE), default=None)
    payload_over = at("scenario-end", "exec-exit")
    booted = at("init", "sys-ready")
    init_over = at("scheduler-started", "payload-starting", "exit")
    over = payload_over if payload_over is not None else gone
    for name, style, start, end in (
            ("kernel boots", "boot", 0, booted),
            ("/init sets up", "init", booted, init_over),
            ("scheduler loads", "load", at("scheduler-started"), at("attached")),
            ("payload runs", "payload", at("scenario-start"), payload_over),
            ("teardown", "init", over, at("exit"))):
        if start is not None:
            yield Row(name, style, start, end if end is not None and end >= start else None)
    for number, (begun, ended) in enumerate(attached):
        yield Row("scheduler is attached again" if number else "scheduler is attached", "sched", begun, ended)
    for event in events:
        found = re.match(r"dump-start-(.*)$", event.what, re.DOTALL)
        if found:
            begun, ended = first[event.what], at(f"dump-end-{found.group(1)}")
            yield Row(f"dump {found.group(1)}", "dump", begun, ended if ended is not None and ended >= begun else None)


def _attached(events: list[Event]) -> Iterator[tuple[int, Optional[int]]]:
    """Each time from an attach to what ended it; None: nothing did."""
    start: Optional[int] = None
    for event in sorted(events, key=lambda event: event.ms):
        if event.what == "attached" and start is None:
            start = event.ms
        elif event.what in _GONE and start is not None:
            yield start, event.ms
            start = None
    if start is not None:
        yield start, None


def _sub_spans(facts: Facts, events: list[Event]) -> Iterator[Row]:
    """Of sub-schedulers, whose marks are sub-attached-ID and so on."""
    names = {sub.id: f"sub-scheduler {sub.name or ''} {sub.cgroup or ''}" for sub in facts.stream.sub_schedulers}
    started: dict[str, int] = {}
    for event in sorted(events, key=lambda event: event.ms):
        found = re.fullmatch(r"sub-(attached|detached|ejected)-([0-9]{1,20})", event.what, re.ASCII)
        if not found:
            continue
        if found.group(1) == "attached":
            started[found.group(2)] = event.ms
        elif found.group(2) in started:
            yield Row(_sub_name(names, found.group(2)), "sched", started.pop(found.group(2)), event.ms)
    yield from (Row(_sub_name(names, number), "sched", start, None) for number, start in started.items())


def _sub_name(names: dict[int, str], number: str) -> str:
    return names.get(int(number), f"sub-scheduler of cgroup {number}")


def _restarted(events: list[Event]) -> set[int]:
    """When the scheduler was detached and then attached again."""
    return {end for _, end in list(_attached(events))[:-1] if end is not None}


def _points(events: list[Event], first: dict[str, int]) -> Iterator[Row]:
    restarts = _restarted(events)
    for event in sorted(events, key=lambda event: event.ms):
        style = ""
        if event.what == "detached" and event.ms in restarts:
            yield Row("scheduler restarts", "own", event.ms, event.ms, True)
            continue
        is_bad = event.what.startswith(("kernel:", "gate-failed-")) or event.what in _BAD
        if is_bad or FAILED_STEP.fullmatch(event.what):
            style = "bad"
        elif event.what.startswith("wake:"):
            style = "wake"
        elif not _IN_SPANS.match(event.what):
            style = "own"
        if style:
            yield Row(_meaning(event.what), style, event.ms, event.ms, True)


def _meaning(what: str) -> str:
    if what.startswith("wake:"):
        return "wake bytes " + what[5:]
    if what.startswith("gate-failed-"):
        return f"gate failed: {what[len('gate-failed-'):]}"
    return "kernel: " + what[7:] if what.startswith("kernel:") else _WORDS.get(what, what)


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.2f} s"


def _place(ms: float, end_ms: int) -> str:
    return f"{100 * ms / end_ms if end_ms else 0:.2f}%"


def _draw(rows: list[Row], end_ms: int) -> str:
    height, bottom = len(rows) * _ROW + _AXIS, len(rows) * _ROW + 8
    labels = "".join(_label(row, at * _ROW + 24) for at, row in enumerate(rows))
    bars = "".join(f'<g class="bar">{_bar(row, at * _ROW + 20, end_ms)}</g>\n' for at, row in enumerate(rows))
    points = sum(row.is_point for row in rows)
    return (f'<div class="timeline">\n<svg class="labels" width="100%" height="{height}">\n{labels}</svg>\n'
            f'<svg class="plot" width="100%" height="{height}" role="img" aria-labelledby="tl-t tl-d">\n'
            '<title id="tl-t">Timeline of the run</title>\n'
            f'<desc id="tl-d">{len(rows) - points} phases and {points} events in {_seconds(end_ms)} of the guest&#39;s '
            f"time; the table below has them all.</desc>\n{_axis(height, bottom, end_ms)}{bars}</svg>\n</div>\n")


def _label(row: Row, y: int) -> str:
    if row.is_point:
        time = f"at {_seconds(row.start)}"
    else:
        time = f"from {_seconds(row.start)}, no end" if row.end is None else _seconds(row.end - row.start)
    return f'<text class="label" x="0" y="{y}">{xml(row.name)} <tspan class="time">{time}</tspan></text>\n'


def _bar(row: Row, y: int, end_ms: int) -> str:
    if row.is_point or (row.end is not None and row.end - row.start < end_ms / 250):
        style = row.style + (" point" if row.is_point else "")
        return f'<circle class="{style}" cx="{_place(row.start, end_ms)}" cy="{y}" r="5"/>'
    end = end_ms if row.end is None else row.end
    style = row.style + (" open" if row.end is None else "")
    return (f'<rect class="{style}" x="{_place(row.start, end_ms)}" y="{y - 5}" '
            f'width="{_place(end - row.start, end_ms)}" height="10" rx="2"/>')


def _axis(height: int, bottom: int, end_ms: int) -> str:
    """At most seven ticks, at 1, 2 or 5 times a power of ten."""
    step = next(digit * 10 ** power for power in range(20) for digit in (1, 2, 5) if end_ms <= 6 * digit * 10 ** power)
    lines = []
    for ms in range(0, end_ms + 1, step):
        anchor = "start" if ms == 0 else "end" if ms > end_ms * 0.95 else "middle"
        place = _place(ms, end_ms)
        lines.append(f'<line class="grid" x1="{place}" x2="{place}" y1="0" y2="{bottom}"/>'
                     f'<text class="tick" x="{place}" y="{height - 5}" text-anchor="{anchor}">{ms / 1000:g} s</text>\n')
    return "".join(lines)


def _table(events: list[Event]) -> str:
    rows = []
    for at, event in enumerate(events[:_ROWS_OF_TABLE]):
        since = f"+{(event.ms - events[at - 1].ms) / 1000:.3f} s" if at else ""
        rows.append(f"<tr><td>{event.ms / 1000:.3f} s</td><td>{since}</td><td>{xml(_meaning(event.what))}</td></tr>\n")
    left_out = len(events) - _ROWS_OF_TABLE
    note = (f'<p class="note">{left_out} more are left out; result.json has the first 1000.</p>\n'
            if left_out > 0 else "")
    return (f'<details><summary>All {len(events)} times</summary>\n<table class="times"><thead><tr><th>Since boot</th>'
            f"<th>Since the one before</th><th>What</th></tr></thead><tbody>\n{''.join(rows)}</tbody></table>\n{note}"
            "</details>\n")

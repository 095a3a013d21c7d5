# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel reported: panics, warnings, lockups and their like have no frame of their own.

In:  console.log and kmsg, which a guest may fill with anything. Out: Console. It gives reasons and a list; the one
     verdict that it makes (kernel-warned) is asked for by --fail-on-warn.
"""
from __future__ import annotations

import heapq
import re
from dataclasses import dataclass, replace
from typing import Iterable, Iterator, Optional

from ..lib.rundir import CONSOLE, KMSG, RunDirectory
from ..lib.text import blocks_of_lines, printable_bytes
from .genuine import genuine_reports
from .headlines import NOT_WARNINGS, STUCK, causes_of
from .kernel_log import (LOOKED_AT, Coverage, Found, find_in_console, find_in_log, has_too_many, is_stamped,
                         read_coverage)

REPORTS_KEPT = 50
_STORY_GAP = 100  # lines: reports that are closer are one story, an Oops and the panic that it ends in
_MACHINE_BYTES = 262144  # of the begin: there the kernel describes the machine
_BLOCK_GAP = 20  # lines from one headline of a report to the next: BUG, Oops
_STORY_REPORTS = 32  # of a story are kept


@dataclass(frozen=True)
class Report:
    kind: str
    line: str  # from its time stamp on


@dataclass(frozen=True)
class Console:
    reports: tuple[Report, ...] = ()  # the first REPORTS_KEPT
    count: int = 0
    warned: int = 0  # how many count for --fail-on-warn
    panic: Optional[str] = None
    panic_at: int = 0  # the number of the line of console.log where the panic's story begins
    cause: Optional[str] = None  # of the panic: the report that it ended
    warn: Optional[str] = None  # the first that counts
    warn_at: int = 0
    warn_file: str = CONSOLE
    stuck: Optional[str] = None  # the worst report of something that holds up the guest
    stuck_us: Optional[int] = None  # its time
    worst: Optional[str] = None  # the first bug or oops
    ejected: tuple[str, ...] = ()  # schedulers of the payload's that the kernel has ejected, in its words
    oom_init: Optional[str] = None  # the OOM killer took PID 1
    log_problem: Optional[str] = None  # why a report may be missing
    is_cut: bool = False  # too many lines: the count is that of the first of them


def console_lines(path: str) -> Iterator[str]:
    for block in blocks_of_lines(path):
        yield from printable_bytes(block.replace(b"\r", b"")).split("\n")


def read_console(directory: RunDirectory, log_has_end: bool = False, owner: Optional[str] = None) -> Console:
    """OWNER: the scheduler under test, whose end the frames tell. Raises OSError when console.log cannot be read: no
    count is not "none"."""
    console, log = directory.file(CONSOLE), directory.file(KMSG)
    coverage = read_coverage(log, log_has_end)
    if coverage.problem and not is_stamped(console):
        coverage = replace(coverage, last_us=-1)  # what the log lacks cannot be told from what it has
    too_many = _too_many(directory)
    from_log = list(find_in_log(log, owner)) if coverage.is_there else []
    from_console = list(find_in_console(console, owner))
    lacking = _lacking(console, log, coverage, from_console)
    panics = {found.us for found in (*from_log, *lacking) if found.kind == "panic"}
    return replace(_count(_merged(from_log, lacking)), **_tell_panic(from_console, panics),
                   log_problem=read_coverage(log, log_has_end).problem or too_many, is_cut=too_many is not None)


def _too_many(directory: RunDirectory) -> Optional[str]:
    name = next((name for name in (CONSOLE, KMSG) if has_too_many(directory.file(name))), None)
    return f"{name} has more lines that may be reports than the {LOOKED_AT} that are looked at" if name else None


def _lacking(console: str, log: str, coverage: Coverage, from_console: Iterable[Found]) -> list[Found]:
    """The reports on the console that the log lacks. In a gap of the log, the console alone is the evidence."""
    lacking = [found for found in from_console if not (coverage.is_there and coverage.covers(found.us))]
    in_gaps = [found for found in lacking if coverage.is_gap(found.us)]
    others = [found for found in lacking if not coverage.is_gap(found.us)] if in_gaps else lacking
    return sorted([*in_gaps, *genuine_reports(console, log, others)], key=lambda found: found.at)


def _merged(from_log: Iterable[Found], lacking: Iterable[Found]) -> Iterable[tuple[str, Found]]:
    """Each report once, by its time, with the file that has it."""
    return heapq.merge(((KMSG, found) for found in from_log), ((CONSOLE, found) for found in lacking),
                       key=lambda item: item[1].us or 0)


def _count(merged: Iterable[tuple[str, Found]]) -> Console:
    reports: list[Report] = []
    ejected: list[str] = []
    count = warned = warn_at = 0
    warn_file = CONSOLE
    warn: Optional[str] = None
    worst: Optional[str] = None
    oom_init: Optional[str] = None
    stuck: Optional[Found] = None
    for file, found in merged:
        count += 1
        if len(reports) < REPORTS_KEPT:
            reports.append(Report(found.kind, found.line))
        if found.kind == "sched-ejected" and len(ejected) < REPORTS_KEPT:
            ejected.append(found.text)
        if found.kind == "oom-kill" and "Killed process 1 " in found.text:
            oom_init = oom_init or found.line
        if found.kind in ("bug", "oops"):
            worst = worst or with_cause(found)
        if found.kind in STUCK and (stuck is None or STUCK.index(found.kind) < STUCK.index(stuck.kind)):
            stuck = found
        if found.kind not in NOT_WARNINGS:
            warned += 1
            if warn is None:
                warn, warn_at, warn_file = with_cause(found), found.at, file
    return Console(tuple(reports), count, warned, warn=warn, warn_at=warn_at, warn_file=warn_file, worst=worst,
                   stuck=with_cause(stuck) if stuck else None, stuck_us=stuck.us if stuck else None,
                   ejected=tuple(ejected), oom_init=oom_init)


def with_cause(found: Found) -> str:
    return found.line + (f": {found.because}" if found.because else "")


def _tell_panic(reports: Iterable[Found], panics: set[Optional[int]]) -> dict[str, object]:
    """The first panic of one of these times (PANICS), where its story begins, and what it ended. Of the console alone:
    a kernel that panics sends nothing more."""
    story: list[Found] = []
    for found in reports:
        if story and found.at - story[-1].at > _STORY_GAP:
            story = []
        if found.kind == "panic" and found.us in panics:
            cause = _cause(found, story)
            return {"panic": found.line, "panic_at": (story or [found])[0].at, "cause": with_cause(cause) if cause
                    else None}
        story = [*story[-_STORY_REPORTS:], found]
    return {}


def _cause(panic: Found, story: list[Found]) -> Optional[Found]:
    """The first headline of the last report of a kind that ends in such a panic."""
    kinds = causes_of(panic.text)
    cause: Optional[Found] = None
    for found in reversed(story):
        if found.kind in kinds and (cause is None or cause.at - found.at < _BLOCK_GAP):
            cause = found
        elif cause is not None:
            break
    return cause


def kernel_release(directory: RunDirectory) -> Optional[str]:
    """As the kernel itself says it, at the begin of its log: also a replay has that. Raises OSError."""
    linux = kernel_line(directory, "Linux version ")
    return linux.split(" ", 1)[0] if linux else None


def kernel_line(directory: RunDirectory, beginning: str) -> Optional[str]:
    """The rest of the kernel's first line that begins so. With the word quiet the console does not have it, but the log
    that the guest has sent does."""
    for name, stamp in ((CONSOLE, r"\[ *[0-9.]*\] "), (KMSG, r"[0-9]+,[0-9]+,[0-9]+,[^;\n]*;")):
        if directory.size(name):
            with open(directory.file(name), "rb") as file:
                text = printable_bytes(file.read(_MACHINE_BYTES).replace(b"\r", b""))
            found = re.search(rf"^{stamp}{re.escape(beginning)}(.*)$", text, re.MULTILINE)
            if found:
                return found.group(1)
    return None


def last_line(path: str) -> str:
    """The last line that is not empty, short."""
    lines = [line for line in console_tail(path, 4096) if line]
    return lines[-1][:160] if lines else ""


def console_tail(path: str, size: int) -> list[str]:
    with open(path, "rb") as file:
        end = file.seek(0, 2)
        file.seek(max(0, end - size))
        data = file.read(size).replace(b"\r", b"")
    return printable_bytes(data).splitlines()

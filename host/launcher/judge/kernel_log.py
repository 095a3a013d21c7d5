# SPDX-License-Identifier: GPL-2.0-only
"""Where the kernel's reports stand: its own log, which the guest has sent, and its console.

In:  kmsg (records of /dev/kmsg, docs/internals/wire.md) and console.log, which a guest may fill with anything.
Out: the reports of each, in the order of their lines; what the log does not cover.

The log has all that the kernel said, whatever the console let through. What it lacks (the guest died, or the kernel
overwrote records before they were read) is taken from the console, by the time stamps, so that nothing counts twice.
"""
from __future__ import annotations

import os
import re
from dataclasses import dataclass
from itertools import islice
from typing import Iterator, NamedTuple, Optional

from ..lib.text import blocks_of_lines, printable_bytes
from .headlines import CUT_HERE, WORD_MIN, WORDS, ejection_of, explains, kind_of

LINE_MAX = 200  # characters of a report's line
EJECTED = "sched-ejected"
ANY = "*"  # no name of a scheduler
_EXPLAINED_FOR = 6  # lines from an explanation to its headline
_GAPS_MAX = 1000
LOOKED_AT = 50_000  # lines that may belong to a report: each takes some 30 us
_PANIC = b"Kernel panic"
_STAMP = re.compile(r"\[ *([0-9]{1,12})\.([0-9]{1,9})\](\[ *[CT][0-9]+\])? ")
_STAMPED_LINE = re.compile(rb"^\[ *[0-9]*\.[0-9]*\]", re.MULTILINE)
_RECORD = re.compile(r"([0-9]{1,5}),([0-9]{1,18}),([0-9]{1,18}),[^;]*;(.*)")
_NEWLINE = "\\x0a"
_RECORD_HEAD = re.compile(rb"^[0-9]{1,5},([0-9]{1,18}),([0-9]{1,18}),[^;\n]*;", re.MULTILINE)


class Found(NamedTuple):
    """A report."""
    at: int  # number of its line
    us: Optional[int]  # since the guest's boot, where the kernel prints it
    kind: str
    line: str  # from its time stamp on
    text: str  # without it
    because: str  # what WARN() or BUG() says beside its headline


class _Line(NamedTuple):
    at: int
    us: Optional[int]
    shown: str
    text: str


@dataclass(frozen=True)
class Coverage:
    """Which part of the kernel's time its log has."""
    gaps: tuple[tuple[int, int], ...] = ()  # records are missing between these times, in microseconds
    last_us: int = -1  # of the newest record; -1: there is none
    lost: int = 0  # records that were overwritten before the guest could send them
    has_end: bool = False  # the guest had read all of it when it ended

    @property
    def is_there(self) -> bool:
        return self.last_us >= 0

    @property
    def problem(self) -> Optional[str]:
        """Why a report may be missing in it."""
        if not self.is_there:
            return None
        if self.lost:
            return f"{self.lost} records of the kernel's log were overwritten before they were sent"
        return None if self.has_end else "the kernel's log was not sent to its end"

    def covers(self, us: Optional[int]) -> bool:
        """What the kernel said at that time is in its log. A console without time stamps tells no time: then a whole
        log has all of it, and one that was cut is not used at all."""
        if us is None:
            return True
        return us <= self.last_us and not self.is_gap(us)

    def is_gap(self, us: Optional[int]) -> bool:
        return us is not None and any(start < us < end for start, end in self.gaps)


def read_coverage(path: str, has_end: bool) -> Coverage:
    gaps: list[tuple[int, int]] = []
    expected = lost = 0
    last_us = -1
    for block in blocks_of_lines(path) if os.path.exists(path) else ():
        for seq, us in _RECORD_HEAD.findall(block):
            number, time = int(seq), int(us)
            if number > expected:
                lost += number - expected
                gaps.append((last_us, time))
            expected = max(expected, number + 1)
            last_us = max(last_us, time)
        if len(gaps) > _GAPS_MAX:
            gaps = [(gaps[0][0], gaps[-1][1])]
    return Coverage(tuple(gaps), last_us, lost, has_end)


def is_stamped(path: str) -> bool:
    return any(_STAMPED_LINE.search(block) for block in blocks_of_lines(path))


def _with_words(path: str) -> Iterator[tuple[int, bytes]]:
    """Number and text of the lines that may belong to a report. Most blocks have none, and are passed over at once.

    A guest may print millions: after LOOKED_AT of them, only those of a panic are looked at (has_too_many).
    """
    before = count = 0
    is_next = False
    for block in blocks_of_lines(path):
        if count >= LOOKED_AT and (_PANIC not in block or count >= 2 * LOOKED_AT):
            before += block.count(b"\n") + 1
            continue
        if is_next or WORDS.search(block):
            for at, line in enumerate(block.split(b"\n"), before + 1):
                if is_next or (len(line) >= WORD_MIN and WORDS.search(line)):
                    is_next = CUT_HERE.encode() in line
                    count += 1
                    if count <= LOOKED_AT or _PANIC in line:
                        yield at, line
        before += block.count(b"\n") + 1


def has_too_many(path: str) -> bool:
    """Whether not all of the lines that may belong to a report are looked at."""
    return os.path.exists(path) and sum(1 for _ in islice(_with_words(path), LOOKED_AT)) == LOOKED_AT


def _console_lines(path: str) -> Iterator[_Line]:
    """The text after the kernel's time stamp: on the UART, text of a process may stand before it. Only where the kernel
    prints no time stamps, a report begins a line."""
    stamped: Optional[bool] = None
    for at, line in _with_words(path):
        if stamped is None:
            stamped = is_stamped(path)
        text = printable_bytes(line.replace(b"\r", b""))
        stamp = _STAMP.search(text)
        if stamp:
            us = int(stamp.group(1)) * 1000000 + int(stamp.group(2)[:6].ljust(6, "0"))
            yield _Line(at, us, text[stamp.start():], text[stamp.end():])
        elif stamped:
            continue
        else:
            yield _Line(at, None, text, text)


def shown_records(line: bytes) -> Iterator[tuple[int, str, str]]:
    """Time, the line as a console shows it, and its text, for each line of a record, in which the kernel writes a
    newline as \\x0a. A property of a record is none."""
    found = _RECORD.match(printable_bytes(line))
    if found:
        us = int(found.group(3))
        for text in found.group(4).split(_NEWLINE):
            yield us, f"[{us // 1000000:5d}.{us % 1000000:06d}] {text}", text


def log_lines(path: str) -> Iterator[tuple[int, str]]:
    """Number of the line, and the record as a console shows it."""
    at = 0
    for block in blocks_of_lines(path):
        for line in block.split(b"\n"):
            at += 1
            for _, shown, _ in shown_records(line):
                yield at, shown


def _log_records(path: str) -> Iterator[_Line]:
    for at, line in _with_words(path):
        for record in shown_records(line):
            yield _Line(at, *record)


def find_in_console(path: str, owner: Optional[str]) -> Iterator[Found]:
    """OWNER: the scheduler whose end has a verdict of its own."""
    return _reports(_console_lines(path), owner)


def find_in_log(path: str, owner: Optional[str]) -> Iterator[Found]:
    return _reports(_log_records(path), owner) if os.path.exists(path) else iter(())


def _reports(lines: Iterator[_Line], owner: Optional[str]) -> Iterator[Found]:
    because, explained_at, was_cut = "", -_EXPLAINED_FOR, False
    for at, us, shown, text in lines:
        kind = kind_of(text) or _ejected(text, owner)
        if kind:
            is_explained = at - explained_at < _EXPLAINED_FOR
            yield Found(at, us, kind, shown[:LINE_MAX], text, because[:LINE_MAX] if is_explained else "")
            because = ""
        elif (was_cut and CUT_HERE not in text) or explains(text):
            because, explained_at = text, at
        was_cut = CUT_HERE in text


def _ejected(text: str, owner: Optional[str]) -> Optional[str]:
    """A scheduler that the payload has started: nothing else reports its end."""
    ejection = ejection_of(text)
    return EJECTED if ejection and owner != ANY and ejection.name != owner else None

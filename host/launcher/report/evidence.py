# SPDX-License-Identifier: GPL-2.0-only
"""What a person would open first after a run that did not pass: the telling lines of dump, log and last words.

In:  a Judgement and the artifacts. Out: lines, bounded in number and length, for the summary and for JUnit.
"""
from __future__ import annotations

import os
import re
from collections import deque
from itertools import islice
from typing import Iterator, Sequence

from ..judge.console import console_lines, console_tail
from ..judge.facts import Facts
from ..judge.kernel_log import log_lines
from ..judge.rules import Judgement
from ..judge.schedlog import read_log
from ..lib.rundir import COM2, CONSOLE, QEMU_LOG, SCHED_LOG
from ..lib.text import blocks_of_lines, printable_bytes, short_lines
from .excerpts import dump_excerpt, log_excerpt
from .tasks import describe_tasks, read_tasks

_CUT = 140  # of a line
_ENDS_SHOWN = 8  # lines of a log's end
_STORY_LINES = 16
_DUMP_MARK = b"sched_ext_dump: "


def evidence(judgement: Judgement) -> Iterator[str]:
    """The lines, not yet printable, with the source lines of the addresses in them."""
    return map(judgement.facts.symbols.annotated, _evidence(judgement))


def _evidence(judgement: Judgement) -> Iterator[str]:
    facts = judgement.facts
    file = facts.directory.file
    yield from _dump(facts)
    yield from _excerpt(f"the log, {SCHED_LOG}", log_excerpt(read_log(file(SCHED_LOG))))
    yield from _ends("last words of /init, com2.log", file(COM2))
    files = judgement.verdict.kind.evidence
    if "hang.txt" in files:
        yield from _hang(facts)
    if QEMU_LOG in files:
        yield from _ends("QEMU, qemu.log", file(QEMU_LOG))
    if CONSOLE in files:
        yield from _console(judgement)


def _dump(facts: Facts) -> Iterator[str]:
    """That of an error exit, else the newest one. A guest that was lost may have got no frame of its dump out: then
    the copy on the console is all there is."""
    dump = facts.stream.shown_dump
    name = dump.file if dump else CONSOLE
    path = facts.directory.file(name)
    if not os.path.exists(path):
        return
    lines = _dump_lines(path) if dump else _dump_lines(path, _DUMP_MARK)
    yield from _excerpt(f"the dump, {name}", dump_excerpt(lines))


def _dump_lines(path: str, wanted: bytes = b"") -> Iterator[str]:
    """The lines that have WANTED in them, without the trace's prefix. A block that has none costs nothing."""
    for block in blocks_of_lines(path):
        for line in block.replace(b"\r", b"").split(b"\n") if wanted in block else ():
            if wanted in line:
                before, mark, text = line.partition(_DUMP_MARK)
                yield printable_bytes(text if mark else before)


def _excerpt(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"  -- {title}"
        yield from map(_cut, lines)


def _tail(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield from _excerpt(title, list(deque(lines, _ENDS_SHOWN)))


def _ends(title: str, path: str) -> Iterator[str]:
    if os.path.exists(path) and os.path.getsize(path):
        yield from _tail(title, iter(console_tail(path, 8192)))


def _cut(line: str) -> str:
    return "     " + line.replace("\r", "")[:_CUT]


def _console(judgement: Judgement) -> Iterator[str]:
    facts = judgement.facts
    path = facts.directory.file(CONSOLE)
    if judgement.verdict.word == "kernel-warned":
        yield from _first_report(facts)
    elif facts.console.panic:
        yield from _story("the panic, console.log", path, facts.console.panic_at)
    else:
        lines = (line for line in console_tail(path, 65536) if "sched_ext_dump: " not in line)
        yield from _tail("the console, console.log", lines)


def _story(title: str, path: str, at: int) -> Iterator[str]:
    yield f"  -- {title}"
    yield from map(_cut, islice(console_lines(path), at - 1, at - 1 + _STORY_LINES))


def _first_report(facts: Facts) -> Iterator[str]:
    file, at = facts.console.warn_file, facts.console.warn_at
    if file == CONSOLE:
        yield from _story("the first report, console.log", facts.directory.file(file), at)
        return
    yield f"  -- the first report, {file}"
    lines = (line for number, line in log_lines(facts.directory.file(file)) if number >= at)
    yield from map(_cut, islice(lines, _STORY_LINES))


def _hang(facts: Facts) -> Iterator[str]:
    """What the tasks did at the limit; a kernel that has panicked answers nothing."""
    if facts.console.panic:
        yield from _story("the panic, console.log", facts.directory.file(CONSOLE), facts.console.panic_at)
        return
    tasks = read_tasks(facts.directory.file("hang.txt"))
    if tasks:
        yield "  -- what its tasks did, hang.txt"
        yield from describe_tasks(tasks, facts.symbols)
    else:
        yield "  -- the guest did not report what its tasks do"
    yield from _before_limit(facts, facts.ending.hang_from or 0)


def _before_limit(facts: Facts, end: int) -> Iterator[str]:
    lines = short_lines(facts.directory.file(CONSOLE), max(0, end - 8192), end)
    shown = (printable_bytes(line.replace(b"\r", b"")) for line in lines)
    yield from _tail("the console before the limit, console.log", shown)

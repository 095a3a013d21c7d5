# SPDX-License-Identifier: GPL-2.0-only
"""The summary after a run, on stderr: a person sees in a few lines what happened and where to look.

In:  a Judgement. Out: lines, all of guest text through `printable`.
"""
from __future__ import annotations

import os
import re
from collections import deque
from itertools import islice
from typing import Iterator

from ..console import console_lines, console_tail
from ..facts import Facts
from ..judge import Judgement
from ..kernel_log import log_lines
from ..reasons import qemu_warnings, seconds
from ..rundir import COM2, CONSOLE, QEMU_LOG
from ..text import one_line, printable, printable_bytes, short_lines, without_controls, write_stderr
from .tasks import describe_tasks, read_tasks
from .words import (ITEMS_SHOWN, describe_dump, describe_gets, describe_payload, describe_scheduler, describe_stream,
                    has_payload, has_scheduler)

REPORTS_SHOWN = 5
TESTS_SHOWN = 5
_WIDTH, _CUT = 200, 140  # of a line of the summary; of a line of evidence
_ENDS_SHOWN = 8  # lines of a log's end
_HEAD_SHOWN = 4  # lines of a dump's begin
_STORY_LINES = 16


def print_summary(judgement: Judgement, is_quiet: bool) -> None:
    if is_quiet and judgement.verdict.word == "pass":
        return
    write_stderr(_bytes(_summary(judgement)))
    write_stderr(without_controls(f"  artifacts  {judgement.facts.directory.path}") + b"\n")
    if judgement.verdict.word != "pass":
        write_stderr(_bytes(_evidence(judgement)))


def _bytes(lines: Iterator[str]) -> bytes:
    return "".join(printable(line) + "\n" for line in lines).encode("ascii")


def _summary(judgement: Judgement) -> Iterator[str]:
    facts = judgement.facts
    stream, ending = facts.stream, facts.ending
    yield f"ktrun: {judgement.verdict}"
    if has_scheduler(facts):
        yield f"  scheduler  {describe_scheduler(stream)}"
    if stream.init_error is not None:
        yield f"  /init      {one_line(stream.init_error)}"
    if stream.script_error is not None:
        yield f"  script     {one_line(stream.script_error.removeprefix('script: '))}"
    yield from _items([f"  ejected    {text}" for text in facts.console.ejected], "  ejected    {} in all")
    yield from _items([f"  dump {dump.number:<6}{describe_dump(dump)}" for dump in stream.dumps], "  dumps      {} in all")
    yield from _items([f"  files      {text}" for text in describe_gets(facts)], "  files      {} paths in all")
    if has_payload(facts):
        yield f"  payload    {describe_payload(stream)}"
    yield from _tests(facts)
    yield from _reports(facts)
    yield f"  stream     {describe_stream(stream)}"
    yield f"  time       {seconds(ending.wall_ms)} s, {facts.host.accel}"
    yield from _items([f"  qemu       {line}" for line in qemu_warnings(facts)], "  qemu       {} warnings in all")
    if ending.qemu_killed:
        yield "  qemu       did not end by itself: killed"


def _items(lines: list[str], rest: str) -> Iterator[str]:
    yield from (line[:_WIDTH] for line in lines[:ITEMS_SHOWN])
    if len(lines) > ITEMS_SHOWN:
        yield rest.format(len(lines)) + ", see result.json"


def _tests(facts: Facts) -> Iterator[str]:
    stream = facts.stream
    if not stream.tests_count:
        return
    yield (f"  tests      {stream.tests_passed} passed, {stream.tests_failed} failed, "
           f"{stream.tests_skipped} skipped")
    for test in islice((test for test in stream.tests if test.status == "failed"), TESTS_SHOWN):
        words = [one_line(word or "") for word in (test.file, test.name, test.message)]
        yield ("     " + ": ".join(words))[:_CUT]
    if stream.tests_failed > TESTS_SHOWN:
        yield "     ... more in result.json"


def _reports(facts: Facts) -> Iterator[str]:
    console = facts.console
    if not console.count:
        return
    yield f"  kernel     reports: {console.count}"
    for report in console.reports[:REPORTS_SHOWN]:
        yield "     " + f"{report.kind} {report.line}"[:_CUT]
    if console.count > REPORTS_SHOWN:
        yield "     ... more in result.json, kmsg and console.log"


def _evidence(judgement: Judgement) -> Iterator[str]:
    """What a person would open first: the heads and tails of dump, log and last words, bounded."""
    facts = judgement.facts
    file = facts.directory.file
    yield from _dump(facts)
    yield from _ends("the log, sched.log", file("sched.log"))
    yield from _ends("last words of /init, com2.log", file(COM2))
    evidence = judgement.verdict.kind.evidence
    if "hang.txt" in evidence:
        yield from _hang(facts)
    if QEMU_LOG in evidence:
        yield from _ends("QEMU, qemu.log", file(QEMU_LOG))
    if CONSOLE in evidence:
        yield from _console(judgement)


def _dump(facts: Facts) -> Iterator[str]:
    """That of an error exit, else the newest one. A guest that was lost may have got no frame of its dump out: then
    the copy on the console is all there is."""
    dumps = facts.stream.dumps
    dump = facts.stream.error_dump or (dumps[-1] if dumps else None)
    name = dump.file if dump else CONSOLE
    path = facts.directory.file(name)
    if not os.path.exists(path):
        return
    lines = console_lines(path)
    if dump:
        lines = (re.sub(r"^.*sched_ext_dump: ", "", line) for line in lines)
    else:
        lines = (line.rpartition("sched_ext_dump: ")[2] for line in lines if "sched_ext_dump: " in line)
    yield from _head_and_tail(f"the dump, {name}", lines, _HEAD_SHOWN)


def _head_and_tail(title: str, lines: Iterator[str], head: int) -> Iterator[str]:
    """The last lines, and before them the first HEAD lines if the two are apart."""
    first: list[str] = []
    last: deque[str] = deque(maxlen=_ENDS_SHOWN)
    count = 0
    for line in lines:
        count += 1
        if len(first) < head:
            first.append(line)
        last.append(line)
    if not count:
        return
    yield f"  -- {title}"
    if count > head + _ENDS_SHOWN and head:
        yield from map(_cut, first)
        yield f"     ... {count - head - _ENDS_SHOWN} lines ..."
    yield from map(_cut, last)


def _ends(title: str, path: str) -> Iterator[str]:
    if os.path.exists(path) and os.path.getsize(path):
        yield from _head_and_tail(title, iter(console_tail(path, 8192)), 0)


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
        yield from _head_and_tail("the console, console.log", lines, 0)


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
    """What the tasks did at the limit."""
    tasks = read_tasks(facts.directory.file("hang.txt"))
    if tasks:
        yield "  -- what its tasks did, hang.txt"
        yield from describe_tasks(tasks)
    else:
        yield "  -- the guest did not report what its tasks do"
    yield from _before_limit(facts, facts.ending.hang_from or 0)


def _before_limit(facts: Facts, end: int) -> Iterator[str]:
    lines = short_lines(facts.directory.file(CONSOLE), max(0, end - 8192), end)
    yield from _head_and_tail("the console before the limit, console.log", (printable_bytes(line.replace(b"\r", b"")) for line in lines), 0)

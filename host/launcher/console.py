# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel reported on its console: panics, warnings, lockups and their like have no frame.

In:  console.log, which a guest may fill with anything. Out: Console. It gives reasons and a list; the one verdict that
     it makes (kernel-warned) is asked for by --fail-on-warn.

A report's line follows the kernel's time stamp: on the UART, text of a process may stand before it. Only where the
kernel prints no time stamps, the report begins a line.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterator, Optional

from .text import blocks_of_lines, printable_bytes

REPORTS_KEPT = 50
_REPORT_MAX = 200  # characters of a report's line
_STORY_GAP = 100  # lines: reports that are closer are one story, an Oops and the panic that it ends in
_WORDS = re.compile(rb"WARNING: |INFO: |BUG|Oops: |LOCKUP|lockup|protection fault|Kernel panic|ut of memory: ")
_WORD_MIN = 3  # BUG
_MACHINE_BYTES = 262144  # of the begin: there the kernel describes the machine
_STAMP = re.compile(r"\[ *[0-9]+\.[0-9]+\](\[ *[CT][0-9]+\])? ")
_STAMPED_LINE = re.compile(rb"^\[ *[0-9]*\.[0-9]*\]", re.MULTILINE)
# Headlines of the kernel's source; the first that matches.
_KINDS = [(re.compile(pattern), kind) for pattern, kind in (
    (r"Kernel panic - not syncing", "panic"),
    (r"WARNING: (possible |inconsistent lock|bad unlock|lock held|held lock|suspicious RCU|Nested)", "lockdep"),
    (r"INFO: (possible |trying to register non-static key)", "lockdep"),
    (r"WARNING: ", "warn"),
    (r"(rcu: )?INFO: rcu.* stall", "rcu-stall"),
    (r"(watchdog: BUG|BUG|sched_ext): [Ss]oft lockup", "soft-lockup"),
    (r"(NMI )?watchdog: .*hard LOCKUP|sched_ext: [Hh]ard lockup", "hard-lockup"),
    (r"BUG: workqueue lockup", "workqueue-lockup"),
    (r"INFO: task .* blocked for more than", "hung-task"),
    (r"BUG: (K(?:ASAN|CSAN|MSAN|FENCE)): ", ""),  # the kind is the word itself
    (r"UBSAN: ", "ubsan"),
    (r"BUG: |kernel BUG at ", "bug"),
    (r"Oops: |general protection fault", "oops"),
    (r"(Out of memory|Memory cgroup out of memory): Killed process ", "oom-kill"),
)]


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
    panic_at: int = 0  # the number of the line where the panic's story begins
    warn: Optional[str] = None
    warn_at: int = 0
    oom_init: Optional[str] = None  # the OOM killer took PID 1


def console_lines(path: str) -> Iterator[str]:
    for block in blocks_of_lines(path):
        yield from printable_bytes(block.replace(b"\r", b"")).split("\n")


def _kind_of(text: str) -> str:
    for pattern, kind in _KINDS:
        found = pattern.match(text)
        if found:
            return kind or found.group(1).lower()
    return ""


def _is_stamped(path: str) -> bool:
    return any(_STAMPED_LINE.search(block) for block in blocks_of_lines(path))


def _find_words(path: str) -> Iterator[tuple[int, bytes]]:
    """Number and text of the lines that have one of _WORDS. Most blocks have none, and are passed over at once."""
    before = 0
    for block in blocks_of_lines(path):
        if _WORDS.search(block):
            for at, line in enumerate(block.split(b"\n"), before + 1):
                if len(line) >= _WORD_MIN and _WORDS.search(line):
                    yield at, line
        before += block.count(b"\n") + 1


def _find_reports(path: str) -> Iterator[tuple[int, str, str, str]]:
    """Line number, kind, the line from its stamp on, and the text after the stamp."""
    is_stamped: Optional[bool] = None
    for at, line in _find_words(path):
        if is_stamped is None:
            is_stamped = _is_stamped(path)
        text = shown = printable_bytes(line.replace(b"\r", b""))
        stamp = _STAMP.search(text)
        if stamp:
            text, shown = text[stamp.end():], text[stamp.start():]
        elif is_stamped:
            continue
        kind = _kind_of(text)
        if kind:
            yield at, kind, shown[:_REPORT_MAX], text


def read_console(path: str) -> Console:
    """Raises OSError when the file cannot be read: no count is not "none"."""
    reports: list[Report] = []
    count = warned = panic_at = warn_at = story = 0
    last = -_STORY_GAP - 1
    panic: Optional[str] = None
    warn: Optional[str] = None
    oom_init: Optional[str] = None
    for at, kind, line, text in _find_reports(path):
        story = at if at - last > _STORY_GAP else story
        last = at
        count += 1
        if len(reports) < REPORTS_KEPT:
            reports.append(Report(kind, line))
        if kind == "panic" and panic is None:
            panic, panic_at = line, story
        if kind == "oom-kill" and "Killed process 1 " in text:
            oom_init = oom_init or line
        if kind != "oom-kill":
            warned += 1
            warn, warn_at = (line, at) if warn is None else (warn, warn_at)
    return Console(tuple(reports), count, warned, panic, panic_at, warn, warn_at, oom_init)


def kernel_release(path: str) -> Optional[str]:
    """As the kernel itself says it, at the begin of its log: also a replay has that."""
    linux = kernel_line(path, "Linux version ")
    return linux.split(" ", 1)[0] if linux else None


def kernel_line(path: str, beginning: str) -> Optional[str]:
    """The rest of the first line of the kernel that begins so."""
    with open(path, "rb") as file:
        text = printable_bytes(file.read(_MACHINE_BYTES).replace(b"\r", b""))
    found = re.search(rf"^\[ *[0-9.]*\] {re.escape(beginning)}(.*)$", text, re.MULTILINE)
    return found.group(1) if found else None


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

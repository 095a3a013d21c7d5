# SPDX-License-Identifier: GPL-2.0-only
"""The scheduler's log for somebody who asks why it ended: its words before the kernel's dump and after it.

In:  sched.log, which a guest may fill with anything. Out: lines, bounded in number and length.

A loader prints the kernel's dump between "DEBUG DUMP" with a ruler and another ruler (tools/sched_ext/include/scx of
the kernel, user_exit_info.h; scx's Rust schedulers do the same). ktbox has that dump from the kernel itself.
"""
from __future__ import annotations

import mmap
import os
import re
from typing import NamedTuple, Optional, Sequence

from ..lib.text import printable_bytes

_TITLE = b"DEBUG DUMP"
_RULER = re.compile(rb"^={20,}\r?$", re.MULTILINE)
_TAIL = 32768  # bytes before the dump, and after it
_LINE_MAX = 300
_LOOKED_AT = 64  # lines: a help text may follow the one that says what was wrong
_VERIFIER_END = re.compile(r"processed \d+ insns|verification time|stack depth|-- END PROG LOAD LOG --")
_TROUBLE = re.compile(r"error|fail|invalid|unable|unknown|unrecogni[sz]ed|unexpected|cannot|can't|could not|denied"
                      r"|refused|not (found|permitted|supported|allowed)|no such|missing|panicked|assert|fatal|abort",
                      re.IGNORECASE)
_LIBBPF_LAST = 3  # lines: libbpf's last one, and the loader's about it
_EXIT = re.compile(r"\bEXIT: ")
_UNREGISTERED = "unregistered from user space"
_OPTION_HELP = re.compile(r"\s*--?\w")


class SchedLog(NamedTuple):
    before: list[str]  # the last lines before the dump; all of the last lines if there is no dump
    after: list[str]
    has_dump: bool


def read_log(path: str) -> SchedLog:
    """Of a file that is not there: no lines."""
    try:
        with open(path, "rb") as file:
            if not os.fstat(file.fileno()).st_size:
                return SchedLog([], [], False)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as log:
                return _split(log)
    except FileNotFoundError:
        return SchedLog([], [], False)


def _split(log: mmap.mmap) -> SchedLog:
    start = _find_dump(log)
    if start is None:
        return SchedLog(_lines(log[max(0, len(log) - _TAIL):]), [], False)
    rest_at = max(start, len(log) - _TAIL)
    rulers = list(_RULER.finditer(log[rest_at:]))
    # Two of them are the dump's. With the first one alone, the dump was not finished, and nothing comes after it.
    end = rest_at + rulers[-1].end() if rulers and (len(rulers) > 1 or rest_at > start) else len(log)
    return SchedLog(_lines(log[max(0, start - _TAIL):start]), _lines(log[end:]), True)


def _find_dump(log: mmap.mmap) -> Optional[int]:
    """Where the line of the last title begins that has its ruler below it. A loader may put its name before it."""
    at = log.rfind(_TITLE)
    while at >= 0:
        if _RULER.match(log[at + len(_TITLE):at + 256].lstrip(b"\r\n")):
            return log.rfind(b"\n", 0, at) + 1
        at = log.rfind(_TITLE, 0, at)
    return None


def _lines(data: bytes) -> list[str]:
    return [line[:_LINE_MAX].rstrip() for line in printable_bytes(data.replace(b"\r", b"")).split("\n") if line.strip()]


def last_words(path: str, reason: Optional[str] = None) -> Optional[str]:
    """The line that says best what was wrong: the verifier's error, else the kernel's words about the end, which
    loaders print after EXIT, else libbpf's first complaint about the load that failed last, else the last line that
    reads like an error, else the last line.

    REASON: the kernel's for this end; a line after EXIT with other words is of an earlier end, after which the
    scheduler attached again. None: any may be of this one."""
    log = read_log(path)
    lines = [line for line in (*log.before, *log.after) if not reason or not _EXIT.search(line) or reason in line]
    return _verifier_error(log.before) or _exit_line(lines) or _libbpf_error(lines) or _trouble(lines)


def _verifier_error(lines: Sequence[str]) -> Optional[str]:
    end = verifier_end(lines)
    return f"the verifier: {lines[end - 1].strip()}" if end else None


def verifier_end(lines: Sequence[str]) -> Optional[int]:
    """Where the verifier's statistics begin: its error stands right before them. At least 1."""
    ends = [at for at, line in enumerate(lines) if at > 0 and _VERIFIER_END.match(line)]
    return next((at for at in reversed(ends) if at - 1 not in ends), None)


def _exit_line(lines: Sequence[str]) -> Optional[str]:
    """An end in order has it too: that one says nothing."""
    found = next((line for line in reversed(lines) if _EXIT.search(line)), None)
    return found.strip() if found and _UNREGISTERED not in found else None


def _libbpf_error(lines: Sequence[str]) -> Optional[str]:
    """libbpf says what it could not do, then what that is a part of ("failed to load object"), each on a line after the
    other; the loader's own words come after that. So the first of the last such lines is the cause."""
    looked_at = lines[-_LOOKED_AT:]
    at = next((at for at in reversed(range(len(looked_at))) if _is_libbpf_trouble(looked_at[at])), None)
    if at is None or len(looked_at) - at > _LIBBPF_LAST:
        return None
    while at > 0 and _is_libbpf_trouble(looked_at[at - 1]):
        at -= 1
    return looked_at[at].strip()


def _is_libbpf_trouble(line: str) -> bool:
    return line.startswith("libbpf: ") and bool(_TROUBLE.search(line))


def _trouble(lines: Sequence[str]) -> Optional[str]:
    for line in reversed(lines[-_LOOKED_AT:]):
        if _TROUBLE.search(line) and not _OPTION_HELP.match(line):
            return line.strip()
    return lines[-1].strip() if lines else None

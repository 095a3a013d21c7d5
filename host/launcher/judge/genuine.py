# SPDX-License-Identifier: GPL-2.0-only
"""Which reports on the console the kernel itself can have printed, and not a program that wrote to the console.

In:  console.log, kmsg, and reports from the console that the kernel's own log does not have.
Out: those that no line after them refutes.

The kernel prints in the order of its time stamps. So a report is refuted by a later line whose stamp is older, and by a
later line that the log has: what the kernel said before that line would be in the log, too. /init writes such a line
when all else has ended (rootfs/lib/ktbox/kernel_log.sh). Nothing follows a panic that could refute it.
"""
from __future__ import annotations

import heapq
import os
import re
from collections import deque
from typing import Iterable, Iterator, NamedTuple

from ..lib.text import blocks_of_lines
from .kernel_log import Found

# CPUs take the stamp first and then a place in the log (vprintk_store in kernel/printk/printk.c), so that stamps may
# stand in another order. On a loaded host a CPU of the guest may be kept waiting in between.
_DISORDER_US = 1_000_000
_KNOWN = 1000  # of the log's last records are looked for on the console
_STAMPED = re.compile(rb"^[^\n]*?\[ *([0-9]{1,12})\.([0-9]{6})\](?:\[ *[CT][0-9]+\])? ([^\r\n]*)", re.MULTILINE)
_RECORD = re.compile(rb"^[0-9]{1,5},[0-9]{1,18},([0-9]{1,18}),[^;\n]*;([^\n]*)", re.MULTILINE)


class _Stamped(NamedTuple):
    at: int  # number of the line
    us: int
    text: bytes


def genuine_reports(console: str, log: str, reports: Iterable[Found]) -> list[Found]:
    """REPORTS: in the order of their lines. Those without a time stamp can't be refuted."""
    candidates = deque(reports)
    believed: list[tuple[int, int, Found]] = []  # a heap by time, the latest first
    known = _last_records(log) if candidates else set()
    for line in _stamped_lines(console) if candidates else ():
        while candidates and candidates[0].at < line.at:
            _add(believed, candidates.popleft())
        if (line.us, line.text) in known:
            believed = [item for item in believed if item[2].us is None]
            heapq.heapify(believed)
        while believed and -believed[0][0] > line.us + _DISORDER_US:
            heapq.heappop(believed)
    for found in candidates:
        _add(believed, found)
    return sorted((found for _, _, found in believed), key=lambda found: found.at)


def _add(believed: list[tuple[int, int, Found]], found: Found) -> None:
    heapq.heappush(believed, (-found.us if found.us is not None else 0, found.at, found))


def _last_records(log: str) -> set[tuple[int, bytes]]:
    records: deque[tuple[int, bytes]] = deque(maxlen=_KNOWN)
    for block in blocks_of_lines(log) if os.path.exists(log) else ():
        records.extend((int(us), text) for us, text in _RECORD.findall(block))
    return set(records)


def _stamped_lines(console: str) -> Iterator[_Stamped]:
    before = 0
    for block in blocks_of_lines(console):
        at, place = before + 1, 0
        for found in _STAMPED.finditer(block):
            at += block.count(b"\n", place, found.start())
            place = found.start()
            yield _Stamped(at, int(found.group(1)) * 1_000_000 + int(found.group(2)), found.group(3))
        before += block.count(b"\n") + 1

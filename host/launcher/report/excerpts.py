# SPDX-License-Identifier: GPL-2.0-only
"""The lines of a dump and of a log for which a person would open the file.

In:  lines, which a guest has chosen. Out: some of them, bounded; "..." where lines are left out.

The form of a dump is that of scx_dump_state() in kernel/sched/ext.c: head, backtrace, a block per CPU with its tasks,
counters.
"""
from __future__ import annotations

import re
from itertools import islice
from typing import Iterable, Iterator, Optional, Sequence

from ..judge.schedlog import SchedLog, verifier_end

GAP = "..."
_LINES_READ = 100_000
_HEAD_MAX, _BACKTRACE_MAX, _CPU_MAX, _TASK_MAX, _COUNTERS_MAX = 6, 8, 4, 8, 16
_LOG_BEFORE, _LOG_AFTER, _LOG_ALL, _VERIFIER_MAX = 5, 4, 8, 6
_AT_FAULT = re.compile(r"triggered exit kind \d+ on CPU (\d+):")
_STALLED = re.compile(r"\((.*\[\d+\]) failed to run for ")
_TASK = re.compile(r"\s+[^\s]{0,2}[A-Z] (\S.*\[\d+\]) ")
_CPU = re.compile(r"CPU (\d+) *: ")
_COUNTER = re.compile(r"\s*\S+: +(\d+)$")


def dump_excerpt(lines: Iterable[str]) -> list[str]:
    """Head and reason, backtrace, the CPU at fault, the task that was stalled, the counters that are not 0."""
    dump = list(islice(lines, _LINES_READ))
    head = _block(dump, 0, _HEAD_MAX)
    at_fault = _first_group(_AT_FAULT, head)
    stalled = _first_group(_STALLED, head)
    parts = [head + _named_block(dump, "Backtrace:", _BACKTRACE_MAX)]
    if at_fault is not None:
        parts.append(_found_block(dump, _CPU, at_fault, _CPU_MAX))
    if stalled is not None:
        parts.append(_found_block(dump, _TASK, stalled, _TASK_MAX))
    parts.append(_counters(dump))
    return list(_joined([part for part in parts if part]))


def log_excerpt(log: SchedLog) -> list[str]:
    """The last words before the dump that the log repeats, and what comes after that. Without a dump: what the verifier
    did not like, and the last words."""
    if not log.has_dump:
        last_at = max(0, len(log.before) - _LOG_ALL)
        end = verifier_end(log.before)
        if end is None or end > last_at:
            return log.before[last_at:]
        return [*log.before[max(0, end - _VERIFIER_MAX):end], GAP, *log.before[last_at:]]
    return [*log.before[-_LOG_BEFORE:], GAP, *log.after[-_LOG_AFTER:]]


def _joined(parts: Sequence[list[str]]) -> Iterator[str]:
    for number, part in enumerate(parts):
        if number:
            yield GAP
        yield from part


def _block(lines: Sequence[str], start: int, most: int) -> list[str]:
    """From START to the next blank line."""
    block: list[str] = []
    for line in lines[start:start + most]:
        if not line.strip() and block:
            break
        block.append(line)
    return block


def _named_block(lines: Sequence[str], title: str, most: int) -> list[str]:
    at = next((at for at, line in enumerate(lines) if line.strip() == title), None)
    return [] if at is None else _block(lines, at, most)


def _found_block(lines: Sequence[str], pattern: re.Pattern[str], name: str, most: int) -> list[str]:
    """The block whose first line names what NAME says."""
    for at, line in enumerate(lines):
        found = pattern.match(line)
        if found and found.group(1) == name:
            return _block(lines, at, most)
    return []


def _first_group(pattern: re.Pattern[str], lines: Sequence[str]) -> Optional[str]:
    return next((found.group(1) for line in lines for found in [pattern.search(line)] if found), None)


def _counters(lines: Sequence[str]) -> list[str]:
    """Those that are not 0, under their title."""
    at = next((at for at in range(len(lines) - 1, -1, -1) if lines[at].strip() == "Event counters"), None)
    if at is None:
        return []
    counters = [line.strip() for line in lines[at:] for found in [_COUNTER.match(line)] if found
                and found.group(1) != "0"]
    return ["Event counters that are not 0:", *("  " + re.sub(" +", " ", line) for line in counters[:_COUNTERS_MAX])]

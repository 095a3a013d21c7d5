# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's histograms, as tracefs prints them (Documentation/trace/histogram.rst).

In:  the files `hist` of kt_wakeup and of sched_migrate_task (applets/guest/wakeup_latency.c). Out: counts per bucket,
and percentiles of them. A guest may have sent anything: numbers and their number are bounded.
"""
from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Optional

BUCKETS_MAX = 500000
COUNT_LEAST = 10  # wakeups of which a percentile says something
COUNT_MAX = 10 ** 15  # of all buckets together, more than any guest lives for
_HEAD = re.compile(r"# trigger info: .* if lat (?:<|>=) [0-9]+ && pid (<=|>) [0-9]+ ")
_LATENCY = re.compile(r"\{ common_cpu: *([0-9]{1,4}), lat: *(?:~ ([0-9]{1,15})-)?([0-9]{1,15}) *\} "
                      r"hitcount: *([0-9]{1,15})")
_MIGRATION = re.compile(r"\{ orig_cpu: *([0-9]{1,4}), dest_cpu: *([0-9]{1,4}) *\} hitcount: *([0-9]{1,15})")
_DROPPED = re.compile(r" +Dropped: ([0-9]{1,15})")


class BadHistogram(Exception):
    """More than a kernel counts."""


@dataclass
class Latencies:
    """Microseconds, by the upper end of each bucket: how many wakeups waited so long."""
    counts: Counter[int] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def most(self) -> Optional[int]:
        return max(self.counts, default=None)

    def percentiles(self, parts: tuple[float, ...]) -> list[Optional[int]]:
        """The nearest ranks, for parts of 1 in ascending order. None: there are too few wakeups for this one."""
        found: list[Optional[int]] = []
        total, seen = self.total, 0
        values = iter(sorted(self.counts.items()))
        value = 0
        for part in parts:
            if total < COUNT_LEAST or total * (1 - part) < 1 - 1e-9:
                found.append(None)
                continue
            while seen < part * total:
                value, count = next(values)
                seen += count
            found.append(value)
        return found


@dataclass
class Wakeups:
    everyone: Latencies = field(default_factory=Latencies)
    new: Latencies = field(default_factory=Latencies)  # tasks that were made after the payload's start
    cpus: dict[int, Latencies] = field(default_factory=dict)
    dropped: int = 0  # that found no place in the kernel's table


def parse_wakeups(text: str) -> Wakeups:
    """Raises BadHistogram."""
    found = Wakeups()
    is_new: Optional[bool] = None
    buckets = total = 0
    for line in text.split("\n"):
        head, bucket, dropped = _HEAD.match(line), _LATENCY.match(line), _DROPPED.match(line)
        if head:
            is_new = head.group(1) == ">"
        elif dropped:
            found.dropped = min(found.dropped + int(dropped.group(1)), COUNT_MAX)
        elif bucket and is_new is not None:
            cpu, upper, count = int(bucket.group(1)), int(bucket.group(3)), int(bucket.group(4))
            buckets, total = buckets + 1, total + count
            if buckets > BUCKETS_MAX or total > COUNT_MAX:
                raise BadHistogram("more buckets or wakeups than a kernel counts")
            owners = [found.everyone, found.cpus.setdefault(cpu, Latencies()), *([found.new] if is_new else [])]
            for latencies in owners:
                latencies.counts[upper] += count
    return found


def parse_migrations(text: str) -> dict[tuple[int, int], int]:
    """How many tasks went from one CPU to another. Raises BadHistogram."""
    found: Counter[tuple[int, int]] = Counter()
    for line in text.split("\n"):
        move = _MIGRATION.match(line)
        if move:
            found[int(move.group(1)), int(move.group(2))] += int(move.group(3))
            if len(found) > BUCKETS_MAX or found[int(move.group(1)), int(move.group(2))] > COUNT_MAX:
                raise BadHistogram("more migrations than a kernel counts")
    return dict(found)

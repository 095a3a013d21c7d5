# SPDX-License-Identifier: GPL-2.0-only
"""Which metrics of a run a comparison puts first, and which way each is better.

In:  names and units of metrics (docs/use/stats.md). Out: a Direction, a rank. A name that is not in the table has no
direction: a difference is then only "different". docs/use/compare.md has the same table; a test compares them.
"""
from __future__ import annotations

import re
from typing import Collection, Optional

LOWER, HIGHER, UNKNOWN = "lower", "higher", "unknown"
_TIME = r"(task\.|cpu\.[0-9]+\.)?wake_(p50|p90|p99|p999|max)"
# The first pattern that fits the whole name counts.
_DIRECTIONS = (
    (r"hackbench\.time|perf\..*\.(time|time_per_op)|cyclictest\.[0-9]+\.(min|avg|max)", LOWER),
    (r"perf\..*\.ops|stress-ng\..*\.bogo_ops(_per_s|_per_cpu_s)?", HIGHER),
    (r"schbench\..*_(p[0-9]+|max)", LOWER),
    (r"schbench\.(rps|transfers)", HIGHER),
    (_TIME, LOWER),
    (r"duration|run_queue_wait(_mean)?|idle_while_waiting|psi_cpu_(some|full)|nr_rejected", LOWER),
)
# The headline metrics, most important first. Of those that say the same, the first that was measured counts.
_HEADLINES = (
    r"payload\..*", r"hackbench\.time", r"perf\..*\.time_per_op", r"perf\..*\.time", r"cyclictest\.[0-9]+\.(avg|max)",
    r"stress-ng\..*\.bogo_ops_per_s", r"schbench\.(wakeup_p99|request_p99|rps|transfers)", r"duration",
    r"task\.wake_p50", r"task\.wake_p99", r"wake_p50", r"wake_p99", r"run_queue_wait_mean", r"idle_while_waiting",
    r"cpu_time", r"context_switches", r"migrations",
)
_SAME = {"wake_p50": "task.wake_p50", "wake_p99": "task.wake_p99"}


def direction_of(name: str, unit: str) -> str:
    found = next((direction for pattern, direction in _DIRECTIONS if re.fullmatch(pattern, name)), None)
    if found is None and name.startswith("payload.") and unit.endswith("/s"):
        return HIGHER
    return found or UNKNOWN


def headline_rank(name: str, measured: Collection[str]) -> Optional[int]:
    """Its place among the headline metrics; None: it is not one. MEASURED: the names of all metrics."""
    if _SAME.get(name, "") in measured or (name.endswith(".time") and f"{name}_per_op" in measured):
        return None
    return next((at for at, pattern in enumerate(_HEADLINES) if re.fullmatch(pattern, name)), None)

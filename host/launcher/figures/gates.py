# SPDX-License-Identifier: GPL-2.0-only
"""Gates: limits that the figures of a run must keep (--gate).

In:  the text of --gate, as `wake_p99<5ms`; Metrics; how busy the host was. Out: Checked, one for each gate: kept,
     failed, or inconclusive, with the reason. A figure that is not there, and one that a busy host made, never keeps a
     gate.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Optional, Sequence

from ..lib.text import Fault
from ..options.values import Gate
from ..run.host_load import HostLoad, why_too_busy
from .metrics import Metrics, Value, first_beyond

OUTCOMES = KEPT, FAILED, INCONCLUSIVE = "kept", "failed", "inconclusive"
# Of ktbox's own figures; a payload and a known program choose theirs.
_UNITS = (
    (r"(task\.|cpu\.[0-9]+\.)?wake_(p50|p90|p99|p999|max)|psi_.*|cpu_time|run_queue_wait(_mean)?|idle|steal"
     r"|idle_while_waiting", "us"),
    (r"duration", "s"),
    (r"(cpu\.[0-9]+\.)?util", "%"),
    (r"events\..*_DURATION", "ns"),
    (r"runnable_(mean|max)", "tasks"),
    (r"switch_all", "flag"),
    (r"scx\..*", "number"),
    (r"events\..*|(task\.|cpu\.[0-9]+\.)?wake_count|wake_dropped|context_switches|runs|migrations(_llc|_node)?"
     r"|nr_rejected|hotplug_seq|enable_seq", "count"),
)
_TIMES = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True)
class Checked:
    gate: Gate
    outcome: str
    value: Optional[Value] = None
    at_ms: Optional[int] = None  # of a failed one, on the guest's clock: when it passed, else the payload's end
    reason: Optional[str] = None  # of an inconclusive one


def unit_of(name: str) -> Optional[str]:
    """That of a figure of ktbox's own; None for any other name."""
    return next((unit for pattern, unit in _UNITS if re.fullmatch(pattern, name)), None)


def check_units(gates: Sequence[Gate]) -> None:
    """Raise Fault for a limit that no run can be measured by, before anything starts."""
    for gate in gates:
        unit = unit_of(gate.name)
        if unit is not None and _limit_in(unit, gate) is None:
            raise Fault(f"--gate: {gate.name} is in {unit}, not in {gate.unit}: {gate.text}")


def check_gates(gates: tuple[Gate, ...], metrics: Metrics, load: Optional[HostLoad],
                counts_instructions: bool) -> list[Checked]:
    """A guest that counts instructions may end before its host is looked at: its waits are short, and no load moves
    its figures."""
    busy = None if counts_instructions else why_too_busy(load)
    return [_check(gate, metrics, busy) for gate in gates]


def _check(gate: Gate, metrics: Metrics, busy: Optional[str]) -> Checked:
    value = metrics.values.get(gate.name)
    if value is None:
        return Checked(gate, INCONCLUSIVE, reason=_why_absent(gate.name, metrics))
    limit = _limit_in(value.unit, gate)
    if limit is None:
        return Checked(gate, INCONCLUSIVE, value, reason=f"{gate.name} is in {value.unit}, not in {gate.unit}")
    if busy:
        return Checked(gate, INCONCLUSIVE, value, reason=busy)
    if gate.keeps(value.value, limit):
        return Checked(gate, KEPT, value)
    kept_until = partial(gate.keeps, limit=limit)
    return Checked(gate, FAILED, value, first_beyond(metrics, gate.name, lambda number: not kept_until(number)))


def _why_absent(name: str, metrics: Metrics) -> str:
    """The events have one reason for all of them."""
    family = name.split(".")[0]
    reason = metrics.absent.get(name) or metrics.absent.get(family)
    return f"{name} was not measured: {reason or 'no figure of this run has this name'}"


def _limit_in(unit: str, gate: Gate) -> Optional[float]:
    """None: the units do not fit."""
    if gate.unit in ("", unit):
        return gate.limit
    if gate.unit in _TIMES and unit in _TIMES:
        return gate.limit * _TIMES[gate.unit] / _TIMES[unit]
    return None

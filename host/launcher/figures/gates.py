# SPDX-License-Identifier: GPL-2.0-only
"""Gates: limits that the figures of a run must keep (--gate).

In:  the text of --gate, as `wake_p99<5ms`; Metrics; how busy the host was. Out: Checked, one for each gate: kept,
     failed, or inconclusive, with the reason. A figure that is not there, and one that a busy host made, never keeps a
     gate.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Optional

from ..options.values import Gate
from ..run.host_load import HostLoad, why_too_busy
from .metrics import Metrics, Value, first_beyond

OUTCOMES = KEPT, FAILED, INCONCLUSIVE = "kept", "failed", "inconclusive"
_TIMES = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True)
class Checked:
    gate: Gate
    outcome: str
    value: Optional[Value] = None
    at_ms: Optional[int] = None  # of a failed one, on the guest's clock: when it passed, else the payload's end
    reason: Optional[str] = None  # of an inconclusive one


def check_gates(gates: tuple[Gate, ...], metrics: Metrics, load: Optional[HostLoad]) -> list[Checked]:
    busy = why_too_busy(load)
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

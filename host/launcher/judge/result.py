# SPDX-License-Identifier: GPL-2.0-only
"""result.json: the whole outcome for a program. This file has its one writer and its one reader.

In:  a Judgement. Out: the file (and metrics.tsv beside it), one key per line, replaced at once; ktrun's keys come
     before those of stream.json. The schema is docs/internals/result.schema.json.
"""
from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, Optional

from ..figures.gates import OUTCOMES
from ..figures.metrics import Value
from ..figures.table import NAME as TABLE, table_bytes
from ..lib.records import BadRecord, from_json, lines_of, read_json
from ..lib.rundir import RR_LOG, VMCORE
from ..run.host_load import waited_share
from .attempts import RETRIES_MAX, Attempt, is_run_again
from .reasons import qemu_warnings
from .rules import Judgement
from .symbols import Symbols
from .verdicts import VERDICTS

NAME = "result.json"
SCHEMA = 2
_SIZE_MAX = 256 * 1024 * 1024
_METRIC, _UNIT = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}", re.ASCII), re.compile(r"[A-Za-z0-9%/_.-]{1,16}", re.ASCII)
_METRICS_MAX, _GATES_MAX, _VALUE_MAX = 50000, 1000, 1e300


@dataclass(frozen=True)
class Outcome:
    """What a matrix asks of a finished run."""
    word: str
    wall_ms: int
    reason: Optional[str]
    started: str  # empty: unknown
    attempts: tuple[Attempt, ...] = ()  # that failed before

    @property
    def is_finished(self) -> bool:
        """An error of the host says nothing about what was to be run."""
        return self.word != "error"


def result_bytes(judgement: Judgement) -> bytes:
    verdict, facts = judgement.verdict, judgement.facts
    host, console = facts.host, facts.console
    asked, origin = host.asked, host.origin
    own: dict[str, Any] = {
        "verdict": verdict.word,
        "code": verdict.code,
        "reason": verdict.reason,
        "wall_ms": host.ending.wall_ms,
        "accel": host.accel,
        "start": host.start,
        "snapshot_age_secs": host.snapshot_age_secs,
        "kernel": host.kernel,
        "schema": SCHEMA,
        "run": {
            "ktbox": host.version,
            "started": origin.started or None,
            "host": origin.hostname or None,
            "qemu": origin.qemu or None,
            "kernel_release": facts.kernel_release,
            "scheduler": asked.scheduler,
            "scheduler_args": asked.scheduler_args,
            "scheduler_sha256": origin.scheduler_sha256,
            "command": asked.command,
            "rerun": origin.rerun or None,
        },
        "attempts": [asdict(attempt) for attempt in host.attempts],
        "kernel_report_count": console.count,
        "kernel_reports": [{"kind": report.kind, "line": report.line} for report in console.reports],
        "qemu_warnings": qemu_warnings(facts),
        "trace": asdict(facts.recording) if facts.recording else None,
        "vmcore": {"bytes": facts.directory.size(VMCORE) or None,
                   "problem": host.ending.vmcore_problem} if asked.vmcore else None,
        "record_replay": {"bytes": facts.directory.size(RR_LOG) or None,
                          "problem": host.ending.record_problem} if asked.record_replay else None,
        "bpf": asdict(facts.bpf) if facts.bpf else None,
        "symbols": _symbols(facts.symbols),
        "metrics": {name: {"value": value.value, "unit": value.unit} for name, value in facts.metrics.values.items()},
        "metrics_absent": [{"name": name, "reason": reason} for name, reason in facts.metrics.absent.items()],
        "gates": [{"gate": checked.gate.text, "metric": checked.gate.name, "outcome": checked.outcome,
                   "value": checked.value.value if checked.value else None,
                   "unit": checked.value.unit if checked.value else None, "at_ms": checked.at_ms,
                   "reason": checked.reason} for checked in facts.gates],
        "host_load": host.ending.load and {**asdict(host.ending.load),
                                           "qemu_waited_share": round(waited_share(host.ending.load), 3)},
        "pin": host.ending.pin and asdict(host.ending.pin),
        "metrics_wakeups": facts.metrics.wakeups if facts.metrics.wakeups in ("windows", "all") else None,
    }
    return lines_of({**own, **{key: value for key, value in judgement.stream_keys.items() if key not in own}})


def _symbols(symbols: Symbols) -> Optional[dict[str, Any]]:
    if not symbols.vmlinux:
        return None
    return {"vmlinux": symbols.vmlinux, "problem": symbols.problem,
            "places": {one.address: [asdict(place) for place in one.places] for one in symbols.resolved}}


def write_result(judgement: Judgement, data: bytes) -> None:
    judgement.facts.directory.replace(NAME, data)


def write_table(judgement: Judgement) -> None:
    """metrics.tsv, of a run whose figures were asked for."""
    if judgement.facts.metrics.samples:
        judgement.facts.directory.replace(TABLE, table_bytes(judgement.facts.metrics))


@dataclass(frozen=True)
class Measured:
    """What a comparison asks of a finished run."""
    outcome: Outcome
    accel: str
    kernel_release: str  # empty: unknown
    scheduler_sha256: Optional[str]
    metrics: dict[str, Value]
    gates: tuple[tuple[str, str], ...] = ()  # the text of each, and its outcome, a word of gates.py


def read_outcome(directory: str) -> Optional[Outcome]:
    """None: the run has not finished, or was interrupted."""
    try:
        return _outcome_of(read_json(f"{directory}/{NAME}", _SIZE_MAX))
    except BadRecord:
        return None


def read_measured(directory: str) -> Optional[Measured]:
    """None: as of read_outcome. A metric that is none is left out."""
    try:
        keys = read_json(f"{directory}/{NAME}", _SIZE_MAX)
    except BadRecord:
        return None
    outcome = _outcome_of(keys)
    if outcome is None:
        return None
    run = keys["run"]
    release, digest, accel = run.get("kernel_release"), run.get("scheduler_sha256"), keys.get("accel")
    return Measured(outcome, accel if accel in ("kvm", "tcg") else "unknown",
                    release if isinstance(release, str) else "", digest if isinstance(digest, str) else None,
                    metrics_of(keys.get("metrics")), _gates_of(keys.get("gates")))


def _gates_of(values: object) -> tuple[tuple[str, str], ...]:
    """What is no gate is left out."""
    rows = [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
    return tuple((row["gate"], row["outcome"]) for row in rows[:_GATES_MAX]
                 if isinstance(row.get("gate"), str) and row.get("outcome") in OUTCOMES)


def metrics_of(values: object) -> dict[str, Value]:
    """The object `metrics`, as any file may have it."""
    found: dict[str, Value] = {}
    for name, value in values.items() if isinstance(values, dict) else ():
        number, unit = (value.get("value"), value.get("unit")) if isinstance(value, dict) else (None, None)
        if (isinstance(number, (int, float)) and not isinstance(number, bool) and abs(number) <= _VALUE_MAX
                and isinstance(unit, str) and _UNIT.fullmatch(unit) and _METRIC.fullmatch(name)
                and len(found) < _METRICS_MAX):
            found[name] = Value(number, unit)
    return found


def _outcome_of(keys: Any) -> Optional[Outcome]:
    try:
        word, wall_ms, reason, started = keys["verdict"], keys["wall_ms"], keys["reason"], keys["run"]["started"]
        attempts = tuple(from_json(Attempt, attempt) for attempt in keys.get("attempts", [])[:RETRIES_MAX])
    except (KeyError, TypeError, AttributeError, BadRecord):
        return None
    if word not in VERDICTS or word == "interrupted" or type(wall_ms) is not int:
        return None
    return Outcome(word, wall_ms, reason if isinstance(reason, str) else None,
                   started if isinstance(started, str) else "",
                   tuple(attempt for attempt in attempts if is_run_again(attempt.verdict)))

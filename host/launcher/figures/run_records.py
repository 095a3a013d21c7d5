# SPDX-License-Identifier: GPL-2.0-only
"""The file of --record: the figures of runs over weeks, a JSON object per line.

In:  a run's result and Options; or such a file. Out: one more line, written at once under a lock, so that runs side by
side keep theirs whole; or the records, and the numbers of the lines that are none. The file may come from anywhere: a
line is bounded, and each value has its type. docs/internals/record.schema.json has the keys.
"""
from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import stat
from dataclasses import dataclass
from typing import Any, Optional

from ..judge.result import metrics_of
from ..lib.text import Fault
from ..options.options import Options
from .metrics import Value

SCHEMA = 1
LINE_MAX = 16 * 1024 * 1024
RECORDS_MAX = 200000
_TEXT_MAX = 100000
_STARTED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)


@dataclass(frozen=True)
class RunRecord:
    """Empty: unknown."""
    date: str
    label: str
    verdict: str
    kernel_release: str
    scheduler: str  # its name, without the directory
    scheduler_args: str
    scheduler_sha256: str
    topology: str
    memory_mib: int
    accel: str
    host: str
    command: str
    options: str  # those that change figures
    metrics: dict[str, Value]

    @property
    def what(self) -> tuple[str, ...]:
        """Only runs with the same are compared."""
        return (self.command, self.options, self.scheduler, self.scheduler_args, self.topology, str(self.memory_mib),
                self.accel, self.host)

    @property
    def version(self) -> tuple[str, ...]:
        """What may change from one point of a history to the next."""
        return (self.label, self.scheduler_sha256, self.kernel_release)


@dataclass
class Records:
    records: list[RunRecord]
    damaged: list[tuple[int, str]]  # number of the line, and why
    left_out: int = 0  # lines beyond RECORDS_MAX


def check_record(path: str, options: Options) -> None:
    """Raise Fault for a FILE that can't be appended to, before anything starts."""
    directory = os.path.dirname(path)
    if os.path.realpath(path).startswith(("/proc/", "/sys/")):
        raise Fault(f"--record: a file of the kernel's own keeps nothing: {path}")
    if os.path.lexists(path) and not os.path.isfile(path):
        raise Fault(f"--record: not a file: {path}")
    if not os.path.isdir(directory):
        raise Fault(f"--record: no such directory: {directory}")
    if not os.access(path if os.path.exists(path) else directory, os.W_OK):
        raise Fault(f"--record: not writable: {path}")
    if not options.stats:
        raise Fault("--record: the run has no figures: give --stats")


def append_record(options: Options, result: bytes) -> None:
    """RESULT: the content of result.json. Raises Fault."""
    if not options.record:
        return
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(options.record, flags, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Fault(f"--record: not a file: {options.record}")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _append(descriptor, _line(options, json.loads(result)))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Fault(f"--record: unable to write {options.record}: {error.strerror}") from error


def _append(descriptor: int, line: bytes) -> None:
    """In one write. After a full disk the last line may lack its end: it stays a damaged line of its own."""
    size = os.fstat(descriptor).st_size
    start = b"" if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n" else b"\n"
    if os.write(descriptor, start + line) != len(start + line):
        os.ftruncate(descriptor, size)
        raise Fault("--record: the line did not fit on the disk")


def _line(options: Options, keys: dict[str, Any]) -> bytes:
    run = keys["run"]
    record = {
        "schema": SCHEMA, "date": run["started"], "label": options.label or None, "verdict": keys["verdict"],
        "kernel_release": run["kernel_release"],
        "scheduler": os.path.basename(options.scheduler) if options.scheduler else None,
        "scheduler_args": options.scheduler_args, "scheduler_sha256": run["scheduler_sha256"],
        "topology": str(options.topology), "memory_mib": options.memory_mib, "accel": keys["accel"],
        "start": keys["start"], "host": run["host"], "qemu": run["qemu"], "ktbox": run["ktbox"],
        "command": options.command, "options": _shown_options(options) or None,
        "wakeups": keys["metrics_wakeups"], "metrics": keys["metrics"],
    }
    return (json.dumps(record, separators=(",", ":")) + "\n").encode("ascii")


def _shown_options(options: Options) -> str:
    """What changes figures, and has no key of its own: a run with it is not one of the series without it."""
    files = (("--scenario", options.scenario), ("--enable", options.enable), ("--disable", options.disable))
    flags = (("--stats-all", options.stats == "all"), ("--trace", options.trace is not None), ("--bpf", options.bpf),
             ("--pin", options.pin), ("--host-root", options.host_root), ("--record-replay", options.record_replay))
    words = [name for name, is_given in flags if is_given]
    for name, file in files:
        words += [name, os.path.basename(file)] if file else []
    for name, values in (("--append", options.append), ("--qemu-arg", options.qemu_args),
                         ("-e", [f"{variable}={value}" for variable, value in options.variables])):
        for value in values:
            words += [name, value]
    return shlex.join(words)


def read_records(path: str) -> Records:
    """Raises Fault for a file that can't be read."""
    found = Records([], [])
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO would wait for its writer
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Fault(f"--history-of: not a file: {path}")
            number = 0
            while line := file.readline(LINE_MAX + 1):
                number += 1
                is_long = len(line) > LINE_MAX
                while is_long and line and not line.endswith(b"\n"):
                    line = file.readline(LINE_MAX)
                if len(found.records) == RECORDS_MAX:
                    found.left_out += 1
                elif line.strip():
                    _read_line(found, number, b"" if is_long else line)
    except OSError as error:
        raise Fault(f"--history-of: unable to read {path}: {error.strerror}") from error
    return found


def _read_line(found: Records, number: int, line: bytes) -> None:
    try:
        if not line:
            raise ValueError(f"more than {LINE_MAX} bytes")
        found.records.append(_record_of(json.loads(line.decode("utf-8"))))
    except RecursionError:
        found.damaged.append((number, "nested too deeply"))
    except UnicodeDecodeError as error:
        found.damaged.append((number, f"no UTF-8 at byte {error.start + 1}"))
    except json.JSONDecodeError as error:
        found.damaged.append((number, f"no JSON at character {error.pos + 1}"))
    except ValueError as error:
        found.damaged.append((number, str(error)))


def _record_of(keys: Any) -> RunRecord:
    """Raises ValueError."""
    if not isinstance(keys, dict):
        raise ValueError("no JSON object")
    if keys.get("schema") != SCHEMA:
        raise ValueError(f"schema is {str(keys.get('schema'))[:100]}, not {SCHEMA}")
    date, memory = keys.get("date"), keys.get("memory_mib")
    if not isinstance(date, str) or not _STARTED.fullmatch(date):
        raise ValueError(f"no date: {str(date)[:100]}")
    if type(memory) is not int or not isinstance(keys.get("metrics"), dict):
        raise ValueError("no number memory_mib, or no object metrics")
    metrics = metrics_of(keys["metrics"])
    strange = next((name for name in keys["metrics"] if name not in metrics), None)
    if strange is not None:
        raise ValueError(f"metric {strange[:100]} has no number and unit that a run has")
    texts = {name: _text(keys, name) for name in ("label", "verdict", "kernel_release", "scheduler", "scheduler_args",
                                                  "scheduler_sha256", "topology", "accel", "host", "command",
                                                  "options")}
    return RunRecord(date=date, memory_mib=memory, metrics=metrics, **texts)


def _text(keys: dict[str, Any], name: str) -> str:
    value: Optional[object] = keys.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > _TEXT_MAX:
        raise ValueError(f"{name} is no text")
    return value

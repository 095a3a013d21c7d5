# SPDX-License-Identifier: GPL-2.0-only
"""host.json: what only the host knows of a run.

What was asked for, and how QEMU ended. The guest's frames and the console say the rest. Written by run, read by judge;
in a replay it may come from anywhere, so each value has its type and its bounds.
"""
from __future__ import annotations

import dataclasses
import os
import re
from dataclasses import dataclass
from typing import Optional

from ..judge.attempts import RETRIES_MAX, Attempt, is_run_again
from ..judge.death import BadExpression, check_expression
from ..lib.records import BadRecord, from_json, read_json, to_json
from ..lib.rundir import COM2, CONSOLE, QEMU_LOG, RR_LOG, STREAM, RunDirectory
from ..lib.text import Fault
from ..options.values import parse_gate
from ..recorder.kept import RING_KIB_MAX
from .host_load import HostLoad
from .pin import Pin

FORMAT = 2  # 1 was host.txt
NAME = "host.json"
LIMIT_STATUS = 153  # of QEMU: 128 and SIGXFSZ
_SIZE_MAX = 16 * 1024 * 1024
_NUMBER_MAX = 10 ** 15


@dataclass(frozen=True)
class Asked:
    """What the user asked for, as far as it matters after the run."""
    scheduler: Optional[str] = None
    scheduler_args: str = ""
    command: Optional[str] = None  # as the guest's shell reads it
    shell: bool = False
    expect_death: bool = False
    allow_bad_exit: bool = False
    fail_on_warn: bool = False
    plain: bool = False
    limit_secs: Optional[int] = None
    attach_timeout_secs: int = 30
    get: tuple[str, ...] = ()
    scenario: bool = False
    trace: tuple[str, ...] = ()  # the events of --trace; none: it was not given
    trace_last_secs: Optional[int] = None
    trace_kib: Optional[int] = None  # of the ring of all CPUs
    gates: tuple[str, ...] = ()
    death: str = ""  # what an expected death must match; empty: anything
    stats: str = ""  # "windows" or "all": which wakeups were to be timed; empty: no figures were asked for
    vmcore: bool = False
    record_replay: bool = False
    bpf: bool = False
    counts_instructions: bool = False  # -icount: no load moves the guest's clock
    kselftest: Optional[str] = None  # the runner's name; None: the payload's output is not read as KTAP


@dataclass(frozen=True)
class Ending:
    """How the run ended, as the host saw it. Ages: seconds since the last growth; None: it never grew."""
    wall_ms: int = 0
    qemu_status: int = 0  # as a shell says it
    qemu_killed: bool = False
    timed_out: bool = False
    console_age_secs: Optional[int] = None
    frames_age_secs: Optional[int] = None
    hang_from: Optional[int] = None  # the console's size when the guest was asked what it does
    full: Optional[str] = None  # the file that has reached its share of --max-output
    interrupted: Optional[str] = None  # by what
    unwritten: Optional[str] = None  # stdout or stderr: ktrun could not pass on what the payload wrote
    reader_error: Optional[str] = None  # why ktrecv could not decode the stream
    error: Optional[str] = None  # why ktrun itself could not go on
    load: Optional[HostLoad] = None  # None: not known
    vmcore_problem: Optional[str] = None  # why there is none, of a run that was to leave one
    record_problem: Optional[str] = None  # why a run that was recorded can't be repeated
    pin: Optional[Pin] = None  # None: not asked for


@dataclass(frozen=True)
class Origin:
    """What was run, where and when. Empty: unknown."""
    started: str = ""  # 2026-11-29T12:00:00Z
    hostname: str = ""
    qemu: str = ""  # how it calls itself
    rerun: str = ""  # the command line that runs this again
    scheduler_sha256: Optional[str] = None


@dataclass(frozen=True)
class Host:
    """The defaults are those of a replay without host.json."""
    format: int = FORMAT
    version: str = "unknown"  # of ktbox
    accel: str = "unknown"
    kernel: str = ""
    origin: Origin = Origin()
    asked: Asked = Asked()
    ending: Ending = Ending()
    start: str = "cold"  # how the guest was started: "cold" or "warm"
    snapshot_age_secs: Optional[int] = None  # of the saved guest that was resumed
    attempts: tuple[Attempt, ...] = ()  # that failed before this one


def write_host(directory: RunDirectory, host: Host) -> None:
    directory.replace(NAME, to_json(host))


def read_host(path: str) -> Optional[Host]:
    """None: there is no such file. Raises Fault for one that ktrun does not write."""
    if not os.path.lexists(path):
        return None
    try:
        host = from_json(Host, read_json(path, _SIZE_MAX))
        _check(host)
        return host
    except BadRecord as error:
        raise Fault(f"--replay: {path} is not what ktrun writes: {error}") from error


def _check(host: Host) -> None:
    ending = host.ending
    numbers = (host.asked.limit_secs, host.asked.attach_timeout_secs, ending.wall_ms, ending.qemu_status,
               ending.console_age_secs, ending.frames_age_secs, ending.hang_from, host.snapshot_age_secs,
               host.asked.trace_last_secs)
    if host.format != FORMAT:
        raise BadRecord(f"format {host.format}, not {FORMAT}")
    if not all(number is None or 0 <= number < _NUMBER_MAX for number in numbers):
        raise BadRecord("a number out of bounds")
    if host.asked.trace_kib is not None and not 1 <= host.asked.trace_kib <= RING_KIB_MAX:
        raise BadRecord("trace_kib out of bounds")
    if ending.full not in (None, STREAM, CONSOLE, COM2, QEMU_LOG, RR_LOG):
        raise BadRecord(f"full: {ending.full!r:.100}")
    if not re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?", host.origin.started, re.ASCII):
        raise BadRecord(f"started: {host.origin.started!r:.100}")
    if ending.unwritten not in (None, "stdout", "stderr"):
        raise BadRecord(f"unwritten: {ending.unwritten!r:.100}")
    if host.accel not in ("kvm", "tcg", "unknown"):
        raise BadRecord(f"accel: {host.accel!r:.100}")
    _check_attempts(host)
    _check_death(host.asked.death)
    for gate in host.asked.gates:
        _check_gate(gate)
    if ending.load and not all(0 <= number < _NUMBER_MAX for number in dataclasses.astuple(ending.load)):
        raise BadRecord("load: a number out of bounds")
    if ending.pin and not all(0 <= number < _NUMBER_MAX for number in ending.pin.cpus):
        raise BadRecord("pin: a number out of bounds")
    if host.asked.stats not in ("", "windows", "all"):
        raise BadRecord(f"stats: {host.asked.stats!r:.100}")
    if host.start not in ("cold", "warm", "unknown"):
        raise BadRecord(f"start: {host.start!r:.100}")
    if ending.timed_out and (host.asked.limit_secs is None or ending.hang_from is None):
        raise BadRecord("timed_out without limit_secs and hang_from")


def _check_attempts(host: Host) -> None:
    is_good = len(host.attempts) <= RETRIES_MAX and all(
        is_run_again(attempt.verdict) and 1 <= attempt.code <= 255 and 0 <= attempt.wall_ms < _NUMBER_MAX
        for attempt in host.attempts)
    if not is_good:
        raise BadRecord("attempts")


def _check_death(expression: str) -> None:
    try:
        check_expression(expression)
    except BadExpression as error:
        raise BadRecord(f"death: {expression!r:.100}: {error}") from error


def _check_gate(text: str) -> None:
    try:
        parse_gate("--gate", text)
    except Fault as error:
        raise BadRecord(f"{text!r:.100}") from error

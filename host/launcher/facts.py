# SPDX-License-Identifier: GPL-2.0-only
"""All that a run directory says, as one value.

In:  host.json, stream.json, console.log, kmsg, stats and the sizes of the files. Out: Facts. What can't be read is a
fact, too.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

from .console import Console, kernel_release, read_console
from .gates import Checked, check_gates
from .host import Ending, Host, read_host
from .kernel_log import ANY
from .recording import Recording
from .metrics import Metrics, read_metrics
from .records import BadRecord
from .rundir import CONSOLE, RunDirectory
from .stream import Stream, read_stream
from .values import parse_gate


@dataclass(frozen=True)
class Facts:
    """All that the run directory says."""
    directory: RunDirectory
    host: Host
    stream: Stream
    console: Console
    unreadable: Optional[str]  # a file that judging needs
    kernel_release: Optional[str] = None
    recording: Optional[Recording] = None  # of --trace
    metrics: Metrics = field(default_factory=Metrics)
    gates: tuple[Checked, ...] = ()

    @property
    def ending(self) -> Ending:
        return self.host.ending

    @property
    def payload_failed(self) -> bool:
        return self.stream.exec_exit_code not in (None, 0)


def read_facts(directory: RunDirectory) -> tuple[Facts, dict[str, Any]]:
    """And all keys of stream.json, as they are."""
    host = read_host(directory.file("host.json")) or Host(start="unknown")
    stream, console = Stream(), Console()
    keys: dict[str, Any] = {}
    unreadable: Optional[str] = None
    try:
        stream, keys = read_stream(directory)
    except BadRecord as error:
        unreadable = f"the guest's stream can't be decoded: {host.ending.reader_error or error}"
    release: Optional[str] = None
    try:
        console = read_console(directory, stream.kernel_log_ended, _owner(host, stream))
        release = kernel_release(directory.file(CONSOLE))
    except OSError:
        unreadable = f"unable to read {CONSOLE}"
    metrics = _metrics(directory, host, stream)
    gates = tuple(parse_gate("--gate", text) for text in host.asked.gates)
    checked = tuple(check_gates(gates, metrics, host.ending.load))
    return Facts(directory, host, stream, console, unreadable, release, metrics=metrics, gates=checked), keys


def _metrics(directory: RunDirectory, host: Host, stream: Stream) -> Metrics:
    """Figures that can't be read are absent: the verdict does not depend on them."""
    try:
        return read_metrics(directory, stream, bool(host.asked.stats))
    except OSError as error:
        return Metrics(absent={"duration": f"unable to read {error.filename}: {error.strerror}"})


def _owner(host: Host, stream: Stream) -> Optional[str]:
    """The scheduler whose end the frames tell. One that never attached has no name yet, and no payload ran beside it."""
    return ANY if host.asked.scheduler and not stream.scheduler_attached else stream.scheduler_name

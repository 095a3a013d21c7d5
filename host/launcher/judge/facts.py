# SPDX-License-Identifier: GPL-2.0-only
"""All that a run directory says, as one value.

In:  host.json, stream.json, console.log, kmsg, stats, stdout of --kselftest, and the sizes of the files. Out: Facts.
     What can't be read is a fact, too.
"""
from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Optional

from ..bpf.objects import Objects
from ..figures.gates import Checked, check_gates
from ..figures.metrics import Metrics, read_metrics
from ..lib.records import BadRecord
from ..lib.rundir import CONSOLE, RunDirectory
from ..options.values import parse_gate
from ..recorder.kept import Recording
from ..run.host import Ending, Host, read_host
from .console import Console, kernel_release, read_console
from .kernel_log import ANY
from .ktap import read_results
from .stream import Stream, read_stream
from .symbols import Symbols, read_symbols

_KSFT_SKIP = 4  # tools/testing/selftests/kselftest.h of the kernel
_STDOUT = "stdout"


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
    symbols: Symbols = Symbols()
    bpf: Optional[Objects] = None  # of --bpf

    @property
    def ending(self) -> Ending:
        return self.host.ending

    @property
    def payload_failed(self) -> bool:
        return self.stream.exec_exit_code not in (None, 0)

    @property
    def all_skipped(self) -> bool:
        """By a runner of --kselftest, whose status is that of a selftest that was skipped."""
        is_skip = self.host.asked.kselftest is not None and self.stream.exec_exit_code == _KSFT_SKIP
        return is_skip and 0 < self.stream.tests_skipped == self.stream.tests_count


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
    try:
        stream, keys = _with_results(directory, host, stream, keys)
    except OSError as error:
        unreadable = f"unable to read the results of --kselftest: {error.filename}: {error.strerror}"
    release: Optional[str] = None
    try:
        console = read_console(directory, stream.kernel_log_ended, _owner(host, stream))
        release = kernel_release(directory)
    except OSError:
        unreadable = f"unable to read {CONSOLE}"
    metrics = _metrics(directory, host, stream)
    gates = tuple(parse_gate("--gate", text) for text in host.asked.gates)
    checked = tuple(check_gates(gates, metrics, host.ending.load, host.asked.counts_instructions))
    return Facts(directory, host, stream, console, unreadable, release, metrics=metrics, gates=checked,
                 symbols=read_symbols(directory)), keys


def _with_results(directory: RunDirectory, host: Host, stream: Stream,
                  keys: dict[str, Any]) -> tuple[Stream, dict[str, Any]]:
    """The tests that the runner of --kselftest reported, after those that frames tell of."""
    runner = host.asked.kselftest
    if runner is None or not (stream.payload_started or stream.exec_exit_code is not None):
        return stream, keys
    found = read_results(directory.file(_STDOUT), runner)
    stream = replace(stream, tests=stream.tests + found.tests, tests_passed=stream.tests_passed + found.passed,
                     tests_failed=stream.tests_failed + found.failed, tests_skipped=stream.tests_skipped
                     + found.skipped)
    return stream, {**keys, "tests_passed": stream.tests_passed, "tests_failed": stream.tests_failed,
                    "tests_skipped": stream.tests_skipped, "tests": [asdict(test) for test in stream.tests]}


def _metrics(directory: RunDirectory, host: Host, stream: Stream) -> Metrics:
    """Figures that can't be read are absent: the verdict does not depend on them."""
    try:
        return read_metrics(directory, stream, bool(host.asked.stats))
    except OSError as error:
        return Metrics(absent={"duration": f"unable to read {error.filename}: {error.strerror}"})


def _owner(host: Host, stream: Stream) -> Optional[str]:
    """The scheduler whose end the frames tell. One that never attached has no name yet, and no payload ran beside
    it."""
    return ANY if host.asked.scheduler and not stream.scheduler_attached else stream.scheduler_name

# SPDX-License-Identifier: GPL-2.0-only
"""stream.json: what the guest's frames said, as ktrecv has decoded them.

In:  bulk.bin. Out: ktrecv's files in the run directory, and stream.json as a value. ktrecv bounds its size and quotes
all text of the guest; the keys are documented in docs/internals/replay-format.md.
"""
from __future__ import annotations

import itertools
import re
import signal
import subprocess
from dataclasses import dataclass
from typing import Any, Optional

from ..lib.jobs import Jobs
from ..lib.records import BadRecord, from_json, read_json
from ..lib.rundir import STREAM, RunDirectory
from ..lib.text import note
from ..options.options import Options

NAME = "stream.json"
_READ = (0, 1, 2)  # the statuses of ktrecv with which it has written its files
_UNWRITTEN = {5: "stdout", 6: "stderr"}  # it has, but could not pass on what the payload wrote
_WITHOUT, _RECORDER = "without:", "recorder:"  # the text of a mark (docs/internals/wire.md)
_FIRST_OF_OTHERS = ("scheduler-started", "payload-starting")  # from these marks on, others than /init may send marks
_GOOD_STOPS = (0, 128 + signal.SIGTERM)
_SIZE_MAX = 256 * 1024 * 1024


@dataclass(frozen=True)
class Dump:
    number: int
    complete: bool
    type: str
    rule: str  # how its end was recognised; "unknown": no end frame came, "none": ktpipe saw no end
    kind: int
    bytes: int
    lines: int
    lost: int
    unsent: int
    reason: str
    scheduler: Optional[str] = None  # its name; None: the kernel does not say it
    cgroup: Optional[str] = None  # of a sub-scheduler; None: the root scheduler

    @property
    def file(self) -> str:
        return f"dump-{self.number}.txt"


@dataclass(frozen=True)
class SubScheduler:
    id: int  # of its cgroup
    state: str  # attached, detached or ejected: the newest one
    kind: int  # of its end
    name: Optional[str]
    cgroup: Optional[str]
    reason: Optional[str]  # of its end


@dataclass(frozen=True)
class Test:
    status: str  # passed, failed or skipped
    ms: int
    file: Optional[str]
    name: Optional[str]
    message: Optional[str]


@dataclass(frozen=True)
class Mark:
    ms: int  # since the guest's boot
    what: str


@dataclass(frozen=True)
class Fetched:
    """What came of one --get."""
    path: str
    complete: bool
    files: int
    bytes: int
    skipped: int
    reason: Optional[str]


@dataclass(frozen=True)
class Stream:
    """The defaults are those of a stream that nothing is known of."""
    exit_code: Optional[int] = None
    exec_exit_code: Optional[int] = None
    sched_exit_code: Optional[int] = None
    sys_ready: bool = False
    init_error: Optional[str] = None
    script_error: Optional[str] = None  # the first line of --enable or --disable that failed
    scheduler_attached: bool = False
    scheduler_name: Optional[str] = None
    scheduler_ejected: bool = False
    scheduler_ejected_reason: Optional[str] = None
    scheduler_died: bool = False
    scheduler_died_reason: Optional[str] = None
    scheduler_not_attached: bool = False
    scheduler_not_attached_reason: Optional[str] = None
    scheduler_detached_reason: Optional[str] = None
    scheduler_end: Optional[str] = None
    scheduler_restarts: int = 0  # how often it was detached and attached again
    sub_scheduler_count: int = 0
    sub_schedulers: tuple[SubScheduler, ...] = ()
    payload_started: bool = False
    elapsed_ms: Optional[int] = None
    dumps: tuple[Dump, ...] = ()
    tests_passed: int = 0
    tests_failed: int = 0
    tests_skipped: int = 0
    tests: tuple[Test, ...] = ()
    marks_sent: int = 0
    marks: tuple[Mark, ...] = ()
    files: tuple[Fetched, ...] = ()
    files_count: int = 0
    files_incomplete: int = 0
    files_stray_frames: int = 0
    unwritten_bytes: int = 0
    bytes: int = 0
    damaged: int = 0
    truncated: bool = False
    complete: Optional[bool] = None
    missing_bytes: Optional[int] = None
    kernel_log_ended: bool = False  # all of it was sent

    @property
    def tests_count(self) -> int:
        return self.tests_passed + self.tests_failed + self.tests_skipped

    @property
    def without(self) -> tuple[str, ...]:
        """The options of the kernel that /init says it went without."""
        of_init = itertools.takewhile(lambda mark: mark.what not in _FIRST_OF_OTHERS, self.marks)
        return tuple(mark.what[len(_WITHOUT):] for mark in of_init if mark.what.startswith(_WITHOUT))

    @property
    def recorder_lacks(self) -> tuple[str, ...]:
        """What /init says that the flight recorder goes without."""
        of_init = itertools.takewhile(lambda mark: mark.what not in _FIRST_OF_OTHERS, self.marks)
        return tuple(mark.what[len(_RECORDER):] for mark in of_init if mark.what.startswith(_RECORDER))

    @property
    def stop_status(self) -> Optional[int]:
        """Of a scheduler that was asked to end, as a shell says it; None: it was not asked, or nothing is known."""
        found = re.fullmatch(r"stopped code=([0-9]{1,9})", self.scheduler_end or "", re.ASCII)
        return int(found.group(1)) if found else None

    @property
    def stop_took_a_kill(self) -> bool:
        """ktexitmon killed the scheduler, which did not end when it was asked to."""
        return any(mark.what == "scheduler-kill" for mark in self.marks)

    @property
    def stopped_badly(self) -> bool:
        """It was asked to end by SIGTERM, and neither ended with 0 nor by that signal."""
        return (self.scheduler_end or "").startswith("stopped ") and self.stop_status not in _GOOD_STOPS

    @property
    def death_dump(self) -> Optional[Dump]:
        """The newest dump of an error exit of the scheduler under test, not of a sub-scheduler or another one."""
        return next((dump for dump in reversed(self.dumps) if dump.type == "error" and self._is_own(dump)), None)

    @property
    def shown_dump(self) -> Optional[Dump]:
        """The one that a person would open first: of the death, else the newest of the scheduler under test."""
        own = next((dump for dump in reversed(self.dumps) if self._is_own(dump)), None)
        return self.death_dump or own or (self.dumps[-1] if self.dumps else None)

    def _is_own(self, dump: Dump) -> bool:
        return dump.cgroup is None and (None in (dump.scheduler, self.scheduler_name)
                                        or dump.scheduler == self.scheduler_name)


def share_of(max_output_kib: int) -> int:
    """Bytes of one stream: an eighth of --max-output."""
    return max_output_kib // 4 * 512


def reader_command(busybox: str, directory: RunDirectory, options: Options, is_plain: bool,
                   *words: str) -> list[str]:
    """Of the files that a guest can have any number of, each frame is in one: they need as much as the stream, and half
    of that again for their inodes and blocks."""
    space = share_of(options.streams_kib) * 3 // 2
    return [busybox, "ktrecv", *words, *(["--plain"] if is_plain else []), "-m", str(space), "-d", directory.path,
            directory.file(STREAM)]


def decode(busybox: str, directory: RunDirectory, options: Options, is_plain: bool, jobs: Jobs) -> Optional[str]:
    """Decode a finished stream, with the payload's output on ktrun's own stdout and stderr, as in the run.

    Returns the one that could not be written.
    """
    reader = jobs.start(reader_command(busybox, directory, options, is_plain),
                        stdout=subprocess.DEVNULL if options.report_on_stdout else None)
    jobs.wait(reader)
    error = None if has_read(reader.reap()) else decode_for_files(busybox, directory, options, is_plain, jobs)
    if error:
        note(f"the guest's stream can't be decoded: {error}")
    return unwritten(reader.reap())


def has_read(status: int) -> bool:
    """Whether ktrecv, which ended with STATUS, has read the stream and written its files."""
    return status in _READ or status in _UNWRITTEN


def unwritten(status: int) -> Optional[str]:
    """Which of ktrun's own outputs ktrecv could not write."""
    return _UNWRITTEN.get(status)


def decode_for_files(busybox: str, directory: RunDirectory, options: Options, is_plain: bool,
                     jobs: Jobs) -> Optional[str]:
    """Decode the whole stream once more, for its files only: the reader before it could not write, or was killed.

    Returns why that failed, too; None: it did not.
    """
    result = jobs.tool(reader_command(busybox, directory, options, is_plain), stdout=subprocess.DEVNULL)
    return None if has_read(result.status) else f"{result.first_error}, status {result.status}"


def has_status(directory: RunDirectory) -> bool:
    """Whether the payload, which may be the shell, ended in order."""
    try:
        return read_stream(directory)[0].exec_exit_code is not None
    except BadRecord:
        return False


def read_stream(directory: RunDirectory) -> tuple[Stream, dict[str, Any]]:
    """The value, and all keys as they are in the file. Raises BadRecord."""
    keys = read_json(directory.file(NAME), _SIZE_MAX)
    if not isinstance(keys, dict):
        raise BadRecord("no object")
    return from_json(Stream, keys, is_exact=False), keys

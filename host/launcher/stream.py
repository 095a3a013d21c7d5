# SPDX-License-Identifier: GPL-2.0-only
"""stream.json: what the guest's frames said, as ktrecv has decoded them.

In:  bulk.bin. Out: ktrecv's files in the run directory, and stream.json as a value. ktrecv bounds its size and quotes
all text of the guest; the keys are documented in docs/internals/replay-format.md.
"""
from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Any, Optional

from .jobs import Jobs
from .records import BadRecord, from_json, read_json
from .rundir import STREAM, RunDirectory
from .text import note

NAME = "stream.json"
READ_MAX = 2  # the highest status of ktrecv with which it has written its files
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
    scheduler_attached: bool = False
    scheduler_name: Optional[str] = None
    scheduler_ejected: bool = False
    scheduler_ejected_reason: Optional[str] = None
    scheduler_died: bool = False
    scheduler_died_reason: Optional[str] = None
    scheduler_not_attached: bool = False
    scheduler_not_attached_reason: Optional[str] = None
    scheduler_end: Optional[str] = None
    payload_started: bool = False
    elapsed_ms: Optional[int] = None
    dumps: tuple[Dump, ...] = ()
    tests_passed: int = 0
    tests_failed: int = 0
    tests_skipped: int = 0
    tests: tuple[Test, ...] = ()
    marks: tuple[Mark, ...] = ()
    files: tuple[Fetched, ...] = ()
    bytes: int = 0
    damaged: int = 0
    truncated: bool = False
    complete: Optional[bool] = None
    missing_bytes: Optional[int] = None

    @property
    def tests_count(self) -> int:
        return self.tests_passed + self.tests_failed + self.tests_skipped

    @property
    def error_dump(self) -> Optional[Dump]:
        """The newest dump of an error exit."""
        return next((dump for dump in reversed(self.dumps) if dump.type == "error"), None)


def reader_command(busybox: str, directory: RunDirectory, is_plain: bool, *options: str) -> list[str]:
    return [busybox, "ktrecv", *options, *(["--plain"] if is_plain else []), "-d", directory.path,
            directory.file(STREAM)]


def decode(busybox: str, directory: RunDirectory, is_plain: bool, has_stdout: bool, jobs: Jobs) -> None:
    """Decode a finished stream, with the payload's output on ktrun's own stdout and stderr, as in the run."""
    reader = jobs.start(reader_command(busybox, directory, is_plain),
                        stdout=None if has_stdout else subprocess.DEVNULL)
    jobs.wait(reader)
    error = decode_for_files(busybox, directory, is_plain, jobs) if reader.reap() > READ_MAX else None
    if error:
        note(f"the guest's stream can't be decoded: {error}")


def decode_for_files(busybox: str, directory: RunDirectory, is_plain: bool, jobs: Jobs) -> Optional[str]:
    """Decode the whole stream once more, for its files only: the reader before it could not write, or was killed.

    Returns why that failed, too; None: it did not.
    """
    result = jobs.tool(reader_command(busybox, directory, is_plain), stdout=subprocess.DEVNULL)
    return f"{result.first_error}, status {result.status}" if result.status > READ_MAX else None


def read_stream(directory: RunDirectory) -> tuple[Stream, dict[str, Any]]:
    """The value, and all keys as they are in the file. Raises BadRecord."""
    keys = read_json(directory.file(NAME), _SIZE_MAX)
    if not isinstance(keys, dict):
        raise BadRecord("no object")
    return from_json(Stream, keys, is_exact=False), keys

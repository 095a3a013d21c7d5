# SPDX-License-Identifier: GPL-2.0-only
"""The run directory: what a run leaves, and all that judge and report read.

In:  a path. Out: paths below it. One run at a time: `lock` is held by ktrun, QEMU and the reader of the frames.
Exit: Fault when it cannot be written, or is another run's.
"""
from __future__ import annotations

import fcntl
import os
import re
import shutil
from types import TracebackType
from typing import Optional

from .text import Fault

STREAM, CONSOLE, COM2, QEMU_LOG = "bulk.bin", "console.log", "com2.log", "qemu.log"
SCHED_LOG = "sched.log"
KMSG = "kmsg"  # decoded from the stream
# What a run writes itself; a file of another name is not touched.
_OURS = re.compile(r"bulk\.bin|console\.log|com2\.log|qemu\.log|stdout|stderr|dmesg|printk|kmsg|history|result\.json(\.new)?"
                   r"|stream\.json(\.new)?|host\.json|host\.txt|get\.list|hang\.txt|sched\.log|sched-[0-9].*\.log"
                   r"|dump-[0-9].*\.txt", re.DOTALL)


class RunDirectory:
    """A locked run directory. Leaving the block unlocks it."""

    def __init__(self, path: str,
                 in_use: str = "a run, or the QEMU that a killed one has left behind, is still at work in") -> None:
        self.path = path
        self._in_use = in_use
        self.lock_fd = -1

    def file(self, name: str) -> str:
        return f"{self.path}/{name}"

    def size(self, name: str) -> int:
        """0 for a file that is not there."""
        path = self.file(name)
        return os.stat(path).st_size if os.path.exists(path) else 0

    def __enter__(self) -> "RunDirectory":
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            os.makedirs(self.path, exist_ok=True)
            _check_files(self.path)
            self.lock_fd = os.open(self.file("lock"), flags, 0o666)
        except OSError as error:
            raise Fault(f"output is not writable: {self.path}") from error
        try:
            fcntl.flock(self.lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self.lock_fd)
            raise Fault(f"{self._in_use} {self.path}") from error
        return self

    def __exit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        os.close(self.lock_fd)

    def prepare(self, has_gets: bool) -> None:
        """Remove the artifacts of an earlier run, which would be taken for this run's."""
        self._prepare_get(has_gets)
        try:
            for entry in os.scandir(self.path):
                if _OURS.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    os.unlink(entry.path)
            for name in (STREAM, CONSOLE, COM2):
                with open(self.file(name), "ab"):
                    pass
        except OSError as error:
            raise Fault(f"output is not writable: {self.path}") from error

    def _prepare_get(self, has_gets: bool) -> None:
        """Remove files fetched by an earlier run, but never empty a directory that ktrun did not create."""
        get = self.file("get")
        is_ours = any(os.path.exists(self.file(name)) for name in ("result.json", "host.json"))
        if is_ours and os.path.isdir(get) and not os.path.islink(get):
            shutil.rmtree(get)
        if has_gets and os.path.lexists(get):
            raise Fault(f"--get: in the way, and not of a run: {get}")

    def replace(self, name: str, data: bytes) -> None:
        """Write a file in one step: a reader sees the old one or the new one."""
        new = f"{self.file(name)}.{os.getpid()}"
        try:
            with open(new, "wb") as file:
                file.write(data)
            os.replace(new, self.file(name))
        except OSError as error:
            raise Fault(f"unable to write {self.file(name)}: {error.strerror}") from error


def _check_files(path: str) -> None:
    """What has a name of ours is no FIFO or device: opening it could wait for ever. A directory is another's."""
    for entry in os.scandir(path):
        if is_ours(entry.name) and os.path.exists(entry.path) and not entry.is_file() and not entry.is_dir():
            raise Fault(f"not a file: {entry.path}")


def is_ours(name: str) -> bool:
    return name == "lock" or _OURS.fullmatch(name) is not None


def check_output(path: str, given: Optional[str]) -> None:
    """Raise Fault unless PATH can be made a run directory."""
    parent = path
    while not os.path.exists(parent):
        parent = os.path.dirname(parent) or "/"
    if not os.path.isdir(parent) or not os.access(parent, os.W_OK):
        raise Fault(f"output is not writable: {given or path} ({parent} is in the way)")

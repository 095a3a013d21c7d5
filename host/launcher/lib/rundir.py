# SPDX-License-Identifier: GPL-2.0-only
"""The run directory: what a run leaves, and all that judge and report read.

In:  a path. Out: paths below it. One run at a time: `lock` is held by ktrun, QEMU and the reader of the frames.
Exit: Fault when it cannot be written, is another run's, or has files that no run has made.

A directory may be a user's own, or come from anywhere: a file is removed or replaced only where a marker says that a
run has made it, and nothing is written through a link.
"""
from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from types import TracebackType
from typing import IO, Iterator, Optional, Sequence

from .jobs import CannotGoOn
from .text import Fault

STREAM, CONSOLE, COM2, QEMU_LOG = "bulk.bin", "console.log", "com2.log", "qemu.log"
SCHED_LOG = "sched.log"
KMSG = "kmsg"  # decoded from the stream
VMCORE = "vmcore"
RR_LOG, RR_KERNEL, RR_INITRAMFS, RR_MACHINE = "rr.log", "rr.kernel", "rr.initramfs", "rr.json"  # of --record-replay
# What a run writes itself; a file of another name is not touched.
_NUMBERED = re.compile(r"sched-[0-9].*\.log|dump-[0-9].*\.txt|bpf-[0-9].*\.json", re.DOTALL)
_OURS = re.compile(r"bulk\.bin|console\.log|com2\.log|qemu\.log|stdout|stderr|dmesg|printk|kmsg|history|stats"
                   r"|metrics\.tsv|vmcore|rr\.(log|kernel|initramfs|json)|symbols\.json|result\.json(\.new)?"
                   r"|trace\.dat|trace\.systrace"
                   r"|stream\.json(\.new)?|host\.json|host\.txt|get\.list|hang\.txt|sched\.log|\.ktbox-[0-9a-f]+\.new"
                   r"|" + _NUMBERED.pattern, re.DOTALL)
# applets/host/artifacts.h has the same.
_ATTEMPT = re.compile(r"attempt-[0-9]{1,3}")
_MARKER = ".ktbox-run"
_MARKER_TEXT = b"A run of ktbox has made this directory, or the files in it that have a run's names.\n"
_MARKER_GET = b"get/ was there before.\n"
_SPACE_LEAST = 65536  # bytes: of a directory with less, not even the verdict may fit


@contextlib.contextmanager
def replaced(path: str) -> Iterator[IO[bytes]]:
    """A file that takes its name in one step when the block ends: a reader sees the old one or the new one. What has
    the name before, a link too, is replaced. An error leaves nothing behind."""
    new = f"{os.path.dirname(path) or '.'}/.ktbox-{os.urandom(8).hex()}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(new, flags, 0o666)
    try:
        with open(descriptor, "wb") as file:
            yield file
        os.replace(new, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):  # a signal may come when it has its name already
            os.unlink(new)
        raise


def create(path: str) -> IO[bytes]:
    """A new file, never one that is there."""
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666), "wb")


class RunDirectory:
    """A locked run directory. Leaving the block unlocks it."""

    def __init__(self, path: str,
                 in_use: str = "a run, or the QEMU that a killed one has left behind, is still at work in",
                 reader: Optional[str] = None) -> None:
        """READER: the option that only reads the directory. It waits for no run, but makes no lock of its own."""
        self.path = path
        self._in_use = in_use
        self._reader = reader
        self.lock_fd = -1  # of a reader, where there is no lock

    def file(self, name: str) -> str:
        return f"{self.path}/{name}"

    def size(self, name: str) -> int:
        """0 for a file that is not there."""
        path = self.file(name)
        return os.stat(path).st_size if os.path.exists(path) else 0

    def __enter__(self) -> "RunDirectory":
        lock = self.file("lock")
        if os.path.lexists(lock) and (os.path.islink(lock) or not os.path.isfile(lock)):
            raise Fault(f"not a file: {lock}")
        if self._reader and not os.path.exists(lock):
            return self
        self.lock_fd = self._open_lock(lock)
        try:
            fcntl.flock(self.lock_fd, (fcntl.LOCK_SH if self._reader else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self.lock_fd)
            raise Fault(f"{self._in_use} {self.path}") from error
        return self

    def _open_lock(self, lock: str) -> int:
        flags = os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            if self._reader:
                return os.open(lock, flags | os.O_RDONLY)
            os.makedirs(self.path, exist_ok=True)
            return os.open(lock, flags | os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            what = f"{self._reader}: not readable" if self._reader else "output is not writable"
            raise Fault(f"{what}: {self.path}: {error.strerror}: {error.filename}") from error

    def __exit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        if self.lock_fd >= 0:
            os.close(self.lock_fd)

    def prepare(self, has_gets: bool) -> None:
        """Remove the artifacts of an earlier run, which would be taken for this run's."""
        try:
            self._check_entries(_NUMBERED)
            check_free(self.path, "output")
            self._claim(is_run=False)
            self._prepare_get(has_gets)
            for entry in os.scandir(self.path):
                if _OURS.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    os.unlink(entry.path)
            for name in (STREAM, CONSOLE, COM2):
                create(self.file(name)).close()
        except OSError as error:
            raise Fault(f"output is not writable: {self.path}: {error.strerror}") from error

    def remove_attempts(self, is_in_the_way: bool) -> None:
        """Those of an earlier run. Raises Fault for a directory of that name which no run has made, where it is in the
        way."""
        entries = [entry for entry in os.scandir(self.path) if _ATTEMPT.fullmatch(entry.name)]
        own = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)
               and _read_marker(entry.path).startswith(_MARKER_TEXT)]
        other = next((entry.path for entry in entries if entry.path not in own), None)
        if other and is_in_the_way:
            raise Fault(f"--retries: in the way, and not of a run: {other}")
        for path in own:
            shutil.rmtree(path)

    def set_aside(self, name: str) -> None:
        """All artifacts into a run directory NAME below this one."""
        try:
            os.mkdir(self.file(name))
            with create(self.file(f"{name}/{_MARKER}")) as marker:
                marker.write(_MARKER_TEXT)
            is_own_get = _MARKER_GET not in _read_marker(self.path)
            for entry in os.scandir(self.path):
                is_file = _OURS.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
                if is_file or (entry.name == "get" and is_own_get):
                    os.rename(entry.path, self.file(f"{name}/{entry.name}"))
        except OSError as error:
            raise Fault(f"unable to keep an attempt in {self.file(name)}: {error.strerror}") from error

    def check_files(self, option: str) -> None:
        """Raise Fault for what has the name of an artifact and is none: of a directory that OPTION names, nothing is
        trusted."""
        try:
            self._check_entries(None)
        except OSError as error:
            raise Fault(f"{option}: not readable: {self.path}: {error.strerror}") from error

    def claim_for_replay(self, is_run: bool) -> None:
        """For a replay, which writes again what is derived. IS_RUN: a host.json that ktrun writes is there."""
        try:
            self._claim(is_run, (STREAM, CONSOLE, COM2, QEMU_LOG))
        except OSError as error:
            raise Fault(f"--replay: not writable: {self.path}: {error.strerror}") from error

    def _check_entries(self, but_for: Optional[re.Pattern[str]]) -> None:
        """What has a name of ours is a file: opening a FIFO could wait for ever, a link leads elsewhere. BUT_FOR: names
        that a directory of others may have."""
        for entry in os.scandir(self.path):
            if entry.name == "get":
                is_good = entry.is_dir(follow_symlinks=False)
            elif entry.name == _MARKER or is_ours(entry.name):
                is_good = entry.is_file(follow_symlinks=False)
                is_good |= bool(but_for and but_for.fullmatch(entry.name)) and entry.is_dir(follow_symlinks=False)
            else:
                continue
            if not is_good:
                raise Fault(f"not a {'directory' if entry.name == 'get' else 'file'}: {entry.path}")

    def _claim(self, is_run: bool, stays: Sequence[str] = ()) -> None:
        """Mark the directory as a run's, unless it is. Raises Fault for a file with a run's name that no run has made,
        but for those that are only read (STAYS)."""
        if _read_marker(self.path).startswith(_MARKER_TEXT):
            return
        for entry in os.scandir(self.path):
            if not is_run and _OURS.fullmatch(entry.name) and entry.name not in stays:
                raise Fault(f"no run has made this file ({_MARKER} is not there), so it stays: {entry.path}")
        with create(self.file(_MARKER)) as marker:
            marker.write(_MARKER_TEXT + (_MARKER_GET if os.path.lexists(self.file("get")) and not is_run else b""))

    def _prepare_get(self, has_gets: bool) -> None:
        """Remove files fetched by an earlier run, but never empty a directory that ktrun did not create."""
        get = self.file("get")
        if os.path.lexists(get) and _MARKER_GET not in _read_marker(self.path):
            shutil.rmtree(get)
        if has_gets and os.path.lexists(get):
            raise Fault(f"--get, --trace: in the way, and not of a run: {get}")

    def check_space(self) -> None:
        """Raise CannotGoOn when nothing more can be written."""
        try:
            with replaced(self.file("result.json.new")) as file:
                file.write(b" " * _SPACE_LEAST)
                file.flush()
            os.unlink(self.file("result.json.new"))
        except OSError as error:
            raise CannotGoOn(f"unable to write to {self.path}: {error.strerror}") from error

    def replace(self, name: str, data: bytes) -> None:
        try:
            with replaced(self.file(name)) as file:
                file.write(data)
        except OSError as error:
            raise Fault(f"unable to write {self.file(name)}: {error.strerror}") from error


def _read_marker(directory: str) -> bytes:
    try:
        with open(f"{directory}/{_MARKER}", "rb") as marker:
            return marker.read(1000)
    except FileNotFoundError:
        return b""


def check_free(path: str, what: str, least: int = 4 * _SPACE_LEAST) -> None:
    """Raise Fault for a file system that is as good as full."""
    state = os.statvfs(path)
    free = (state.f_bfree if os.geteuid() == 0 else state.f_bavail) * state.f_frsize
    if free < least:
        raise Fault(f"{what}: no space left on the disk: {path} has {free // 1024} KiB, {least // 1024} are needed")
    if state.f_files and not state.f_ffree:
        raise Fault(f"{what}: no inodes left on the disk: {path}")


def is_ours(name: str) -> bool:
    return name in ("lock", _MARKER) or _OURS.fullmatch(name) is not None


def check_output(path: str, given: Optional[str]) -> None:
    """Raise Fault unless PATH can be made a run directory."""
    parent = path
    while not os.path.exists(parent):
        parent = os.path.dirname(parent) or "/"
    if not os.path.isdir(parent) or not os.access(parent, os.W_OK):
        raise Fault(f"output is not writable: {given or path} ({parent} is in the way)")

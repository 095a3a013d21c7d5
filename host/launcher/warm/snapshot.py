# SPDX-License-Identifier: GPL-2.0-only
"""The cache of saved guests: a directory for each, CACHE/warm/KEY.

In a snapshot's directory: the files of its RAM, `state` (of its devices), `initramfs.cpio`, what it has written before
it was saved (bulk.bin, console.log, com2.log), and `snapshot.json`, which is a Record. It is made aside and moved into
place, and not changed after that; each user of it has a shared lock on its directory, which the QEMU that maps its RAM
inherits. KEY.lock is held while one is made.

Only its owner can read or write it. A snapshot belongs to one boot of this machine: after a power failure its files
might have gaps, and a guest has the counter of the machine that it was saved on.

In:  Paths, a key, KTRUN_WARM_MAX. Out: Snapshot. CannotCache, with the reason, for a cache that can't be used, and
DamagedSnapshot for what is in it and not as it was made.
"""
from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import time
from dataclasses import dataclass
from typing import Iterator, NamedTuple, Optional

from ..lib.digest import sha256_of
from ..lib.records import BadRecord, from_json, read_json, to_json
from ..lib.rundir import COM2, CONSOLE, STREAM
from ..options.values import Size, parse_size

FORMAT = 1
STATE, INITRAMFS = "state", "initramfs.cpio"
COPIED = (STREAM, CONSOLE, COM2)  # the begin of a run's own
_RECORD, _DIGESTS = "snapshot.json", "digests.json"
_RECORD_MAX = 65536
_KEY = re.compile(r"[0-9a-f]{32}")
_NEW = re.compile(r"new\.[0-9a-f]{16}")
_DIGESTS_KEPT = 20
_DEFAULT_MAX = "4G"


class CannotCache(Exception):
    """The text says why."""


class DamagedSnapshot(Exception):
    """The text says in what."""


@dataclass(frozen=True)
class FileState:
    """By which a changed file is known without reading it: nobody can set the time of its change (ctime)."""
    name: str
    size: int
    inode: int
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True)
class Record:
    format: int
    made: int  # seconds since 1970
    words: str  # the kernel's command line
    title: str  # for people: kernel, accelerator, memory, CPUs
    files: tuple[FileState, ...]


class Snapshot(NamedTuple):
    directory: str
    record: Record
    lock: int  # a descriptor; the lock is shared and lasts as long as one process has it open

    def file(self, name: str) -> str:
        return f"{self.directory}/{name}"

    @property
    def age_secs(self) -> int:
        return max(0, int(time.time()) - self.record.made)


class Listed(NamedTuple):
    """A directory of the cache, for people. RECORD: None for one that is damaged."""
    name: str
    record: Optional[Record]
    bytes: int
    used: float
    is_in_use: bool


def boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def limit_bytes() -> int:
    """KTRUN_WARM_MAX. Raises Fault."""
    size: Size = parse_size("KTRUN_WARM_MAX", os.environ.get("KTRUN_WARM_MAX") or _DEFAULT_MAX)
    return size.kib * 1024


class Cache:
    def __init__(self, cache: str) -> None:
        """CACHE: of Paths; empty: there is none."""
        if not cache:
            raise CannotCache("there is no directory for a cache: set HOME or XDG_CACHE_HOME")
        self.path = cache + "/warm"

    def open(self) -> None:
        try:
            os.makedirs(self.path, 0o700, exist_ok=True)
            status = os.stat(self.path)
            if status.st_uid != os.geteuid():
                raise CannotCache(f"the cache is another user's: {self.path}")
            if status.st_mode & 0o077:
                os.chmod(self.path, 0o700)
            if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
                raise CannotCache(f"no permission for the cache, or it is read-only: {self.path}")
        except OSError as error:
            raise CannotCache(f"unable to use the cache {self.path}: {error.strerror}") from error

    # What a key is made of

    def digest(self, path: str) -> str:
        """SHA-256 of a large file's content, remembered by what changes with it."""
        status = os.stat(path)
        name = f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
        known = self._known_digests()
        if name not in known:
            known = dict(list(known.items())[1 - _DIGESTS_KEPT:])
            known[name] = sha256_of(path)
            with contextlib.suppress(OSError):  # the next run computes it again
                with open(f"{self.path}/{_DIGESTS}.{os.getpid()}", "w", encoding="ascii") as file:
                    json.dump(known, file)
                os.replace(f"{self.path}/{_DIGESTS}.{os.getpid()}", f"{self.path}/{_DIGESTS}")
        return known[name]

    def _known_digests(self) -> dict[str, str]:
        try:
            known: dict[str, str] = read_json(f"{self.path}/{_DIGESTS}", _RECORD_MAX)
        except BadRecord:
            return {}
        is_good = isinstance(known, dict) and all(isinstance(value, str) for value in known.values())
        return known if is_good else {}

    # Finding

    def find(self, key: str) -> Optional[Snapshot]:
        """Locked for its use; None: there is none. Raises DamagedSnapshot."""
        path = f"{self.path}/{key}"
        if _is_stray(path):
            raise DamagedSnapshot(f"{path}: not a directory")
        lock = _lock_directory(path, fcntl.LOCK_SH)
        if lock is None:
            return None
        try:
            record = _read_record(path)
            _check_files(path, record)
            os.utime(path)
        except BaseException as error:
            os.close(lock)
            if isinstance(error, OSError):
                raise DamagedSnapshot(f"{error.filename or path}: {error.strerror}") from error
            raise
        return Snapshot(path, record, lock)

    def discard(self, key: str) -> None:
        """One that can't be used. What fails is left."""
        with contextlib.suppress(OSError):
            self._remove(key)

    # Making

    def making(self, key: str) -> int:
        """A descriptor of the file whose lock (exclusive) is the right to make this snapshot."""
        try:
            return os.open(f"{self.path}/{key}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CannotCache(f"unable to write to the cache: {error.filename}: {error.strerror}") from error

    @contextlib.contextmanager
    def new_directory(self) -> Iterator[str]:
        """Aside; what is still there at the end is removed."""
        self.remove_left_over()
        path = f"{self.path}/new.{os.urandom(8).hex()}"
        try:
            os.mkdir(path, 0o700)
        except OSError as error:
            raise CannotCache(f"unable to write to the cache {self.path}: {error.strerror}") from error
        lock = _lock_directory(path, fcntl.LOCK_EX)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
            if lock is not None:
                os.close(lock)

    def add(self, key: str, new: str, words: str, title: str) -> None:
        """NEW, whose files are written, becomes the snapshot. Space is made for it first."""
        try:
            size, limit = size_of(new), limit_bytes()
            if size > limit:
                raise CannotCache(f"the snapshot takes {size >> 20} MiB, more than KTRUN_WARM_MAX ({limit >> 20} MiB)")
            self._make_space(limit - size)
            record = Record(FORMAT, int(time.time()), words, title,
                            tuple(_state_of(new, name) for name in sorted(os.listdir(new))))
            with open(f"{new}/{_RECORD}", "wb") as file:
                file.write(to_json(record))
            os.rename(new, f"{self.path}/{key}")
        except OSError as error:
            raise CannotCache(f"unable to keep the snapshot in {self.path}: {error.strerror}") from error

    def _make_space(self, limit: int) -> None:
        """The least recently used ones go first, and never one that is in use."""
        listed = sorted(self.entries(), key=lambda entry: entry.used)
        total = sum(entry.bytes for entry in listed)
        for entry in listed:
            if total > limit and not entry.is_in_use and self._remove(entry.name):
                total -= entry.bytes

    def remove_left_over(self) -> bool:
        """True: there was something of a ktrun that was killed."""
        found = False
        with contextlib.suppress(OSError):
            for name in os.listdir(self.path):
                found = _NEW.fullmatch(name) is not None and self._remove(name) or found
        return found

    # Listing and clearing

    def entries(self) -> list[Listed]:
        """Raises OSError."""
        found: list[Listed] = []
        for name in sorted(os.listdir(self.path)):
            path = f"{self.path}/{name}"
            if _KEY.fullmatch(name):
                with contextlib.suppress(FileNotFoundError):  # another ktrun has just removed it
                    found.append(self._listed(name, path))
        return found

    def _listed(self, name: str, path: str) -> Listed:
        if _is_stray(path):
            return Listed(name, None, 0, os.lstat(path).st_mtime, False)
        try:
            record: Optional[Record] = _read_record(path)
        except DamagedSnapshot:
            record = None
        return Listed(name, record, size_of(path), os.stat(path).st_mtime, self._is_in_use(path))

    def clear(self) -> tuple[int, int]:
        """Everything but what is in use. Returns the number of snapshots and their bytes. Raises OSError."""
        count = freed = 0
        for entry in self.entries():
            if not entry.is_in_use and self._remove(entry.name):
                count, freed = count + 1, freed + entry.bytes
        self.remove_left_over()
        for name in os.listdir(self.path):
            if name.endswith(".lock") or name.startswith(_DIGESTS):
                os.unlink(f"{self.path}/{name}")
        return count, freed

    def _is_in_use(self, path: str) -> bool:
        lock = _lock_directory(path, fcntl.LOCK_EX)
        if lock is not None:
            os.close(lock)
        return lock is None

    def _remove(self, name: str) -> bool:
        """False: it is in use, or is not there. It loses its name first, so that nobody finds a part of it."""
        path = f"{self.path}/{name}"
        if _is_stray(path):
            os.unlink(path)
            return True
        lock = _lock_directory(path, fcntl.LOCK_EX)
        if lock is None:
            return False
        try:
            gone = f"{self.path}/new.{os.urandom(8).hex()}"
            os.rename(path, gone)
            shutil.rmtree(gone)
        finally:
            os.close(lock)
        return True


def key_of(parts: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def size_of(path: str) -> int:
    """On the disk: the RAM has holes."""
    return sum(os.stat(f"{path}/{name}").st_blocks * 512 for name in os.listdir(path))


def _is_stray(path: str) -> bool:
    """A link or a file that somebody has put in a snapshot's place."""
    return os.path.lexists(path) and (os.path.islink(path) or not os.path.isdir(path))


def _lock_directory(path: str, kind: int) -> Optional[int]:
    """None: it is not there, or KIND is exclusive and another has it. A shared lock waits for those who look whether
    the directory is in use, or remove it: a moment. One that has lost its name meanwhile is not there."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, kind | (fcntl.LOCK_NB if kind == fcntl.LOCK_EX else 0))
        if os.path.samestat(os.fstat(lock), os.stat(path)):
            return lock
    except OSError:
        pass
    os.close(lock)
    return None


def _read_record(path: str) -> Record:
    try:
        record = from_json(Record, read_json(f"{path}/{_RECORD}", _RECORD_MAX))
    except BadRecord as error:
        raise DamagedSnapshot(f"{path}/{_RECORD}: {error}") from error
    if record.format != FORMAT:
        raise DamagedSnapshot(f"{path}: of another version of ktbox")
    return record


def _check_files(path: str, record: Record) -> None:
    for state in record.files:
        if "/" in state.name or _state_of(path, state.name) != state:
            raise DamagedSnapshot(f"{path}/{state.name}: not as it was made")
        if not os.access(f"{path}/{state.name}", os.R_OK | os.W_OK):
            raise DamagedSnapshot(f"{path}/{state.name}: no permission")
    if not {STATE, INITRAMFS, *COPIED} <= {state.name for state in record.files}:
        raise DamagedSnapshot(f"{path}: a file is missing")


def _state_of(path: str, name: str) -> FileState:
    status = os.stat(f"{path}/{name}", follow_symlinks=False)
    return FileState(name, status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns)

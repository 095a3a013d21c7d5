# SPDX-License-Identifier: GPL-2.0-only
"""The work directory: what is needed only while ktrun runs. Private to it, below TMPDIR, removed at its end; after a
SIGKILL by the next run."""
from __future__ import annotations

import contextlib
import fcntl
import os
import re
import resource
import shutil
from contextlib import contextmanager
from typing import Iterator

from .user_paths import absolute
from .rundir import check_free
from .text import Fault, note

_NAME = re.compile(r"ktrun\.[0-9a-f]{10}")
_SPACE_LEAST = 4 * 1024 * 1024  # the base initramfs and a small program


def work_path(suffix: str) -> str:
    return f"{absolute(os.environ.get('TMPDIR') or '/tmp')}/ktrun.{suffix}"


@contextmanager
def work_directory() -> Iterator[str]:
    """It is locked as long as ktrun lives. So those of runs that were killed are known, and removed."""
    path = work_path(os.urandom(5).hex())
    _remove_left_over(os.path.dirname(path))
    _check_limit()
    try:
        check_free(os.path.dirname(path), "temporary directory", _SPACE_LEAST)
        lock = _make_locked(path)
    except OSError as error:
        raise Fault(f"unable to create a temporary directory: {path}: {error.strerror}") from error
    try:
        yield path
    finally:
        _remove(path)
        os.close(lock)


def _check_limit() -> None:
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if 0 <= limit < _SPACE_LEAST:
        raise Fault(f"ulimit -f: a run needs files of {_SPACE_LEAST // 1024} KiB, and the limit is {limit // 1024}")


def _make_locked(path: str) -> int:
    """It gets its name when it is locked: nobody takes it for one that was left."""
    new = f"{path}.new"
    os.mkdir(new, 0o700)
    lock = os.open(new, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.rename(new, path)
    return lock


def _remove_left_over(directory: str) -> None:
    """Only what is the user's own and of a name that ktrun gives. What fails is left to the next run."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(directory):
            if not _NAME.fullmatch(entry.name) or not entry.is_dir(follow_symlinks=False):
                continue
            with contextlib.suppress(OSError):
                lock = os.open(entry.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if os.fstat(lock).st_uid == os.geteuid():
                        shutil.rmtree(entry.path)
                finally:
                    os.close(lock)


def _remove(path: str) -> None:
    """A failure is reported; it changes neither the verdict nor what else is on its way out."""
    try:
        shutil.rmtree(path)
    except OSError as error:
        if os.path.exists(path):
            note(f"unable to remove {path}: {error.strerror}")

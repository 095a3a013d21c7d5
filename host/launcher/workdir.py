# SPDX-License-Identifier: GPL-2.0-only
"""The work directory: what is needed only while ktrun runs. Private to it, below TMPDIR, removed at its end."""
from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import Iterator

from .text import Fault, note
from .values import absolute


def work_path(suffix: str) -> str:
    return f"{absolute(os.environ.get('TMPDIR') or '/tmp')}/ktrun.{suffix}"


@contextmanager
def work_directory() -> Iterator[str]:
    path = work_path(os.urandom(5).hex())
    try:
        os.mkdir(path, 0o700)
    except OSError as error:
        raise Fault(f"unable to create a temporary directory: {path}: {error.strerror}") from error
    try:
        yield path
    finally:
        _remove(path)


def _remove(path: str) -> None:
    """A failure is reported; it changes neither the verdict nor what else is on its way out."""
    try:
        shutil.rmtree(path)
    except OSError as error:
        if os.path.exists(path):
            note(f"unable to remove {path}: {error.strerror}")

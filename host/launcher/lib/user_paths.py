# SPDX-License-Identifier: GPL-2.0-only
"""Paths that the user has named: without reference to the current directory, and checks of a file before it is read.

Raises Fault with the path.
"""
from __future__ import annotations

import os
import stat

from .text import Fault


def absolute(path: str) -> str:
    """Without reference to the current directory, so that no name looks like an option."""
    if path.startswith("/"):
        return path
    try:
        return os.getcwd() + "/" + path
    except OSError as error:
        raise Fault(f"the current directory is not there: {path}") from error


def check_file(what: str, path: str) -> None:
    if not os.path.exists(path):
        raise Fault(f"{what} not found: {path}")
    if stat.S_ISFIFO(os.stat(path).st_mode):
        raise Fault(f"{what} is a pipe, which can be read only once; put its content into a file: {path}")
    if not os.path.isfile(path):
        raise Fault(f"{what} is not a file: {path}")
    if not os.access(path, os.R_OK):
        raise Fault(f"{what} is not readable: {path}")

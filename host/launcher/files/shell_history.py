# SPDX-License-Identifier: GPL-2.0-only
"""The guest shell's history, kept from session to session in a file of the user's: --history FILE.

In:  FILE; the artifact `history`: all that the guest's shell knows, sent as it was typed. Out: the text for the next
guest; FILE, with what this session has added to what other sessions have left there meanwhile.

Without a shell on a terminal there is nothing to remember, and --history, which may stand in KTRUN_OPTS, does nothing.
What the guest sends is bounded, and never more than text for the next guest's shell.
"""
from __future__ import annotations

import os

from ..lib.text import Fault, note
from ..lib.user_paths import check_file
from ..options.options import Options

LINES = 999  # what the guest's shell remembers
BYTES = 262144


def check_history(options: Options) -> None:
    path = options.history
    if not path or not options.is_interactive:
        return
    directory = os.path.dirname(path) or "/"
    if os.path.exists(path):
        check_file("--history:", path)
        if not os.access(path, os.W_OK):
            raise Fault(f"--history: not writable: {path}")
    elif not os.path.isdir(directory) or not os.access(directory, os.W_OK):
        raise Fault(f"--history: cannot create {path}")


def read_history(options: Options) -> bytes:
    """The newest lines of FILE, for the guest."""
    if not options.history or not options.is_interactive or not os.path.exists(options.history):
        return b""
    return _newest(_read(options.history, 0))


def keep_history(options: Options, given: bytes, artifact: str) -> None:
    """GIVEN: what the guest got. A failure is reported and changes no verdict."""
    if not options.history or not options.is_interactive or not os.path.exists(artifact):
        return
    try:
        added = _newest(_read(artifact, len(given)))
        descriptor = os.open(options.history, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with open(descriptor, "ab") as file:
            file.write(added)
        _shorten(options.history)
    except OSError:
        note(f"--history: unable to write {options.history}")


def _read(path: str, start: int) -> bytes:
    """At most BYTES of the file's end, from START on."""
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(max(start, size - BYTES))
        return file.read(BYTES)


def _newest(data: bytes) -> bytes:
    """The last LINES lines, each with its end."""
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return b"".join(line + b"\n" for line in lines[-LINES:])


def _shorten(path: str) -> None:
    """Only once the file has twice of what is read."""
    with open(path, "rb") as file:
        lines = sum(1 for _ in file)
    if lines > 2 * LINES:
        newest = _newest(_read(path, 0))
        with open(path, "r+b") as file:
            file.write(newest)
            file.truncate()

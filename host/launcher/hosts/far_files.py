# SPDX-License-Identifier: GPL-2.0-only
"""A run directory on its way from a host of --hosts.

A host is trusted no more than a guest, and an archive format has links, devices and sizes that lie. So this is all
there is: for each file a line of JSON with its name and its size, and then its bytes; a line for each directory; a line
at the end. In: a directory, or such a stream. Out: the stream; a new directory. Ends: at the last line; at the limits.
"""
from __future__ import annotations

import json
import os
import shutil
import stat
from typing import BinaryIO, Optional

from ..lib.rundir import create

_LINE_MAX, _NAMES_MAX, _DEPTH_MAX = 65536, 100000, 64
_BLOCK = 1 << 20


class BadTree(Exception):
    """The stream ended too early, or is none. The text says which."""


def send_tree(top: str, out: BinaryIO) -> None:
    """Files and directories below TOP; nothing else goes."""
    for directory, _, names in os.walk(top):
        below = os.path.relpath(directory, top)
        if below != ".":
            _send(out, {"directory": below})
        for name in sorted(names):
            path = f"{directory}/{name}"
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode):
                _send(out, {"file": os.path.normpath(f"{below}/{name}"), "size": status.st_size})
                with open(path, "rb") as file:
                    shutil.copyfileobj(file, out, _BLOCK)


def send_end(out: BinaryIO) -> None:
    _send(out, {"end": True})
    out.flush()


def _send(out: BinaryIO, head: dict[str, object]) -> None:
    out.write(json.dumps(head).encode("ascii") + b"\n")


def receive_tree(source: BinaryIO, top: str, most: int) -> None:
    """Into TOP, a new directory, at most MOST bytes. Raises BadTree; OSError when TOP can't be written."""
    left = most
    for _ in range(_NAMES_MAX):
        head = _read_head(source)
        if head.get("end") is True:
            return
        if isinstance(head.get("directory"), str):
            os.makedirs(_place(top, head["directory"]), exist_ok=True)
            continue
        size = head.get("size")
        if not isinstance(head.get("file"), str) or type(size) is not int or size < 0:
            raise BadTree("neither a file nor a directory")
        left -= size
        if left < 0:
            raise BadTree(f"more than {most} bytes")
        _receive_file(source, _place(top, head["file"]), size)
    raise BadTree(f"more than {_NAMES_MAX} names")


def _read_head(source: BinaryIO) -> dict[str, object]:
    line = source.readline(_LINE_MAX)
    if not line:
        raise BadTree("the connection ended before the result was there")
    try:
        head: Optional[object] = json.loads(line.decode("ascii")) if line.endswith(b"\n") else None
    except (ValueError, RecursionError):
        head = None
    if not isinstance(head, dict):
        raise BadTree("not what ktbox sends")
    return head


def _place(top: str, name: object) -> str:
    """Below TOP, where only receive_tree makes names, and no links."""
    parts = str(name).split("/")
    if len(parts) > _DEPTH_MAX or any(part in ("", ".", "..") or "\0" in part or len(part) > 255 for part in parts):
        raise BadTree(f"not a name of a result: {name!r:.100}")
    return f"{top}/{'/'.join(parts)}"


def _receive_file(source: BinaryIO, path: str, size: int) -> None:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        file = create(path)
    except (FileExistsError, NotADirectoryError, UnicodeEncodeError) as error:
        raise BadTree(f"a name that is there twice: {path!r:.200}") from error
    with file:
        while size:
            data = source.read(min(size, _BLOCK))
            if not data:
                raise BadTree("the connection ended before the result was there")
            file.write(data)
            size -= len(data)

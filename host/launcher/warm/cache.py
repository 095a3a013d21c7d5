# SPDX-License-Identifier: GPL-2.0-only
"""--warm-list and --warm-clear: the saved guests, for people.

In:  the cache. Out: a line for each of them, or for all that was removed, on stdout. Returns ktrun's exit code.
"""
from __future__ import annotations

import os
import time
from typing import Optional

from ..lib.paths import Paths
from ..lib.text import Fault, duration, print_text, without_controls
from .snapshot import Cache, CannotCache, Listed

_MIB = 1024 * 1024


def list_cache(paths: Paths) -> int:
    try:
        cache = _open(paths)
        lines = [_line(entry) for entry in cache.entries()] if cache else []
    except OSError as error:
        raise Fault(f"--warm-list: unable to read the cache: {error}") from error
    print_text(b"".join(without_controls(line) + b"\n" for line in lines or ["no saved guests"]))
    return 0


def clear_cache(paths: Paths) -> int:
    try:
        cache = _open(paths)
        count, freed = cache.clear() if cache else (0, 0)
        left = len(cache.entries()) if cache else 0
    except OSError as error:
        raise Fault(f"--warm-clear: unable to clear the cache: {error}") from error
    rest = f", {left} in use" if left else ""
    print_text(f"saved guests: {count} removed, {freed // _MIB} MiB{rest}\n".encode())
    return 0


def _open(paths: Paths) -> Optional[Cache]:
    """None: no guest was ever saved."""
    try:
        cache = Cache(paths.cache)
        if not os.path.isdir(cache.path):
            return None
        cache.open()
        return cache
    except CannotCache as why:
        raise Fault(str(why)) from why


def _line(entry: Listed) -> str:
    words = [entry.name[:12], f"{entry.bytes // _MIB:5} MiB"]
    if not entry.record:
        return "  ".join([*words, "damaged"])
    now = time.time()
    words += [f"made {duration(now - entry.record.made)} ago", f"used {duration(now - entry.used)} ago",
              entry.record.title]
    return "  ".join(words + (["in use"] if entry.is_in_use else []))

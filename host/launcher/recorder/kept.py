# SPDX-License-Identifier: GPL-2.0-only
"""What a run keeps of its recording, and where: for those who need to know that, and read no events.

Each run imports this; the readers of events are imported where there is a recording.
"""
from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import Optional, Sequence

from ..lib.rundir import RunDirectory

TRACEFS = "/sys/kernel/tracing"  # in the guest
PLACE = "get" + TRACEFS
PER_CPU = f"{PLACE}/instances/ktbox-recorder/per_cpu"
DAT, SYSTRACE = "trace.dat", "trace.systrace"
RING_KIB_MAX = 256 * 1024
_MEMORY_SHARE, OUTPUT_SHARE = 16, 64


@dataclass(frozen=True)
class Recording:
    """The keys of "trace" in result.json (docs/internals/replay-format.md)."""
    asked: tuple[str, ...]
    lacks: tuple[str, ...]
    kept: bool
    why: Optional[str] = None  # nothing is kept, or it is not complete
    complete: bool = False
    cpus: int = 0
    events: int = 0
    first_ns: Optional[int] = None
    last_ns: Optional[int] = None
    whole_from_ns: Optional[int] = None  # from here on all CPUs have all their events
    overwritten: int = 0
    lost: int = 0
    damaged: int = 0
    systrace: Optional[str] = None
    dat: Optional[str] = None
    dat_problem: Optional[str] = None


def ring_kib(memory_mib: int, max_output_kib: int) -> int:
    """Of the ring of all CPUs. What is sent counts in the stream, and twice more in the files that are made of it."""
    return max(1, min(memory_mib * 1024 // _MEMORY_SHARE, max_output_kib // OUTPUT_SHARE, RING_KIB_MAX))


def has_recording(directory: RunDirectory) -> bool:
    return os.path.isdir(directory.file(PER_CPU))


def has_files(directory: RunDirectory) -> bool:
    """Of a recording, be they of this judgement or of one before."""
    return has_recording(directory) or any(os.path.lexists(directory.file(name)) for name in (DAT, SYSTRACE))


def remove_pages(directory: RunDirectory, asked: Sequence[str]) -> None:
    """What the guest has sent for the recorder, but for paths of --get (ASKED). A directory may be anybody's, so no
    link in it is followed."""
    for path in (f"{TRACEFS}/instances/ktbox-recorder", TRACEFS, "/proc/kallsyms"):
        place = directory.file(f"get{path}")
        is_own = os.path.realpath(place) == f"{os.path.realpath(directory.path)}/get{path}"
        if not is_own or any(_overlap(path, os.path.normpath(other)) for other in asked):
            continue
        if os.path.isdir(place):
            shutil.rmtree(place)
        elif os.path.lexists(place):
            os.unlink(place)
        _remove_empty(os.path.dirname(place), directory.path)


def _overlap(path: str, other: str) -> bool:
    return f"{path}/".startswith(f"{other.rstrip('/')}/") or other.startswith(f"{path}/")


def _remove_empty(place: str, top: str) -> None:
    """PLACE and those above it, below TOP."""
    while place != top and os.path.isdir(place) and not os.listdir(place):
        os.rmdir(place)
        place = os.path.dirname(place)


def is_of_recorder(path: str) -> bool:
    """A file that the guest sent for the recorder."""
    return path.startswith(TRACEFS + "/") or path == "/proc/kallsyms"

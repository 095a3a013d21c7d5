# SPDX-License-Identifier: GPL-2.0-only
"""The least --max-output with which the flight recorder has space for what it sends.

In:  Options. Out: nothing, or a Fault that names the least size. Pure.
"""
from __future__ import annotations

from ..lib.text import Fault
from ..options.options import Options
from .kept import OUTPUT_SHARE

_PAGE = 4096
_ENTRIES, _ENTRIES_PER_EVENT, _ENTRIES_PER_CPU = 72, 3, 3  # files and directories
_TEXT = 96 * 1024  # formats, names, the scheduler's log and a dump
_FILES_SHARE = 192  # bytes of each KiB of --max-output: reader_command() in judge/stream.py


def check_space(options: Options) -> None:
    if options.trace is None:
        return
    least = _least_kib(len(options.trace), options.topology.cpus)
    if options.streams_kib < least:
        mib = -(-least * options.max_output.kib // options.streams_kib // 1024)  # a vmcore takes half of it
        raise Fault(f"--trace: --max-output {options.max_output.word} has no space for the recorder's files: give at "
                    f"least {mib}M")


def _least_kib(events: int, cpus: int) -> int:
    """As measured, and a bit more: ktrecv counts a page for each entry, the ring has at least three pages for each
    CPU, and the scheduler's log and a dump come before it."""
    entries = _ENTRIES + _ENTRIES_PER_EVENT * events + _ENTRIES_PER_CPU * cpus
    return (entries * _PAGE + _TEXT + cpus * 3 * _PAGE) // (_FILES_SHARE - 1024 // OUTPUT_SHARE) + 1

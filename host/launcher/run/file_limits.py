# SPDX-License-Identifier: GPL-2.0-only
"""How much a guest may write to the host's disk: each stream of QEMU has a share of --max-output.

In:  --max-output, and the caller's own limit of a file's size. Out: a limit of the process that becomes QEMU; the file
that has reached it.
"""
from __future__ import annotations

import resource
from typing import Optional

from ..judge.stream import share_of
from ..lib.rundir import COM2, CONSOLE, QEMU_LOG, RR_LOG, STREAM, RunDirectory
from .host import LIMIT_STATUS


def limit_files(most: int) -> None:
    """Of the process that becomes QEMU: no file of it gets more than MOST bytes. No core either: it would have the
    guest's memory in it.

    A bound on what QEMU writes, at the guest's speed: each stream has an eighth of --max-output (bulk.bin,
    console.log, com2.log, qemu.log). What is decoded from bulk.bin takes at most two, hang.txt no more than
    console.log, and one is for what ktrun itself writes.

    The byte too many ends QEMU (SIGXFSZ) when its main thread writes it: that of a virtio port. The thread of a CPU,
    which writes what comes out of a UART, has the signal blocked: such bytes are dropped, and the run goes on. An
    existing lower limit is kept.
    """
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (bound_of_files(most), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def bound_of_files(share: int) -> int:
    """The share, or the limit of the caller (ulimit -f) where that is lower."""
    limits = [limit for limit in resource.getrlimit(resource.RLIMIT_FSIZE) if limit != resource.RLIM_INFINITY]
    return min([share, *limits])


def full_file(directory: RunDirectory, max_output_kib: int, qemu_status: int) -> Optional[str]:
    """The file that has reached its share."""
    sizes = {name: directory.size(name) for name in (STREAM, CONSOLE, COM2, QEMU_LOG)}
    if qemu_status == LIMIT_STATUS:  # else a log that is full costs the recording alone
        sizes[RR_LOG] = directory.size(RR_LOG)
    largest = max(sizes, key=lambda name: sizes[name])
    if sizes[largest] < bound_of_files(share_of(max_output_kib)) and qemu_status != LIMIT_STATUS:
        return None
    return largest

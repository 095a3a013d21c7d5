# SPDX-License-Identifier: GPL-2.0-only
"""How a guest starts: it boots, or it is resumed from a snapshot (warm/start.py).

In:  Preparation, and a Guest, which runs QEMU. Out: a running guest, and how it was started.
"""
from __future__ import annotations

import dataclasses
import os
import socket
from dataclasses import dataclass
from typing import Optional, Protocol, Sequence

from ..files.initramfs import RunFiles
from ..lib.jobs import Job, Jobs
from ..lib.text import note
from ..machine.arguments import Places, ReplayLog, Served, qemu_command
from ..machine.clock import Clock
from ..machine.qmp import Qmp, QmpError
from ..plan import Plan

WARM, COLD, UNKNOWN = "warm", "cold", "unknown"  # values of host.json's key "start"
ANSWER_SECS = 60  # QEMU's and the guest's, on a busy machine


@dataclass(frozen=True)
class Preparation:
    """What is there before the guest starts."""
    plan: Plan
    accel: str
    words: str  # of the kernel's command line, but for the frequency of its clock
    clock: Clock
    files: RunFiles
    work: str


@dataclass(frozen=True)
class Start:
    """How the guest was started."""
    kind: str
    snapshot_age_secs: Optional[int] = None
    files: Optional[socket.socket] = None  # to the port that takes the run's files from WORK/files.cpio
    monitor: Optional[Qmp] = None  # of a guest that is paused at its end


class Guest(Protocol):
    """What run/guest.py does for this module and for warm/start.py."""

    def start_qemu(self, command: Sequence[str], keep: Sequence[int] = ()) -> Job: ...

    def serve(self) -> Optional[Served]:
        """The daemons of virtiofs are started, if there are to be any."""

    def record(self, initramfs: str, words: str) -> Optional[ReplayLog]:
        """What a replay needs of the machine is kept, if the run is to be recorded."""

    def abandon(self) -> None:
        """QEMU and the reader of its frames end, and the run directory is as empty as before."""

    def adopt(self, directory: str, names: Sequence[str]) -> None:
        """Copies of files, which the artifacts of these names begin with."""


def start_guest(ready: Preparation, guest: Guest, jobs: Jobs) -> Start:
    options = ready.plan.options
    if options.warm:
        from ..warm.start import start_warm
        resumed = start_warm(ready, guest, jobs)
        if resumed:
            return resumed
    elif options.verbose:
        note("a cold run")
    return _start_cold(ready, guest, jobs)


def _start_cold(ready: Preparation, guest: Guest, jobs: Jobs) -> Start:
    initramfs = f"{ready.work}/initramfs.cpio"
    if not os.path.exists(initramfs):
        ready.files.write_initramfs(initramfs)
    plan, words = ready.plan, ready.clock.words(ready.plan, ready.accel) + ready.words
    served = guest.serve()
    keep = list(served.descriptors if served else ())
    places = Places(plan.output, ready.work, initramfs, served=served, replay_log=guest.record(initramfs, words))
    if not plan.options.pauses_at_end:
        guest.start_qemu(qemu_command(plan, ready.accel, words, places), keep)
        return Start(COLD)
    near, far = socket.socketpair()
    with far:
        places = dataclasses.replace(places, qmp=far.fileno())
        guest.start_qemu(qemu_command(plan, ready.accel, words, places), [far.fileno(), *keep])
    return Start(COLD, monitor=_begun(Qmp(near, jobs, ANSWER_SECS)))


def _begun(monitor: Qmp) -> Optional[Qmp]:
    """None: QEMU has ended, which the run will see, too."""
    try:
        monitor.begin()
        return monitor
    except QmpError:
        monitor.close()
        return None

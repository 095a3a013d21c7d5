# SPDX-License-Identifier: GPL-2.0-only
"""-v: the guest's console on stderr, live.

In:  a pipe, into which QEMU writes the console besides its file. Out: its lines on ktrun's stderr, each behind a bar
and without control characters. Ends: when QEMU and close_pipe have closed the pipe, or with stop.
"""
from __future__ import annotations

import os
import signal
import subprocess
from typing import Optional

from ..lib.jobs import Job, Jobs
from ..lib.text import write_all

_CLEAN = r"s/\r$//; s/[^\t -~]/?/g; s/^/| /"


class ConsoleViewer:
    def __init__(self, path: str, jobs: Jobs) -> None:
        """The pipe PATH stays open from before the viewer reads until QEMU has ended."""
        self._path, self._jobs = path, jobs
        os.mkfifo(path)
        self._pipe: Optional[int] = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        with open(path, "rb") as pipe:
            self.job: Job = jobs.start(["sed", "-u", _CLEAN], stdin=pipe, stdout=2)

    def show(self, data: bytes) -> None:
        """What another QEMU had written: a saved guest's boot."""
        if self._pipe is not None:
            write_all(self._pipe, data)

    def replace(self) -> None:
        """The one who reads ktrun's stderr has left. QEMU would wait for a pipe that nobody reads."""
        with open(self._path, "rb") as pipe:
            self.job = self._jobs.start(["cat"], stdin=pipe, stdout=subprocess.DEVNULL)

    def close_pipe(self) -> None:
        """QEMU has ended: the viewer comes to the end of what is there."""
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    def wait(self) -> None:
        self._jobs.wait(self.job)

    def stop(self) -> None:
        self.job.send(signal.SIGKILL)
        self.job.reap()

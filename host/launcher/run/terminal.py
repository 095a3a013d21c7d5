# SPDX-License-Identifier: GPL-2.0-only
"""ktrun's own stdin and terminal, and the guest's connection to them: the port ktbox-ctl.

What is typed or piped into ktrun is for the payload. A process of its own passes it on (kttty), because a terminal must
be watched for the key that ends a hung VM, and a guest that takes nothing must not stop that.

In:  Plan, stdin. Out: the FIFOs ctl.in and ctl.out for QEMU, a job. Ends: close() ends kttty and restores the terminal.
"""
from __future__ import annotations

import contextlib
import errno
import os
import signal
import termios
from typing import Any, Optional

from ..lib.jobs import CannotGoOn, Interrupted, Job, Jobs
from ..lib.text import note, write_stdout
from ..plan import Plan

ESCAPE_STATUS = 3  # of kttty, when the key was pressed
_RESTORE = (b"\0337\033[?1049l"  # leave the alternate screen
            b"\0337\033[r\0338"  # scroll the whole screen
            b"\033[0m\033(B\017\033[?25h\033[4l\033[?7h\033[?1l\033>"  # colours, characters, cursor, modes, keys
            b"\033[?1000l\033[?1002l\033[?1003l\033[?1006l\033[?2004l\r\n")  # mouse and paste
_CLOSE_SECS = 5  # for what is still to be shown, on a terminal that takes nothing


def make_ports(plan: Plan, work: str) -> None:
    if not plan.stdin_kind:
        return
    os.mkfifo(f"{work}/ctl.in")
    if plan.has_terminal:
        os.mkfifo(f"{work}/ctl.out")
    else:
        os.symlink("/dev/null", f"{work}/ctl.out")


class Terminal:
    """kttty at work; without something to pass on, nothing."""

    def __init__(self, plan: Plan, work: str, jobs: Jobs) -> None:
        self.job: Optional[Job] = None
        self._jobs = jobs
        self._modes: Optional[list[Any]] = None
        self._escape = plan.options.escape
        if not plan.stdin_kind:
            return
        command = [plan.paths.busybox, "kttty"]
        if plan.has_terminal:
            self._modes = _modes_of_stdin()
            if self._escape and not plan.options.quiet:
                note(f"Ctrl-{self._escape} ends the VM, whatever it does")
            command += ["-t", *(["-p"] if os.isatty(2) and not plan.options.quiet else []),
                        *(["-e", self._escape] if self._escape else [])]
        # TERM: it restores the terminal when ktrun is killed
        self.job = jobs.start([*command, f"{work}/ctl"], stdin=0, orphaned=signal.SIGTERM)

    def check_end(self) -> None:
        """Raise Interrupted when the key has ended kttty, or the terminal was closed. Nothing else ends it before
        close(): without it no key would end the VM."""
        if not self.job or self.job.status is None:
            return
        if self.job.status == ESCAPE_STATUS:
            raise Interrupted(f"the key Ctrl-{self._escape}")
        if self._modes:
            _modes_of_stdin()  # kttty may see that the terminal was closed before the signal of that comes
        raise CannotGoOn(f"the helper that passes stdin on (kttty) has ended, status {self.job.status}")

    def close(self) -> None:
        if self.job:
            self.job.send(signal.SIGTERM)
            if not self._jobs.wait(self.job, secs=_CLOSE_SECS):
                self.job.send(signal.SIGKILL)
            self.job.reap()
        if self._modes:  # kttty does it itself; this is for one that was killed
            with contextlib.suppress(termios.error):  # a terminal that was closed needs none
                termios.tcsetattr(0, termios.TCSADRAIN, self._modes)
            self._modes = None


def restore_screen() -> None:
    """After a guest that ended in the middle of vi or top: back to the user's own screen, on a new line.

    Saving the cursor first keeps it where it is if the other screen was not shown.
    """
    if os.isatty(1):
        with contextlib.suppress(OSError):
            write_stdout(_RESTORE)


def _modes_of_stdin() -> list[Any]:
    """A terminal that was closed meanwhile gives EIO; its SIGHUP may come after that."""
    try:
        return termios.tcgetattr(0)
    except termios.error as error:  # no OSError, though it has an errno
        if error.args[0] == errno.EIO:
            raise Interrupted("HUP") from error
        raise OSError(*error.args) from error

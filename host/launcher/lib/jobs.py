# SPDX-License-Identifier: GPL-2.0-only
"""Child processes and signals, waited for by event.

HUP, INT, TERM and QUIT reach ktrun as bytes on a pipe, and are looked at only in Jobs.wait: nothing is cut short
between making a thing and recording it. Children ignore HUP, INT and QUIT: ktrun decides about them.
Ends: leaving a Jobs block kills and reaps every child that is left. When ktrun itself is killed (SIGKILL), the kernel
kills them.
"""
from __future__ import annotations

import contextlib
import functools
import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import IO, Callable, Mapping, Optional, Sequence, Union

from .environment import helper_environment, package_of, user_environment
from .text import Fault, decoded

File = Union[int, IO[bytes]]
_POLL_MS_MAX = 2.0 ** 31 - 1  # of poll(2): 24 days
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2,
            signal.SIGALRM, signal.SIGXCPU)  # without a handler, these would leave files behind


class Interrupted(Exception):
    """A signal, or the key that ends the VM. The text says which."""


class CannotGoOn(Exception):
    """A program that the run needs has died, or the disk is full. The text says which."""


def python_words(directory: str, module: str, function: str, *arguments: str) -> list[str]:
    """A command that calls FUNCTION of a MODULE of the launcher in DIRECTORY, and has compiled modules where this
    process has them."""
    program = (f"import sys; sys.path.insert(0, sys.argv[1]); from launcher.{module} import {function}; "
               f"sys.exit({function}(*sys.argv[2:]))")
    cache = ["-X", f"pycache_prefix={sys.pycache_prefix}"] if sys.pycache_prefix else []
    cache += ["-B"] if sys.dont_write_bytecode else []
    return [sys.executable, "-ISXutf8", *cache, "-c", program, directory, *arguments]


def _milliseconds_until(deadline: float) -> float:
    """As poll(2) takes them."""
    return min(max(0.0, (deadline - time.monotonic()) * 1000), _POLL_MS_MAX)


def _describe_status(status: int) -> str:
    if status == 128 + signal.SIGXFSZ:
        return "a file is larger than ulimit -f allows"
    return f"it has ended with status {status}"


@dataclass(frozen=True)
class Output:
    """What a tool has printed, and its status."""
    status: int
    output: bytes
    errors: bytes

    @property
    def first_error(self) -> str:
        return decoded(self.errors.split(b"\n", 1)[0]) or _describe_status(self.status)


class Job:
    """A child process; its pidfd is readable when it has ended."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.pidfd = os.pidfd_open(process.pid)
        self.status: Optional[int] = None  # as a shell says it: 128+N for a signal

    def send(self, number: int) -> None:
        if self.status is None:
            self.process.send_signal(number)

    def reap(self) -> int:
        """Wait for the end, however long that takes."""
        if self.status is None:
            code = self.process.wait()
            self.status = code if code >= 0 else 128 - code
            os.close(self.pidfd)
        return self.status


class Jobs:
    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._received: Optional[int] = None
        self._is_closing = False
        self._raises_at_once = False
        self._wakeup, self._signal_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def __enter__(self) -> "Jobs":
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup's choice stays
                signal.signal(number, self._on_signal)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        signal.set_wakeup_fd(self._signal_end, warn_on_full_buffer=False)
        return self

    def __exit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.shield()
        self._raises_at_once = False
        for job in self._jobs:
            job.send(signal.SIGKILL)
            job.reap()

    def _on_signal(self, number: int, frame: Optional[FrameType]) -> None:
        self._received = number
        if self._raises_at_once:
            self._raises_at_once = False  # once: another one would cut short what this one ends
            raise Interrupted(signal.Signals(number).name[3:])

    def shield(self) -> None:
        """From now on no signal interrupts: what is still to be done is bounded."""
        self._is_closing = True

    def accept(self) -> None:
        """After raise_at_once or shield: signals are looked at in Jobs.wait again."""
        self._is_closing = self._raises_at_once = False

    @property
    def is_asked_to_end(self) -> bool:
        return self._received is not None

    def raise_at_once(self) -> None:
        """From now on a signal raises Interrupted wherever ktrun is: a report may go to a pipe that nobody reads."""
        self._raises_at_once = True

    def check_signals(self) -> None:
        if self._received is not None and not self._is_closing:
            raise Interrupted(signal.Signals(self._received).name[3:])

    def start(self, command: Sequence[str], *, stdin: File = subprocess.DEVNULL, stdout: Optional[File] = None,
              stderr: Optional[File] = None, keep: Sequence[int] = (), environment: Optional[Mapping[str, str]] = None,
              is_users: bool = False, prepare: Callable[[], None] = lambda: None,
              orphaned: int = signal.SIGKILL) -> Job:
        """KEEP: descriptors that the child inherits. PREPARE runs in the child before the program does. ORPHANED: the
        signal that the child gets when ktrun is killed.

        IS_USERS: it may be a script of the user. ENVIRONMENT is added to what environment.py lets through.
        """
        parent = os.getpid()
        _prctl()  # loaded here once, not in each child

        def begin() -> None:
            _end_with_parent(parent, orphaned)
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
                signal.signal(number, signal.SIG_IGN)
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            prepare()

        variables = {**(user_environment() if is_users else helper_environment()), **(environment or {})}
        try:
            process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr, pass_fds=keep,
                                       preexec_fn=begin, env=variables)
        except FileNotFoundError as error:
            raise Fault(f"no program {command[0]}: is the package {package_of(command[0])} installed?") from error
        job = Job(process)
        self._jobs.append(job)
        return job

    def wait(self, *jobs: Job, secs: Optional[float] = None) -> Optional[Job]:
        """The first of the jobs that has ended; None when SECS are over. Raises Interrupted for a signal."""
        found = self.wait_any(jobs, (), secs)
        return found if isinstance(found, Job) else None

    def wait_readable(self, source: socket.socket, secs: float) -> bool:
        """Until SOURCE has something to read, or its other side is closed; False when SECS are over. Raises Interrupted
        for a signal."""
        return self.wait_any((), (source,), secs) is not None

    def wait_any(self, jobs: Sequence[Job], sources: Sequence[socket.socket],
                 secs: Optional[float]) -> Union[Job, socket.socket, None]:
        """The first of the jobs that has ended, or of the sources that can be read; None when SECS are over. Raises
        Interrupted for a signal."""
        deadline = None if secs is None else time.monotonic() + secs
        poll = select.poll()
        poll.register(self._wakeup, select.POLLIN)
        for source in sources:
            poll.register(source, select.POLLIN)
        for job in jobs:
            if job.status is not None:
                return job
            poll.register(job.pidfd, select.POLLIN)
        while True:
            self.check_signals()
            left = None if deadline is None else _milliseconds_until(deadline)
            ready = {descriptor for descriptor, _ in poll.poll(left)}
            self._drain_wakeup(ready)
            for job in jobs:
                if job.pidfd in ready:
                    job.reap()
                    return job
            for source in sources:
                if source.fileno() in ready:
                    return source
            if deadline is not None and time.monotonic() >= deadline:
                self.check_signals()
                return None

    def _drain_wakeup(self, ready: set[int]) -> None:
        if self._wakeup in ready:
            os.read(self._wakeup, 4096)

    def begin(self, command: Sequence[str], *, stdin: File = subprocess.DEVNULL, stdout: Optional[File] = None,
              environment: Optional[Mapping[str, str]] = None, is_users: bool = False,
              keep: Sequence[int] = ()) -> Tool:
        """A program that runs to its end beside other work. What it prints is kept in memory, but for what goes to
        STDOUT. IS_USERS: as for start, and KEEP."""
        output, errors = os.memfd_create("output"), os.memfd_create("errors")
        try:
            job = self.start(command, stdin=stdin, stdout=output if stdout is None else stdout, stderr=errors,
                             environment=environment, is_users=is_users, keep=keep)
        except BaseException:
            os.close(output)
            os.close(errors)
            raise
        return Tool(self, job, output, errors)

    def tool(self, command: Sequence[str], *, stdin: File = subprocess.DEVNULL, stdout: Optional[File] = None,
             environment: Optional[Mapping[str, str]] = None, is_users: bool = False,
             keep: Sequence[int] = ()) -> Output:
        """As begin, to its end."""
        return self.begin(command, stdin=stdin, stdout=stdout, environment=environment, is_users=is_users,
                          keep=keep).finish()


class Tool:
    """A program that Jobs.begin has started."""

    def __init__(self, jobs: Jobs, job: Job, output: int, errors: int) -> None:
        self._jobs, self._job, self._output, self._errors = jobs, job, output, errors
        self._result: Optional[Output] = None

    def finish(self) -> Output:
        """Waits for its end, the first time. Raises Interrupted for a signal."""
        if self._result is None:
            self._result = self._await_end()
        return self._result

    def _await_end(self) -> Output:
        try:
            self._jobs.wait(self._job)
            return Output(self._job.reap(), _content(self._output), _content(self._errors))
        except Interrupted:
            self._job.send(signal.SIGKILL)  # it writes to the work directory, which is removed next
            self._job.reap()
            raise
        finally:
            os.close(self._output)
            os.close(self._errors)


def end_with_parent(number: int) -> None:
    """ktrun as the cell of a matrix: its own children then end with it."""
    _end_with_parent(os.getppid(), number)


def _end_with_parent(parent: int, number: int) -> None:
    """NUMBER comes when PARENT ends, whatever ends it. A Python without ctypes goes without."""
    prctl = _prctl()
    if prctl:
        prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # it ended before that
            os.kill(os.getpid(), number)


@functools.lru_cache(maxsize=None)
def _prctl() -> Optional[Callable[..., int]]:
    with contextlib.suppress(ImportError, AttributeError):
        import ctypes
        prctl: Callable[..., int] = ctypes.CDLL(None).prctl
        return prctl
    return None


def _content(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)

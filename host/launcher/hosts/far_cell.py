# SPDX-License-Identifier: GPL-2.0-only
"""One cell of a matrix on a host of --hosts: what GNU parallel starts where it would start ssh.

parallel has the queue, the slots of each host, and gives a cell that failed on one host to another. Its own way to a
host needs perl and rsync there, and ends all when a host dies while it copies; so this starts the cell there and brings
its result. What parallel would run on the host is not looked at: PARALLEL_SEQ says which cell it is.
In:  the host's name, PARALLEL_SEQ, setup.json of dispatch.py. Out: DIR/NNNNN, in one step, and DIR/NNNNN.err.
Exit: 0 the cell has a result, whatever its verdict is; 1 the host could not do its part, or the cell can't be run
      anywhere; 255 the connection failed. TERM ends the run there, whose result comes nevertheless.
"""
from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
from types import FrameType
from typing import Any, BinaryIO, Optional

from ..judge.result import read_outcome
from ..judge.symbols import read_symbols
from ..judge.verdicts import passes
from ..lib.jobs import end_with_parent
from ..lib.rundir import RunDirectory, replaced
from ..lib.text import decoded, shell_word
from .far_files import BadTree, receive_tree

SETUP = "setup.json"
STRIKES = 3  # cells one after the other that a host could not run, and it is left out
_ERRORS_MAX = 65536


def main(work: str, host: str, *_: str) -> int:
    with open(f"{work}/{SETUP}", encoding="utf-8", errors="surrogateescape") as file:
        setup = json.load(file)
    with open(f"{work}/unfinished", encoding="ascii") as file:
        name = file.read().split()[int(os.environ["PARALLEL_SEQ"]) - 1]
    new = f"{setup['directory']}/.{name}.{os.getpid()}.new"
    os.mkdir(new)
    try:
        return _Cell(setup, work, host, name, new).run()
    finally:
        shutil.rmtree(new, ignore_errors=True)


class _Cell:
    def __init__(self, setup: dict[str, Any], work: str, host: str, name: str, new: str) -> None:
        self._setup, self._work, self._host, self._name, self._new = setup, work, host, name, new
        self._ssh: Optional[subprocess.Popen[bytes]] = None
        self._translation: Optional[subprocess.Popen[bytes]] = None
        self._is_stopped = False
        signal.signal(signal.SIGTERM, self._stop)

    def run(self) -> int:
        try:
            reason = self._bring()
        except OSError as failed:
            self._write_errors(f"unable to keep the result: {failed.strerror}")
            return 1
        if reason is not None:
            self._write_errors(reason)
            self._strike(reason)
            return 255
        outcome = read_outcome(f"{self._new}/run")
        with open(f"{self._new}/err", "rb") as file:
            errors = self._with_own_path(file.read(_ERRORS_MAX))
        if outcome is None and os.path.exists(f"{self._new}/run/result.json") and not self._is_stopped:
            self._write_errors("the run was stopped there")
            return self._strike("the run was stopped there")
        if outcome and not passes(outcome.word):
            errors = self._translated(errors)
        with contextlib.suppress(OSError), replaced(f"{self._target}.err") as file:
            file.write(errors)
        self._put()
        if outcome and outcome.is_finished:
            self._strike("")
            return 0
        return self._strike(decoded(errors.split(b"\n", 1)[0]) or "a run without a result")

    def _bring(self) -> Optional[str]:
        """None: the result is in the new directory. Else what was wrong on the way."""
        host = self._setup["hosts"][self._host]
        recipe = self._setup["recipes"][self._name]
        words = [*self._setup["python"], f"{host['top']}/host", host["top"], recipe, self._name, self._host]
        command = " ".join(["exec", *map(shell_word, words)])
        with open(f"{self._work}/{self._name}.ssh", "w+b") as messages:
            self._ssh = subprocess.Popen([*host["command"], command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=messages, preexec_fn=_begin)
            if self._is_stopped:  # before there was anything to stop
                self._ssh.stdin.close()  # type: ignore[union-attr]
            try:
                assert self._ssh.stdout
                receive_tree(self._ssh.stdout, self._new, self._setup["most"])  # type: ignore[arg-type]
                return None
            except BadTree as error:
                self._ssh.kill()
                self._ssh.wait()
                return f"{error}{_last_line(messages)}"
            finally:
                self._close()

    def _close(self) -> None:
        with contextlib.suppress(OSError):
            if self._ssh and self._ssh.stdin:
                self._ssh.stdin.close()
        if self._ssh:
            self._ssh.wait()

    def _stop(self, number: int, frame: Optional[FrameType]) -> None:
        """The far side sees the end of its stdin, ends the run, and sends what there is."""
        self._is_stopped = True
        if self._translation:
            self._translation.kill()
        with contextlib.suppress(OSError):
            if self._ssh and self._ssh.stdin:
                self._ssh.stdin.close()

    def _translated(self, errors: bytes) -> bytes:
        """With source lines, in the run's result too. The vmlinux is on this machine; without it, or when this is
        stopped, both stay as they came."""
        vmlinux = self._setup["symbols"].get(self._setup["recipes"][self._name])
        if not vmlinux:
            return errors
        run = f"{self._new}/run"
        self._translation = subprocess.Popen([*self._setup["translate"], run, vmlinux], stdin=subprocess.DEVNULL,
                                             preexec_fn=_begin)
        if self._is_stopped:  # before there was anything to stop
            self._translation.kill()
        self._translation.wait()
        text = errors.decode("utf-8", "surrogateescape")
        return read_symbols(RunDirectory(run)).annotated(text).encode("utf-8", "surrogateescape")

    def _put(self) -> None:
        """In one step, in the place of an unfinished one."""
        if os.path.isdir(f"{self._new}/run"):
            if os.path.lexists(self._target):
                os.rename(self._target, f"{self._new}/old")
            os.rename(f"{self._new}/run", self._target)

    def _write_errors(self, reason: str) -> None:
        with contextlib.suppress(OSError), replaced(f"{self._target}.err") as file:
            file.write(f"ktrun: {self._host}: {reason}\n".encode("utf-8", "replace"))

    def _with_own_path(self, errors: bytes) -> bytes:
        """The artifacts are here now."""
        there = f"{self._setup['hosts'][self._host]['top']}/cells/{self._name}.".encode()
        return re.sub(re.escape(there) + rb"[0-9]+/run", lambda _: os.fsencode(self._target), errors)

    @property
    def _target(self) -> str:
        return f"{self._setup['directory']}/{self._name}"

    def _strike(self, reason: str) -> int:
        """Of this host; no REASON: it works. At the last one its keeper ends, and so do its cells."""
        if self._is_stopped:
            return 1
        with open(f"{self._work}/strikes.{self._host}", "a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            count = len(file.read().splitlines())
            if not reason:
                file.truncate(0)
                return 0
            file.write(reason.replace("\n", " ") + "\n")
            if count + 1 == STRIKES:
                os.kill(self._setup["hosts"][self._host]["keeper"], signal.SIGTERM)
        return 1


def _begin() -> None:
    """parallel's TERM goes to a process group, and ssh has to stay until the result is there."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_parent(signal.SIGKILL)


def _last_line(messages: BinaryIO) -> str:
    messages.seek(0)
    lines = decoded(messages.read(_ERRORS_MAX)).split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return f": {said[-1]}" if said else ""

# SPDX-License-Identifier: GPL-2.0-only
"""Debian's kernels: which there are, and one of them in the cache.

apt does it, by scripts/list-kernels.sh and scripts/fetch-release.sh, without root and without installing anything.
In:  paths.cache. Out: CACHE/kernels/debian, the list, which is asked for again when it is a day old;
     CACHE/kernels/RELEASE/, a directory that -k takes, moved into place when it is whole. CACHE/kernels/lock: one ktrun
     at a time fetches, and another one that wants the same waits and finds it. Raises Fault.
"""
from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from typing import Iterator, NamedTuple, Optional

from ..lib.jobs import Jobs
from ..lib.paths import Paths
from ..lib.text import Fault, decoded, note
from ..options.values import is_release

CACHE = "kernels"
_SUITES = ("testing", "unstable")  # where sched_ext is; what this machine's own apt knows is listed, too
_OWN_APT = "-"
_FRESH_SECS = 86400


class Offered(NamedTuple):
    release: str
    suite: str

    @property
    def title(self) -> str:
        return "this machine's apt" if self.suite == _OWN_APT else f"Debian {self.suite}"


def known_offers(paths: Paths) -> Optional[list[Offered]]:
    """As they were listed; None: never, or too long ago, or the list is damaged."""
    path = f"{paths.cache}/{CACHE}/debian"
    if not paths.cache:
        return None
    try:
        if time.time() - os.stat(path).st_mtime > _FRESH_SECS:
            return None
        with open(path, encoding="utf-8", errors="replace") as file:
            return _offers(file.read()) or None
    except OSError:
        return None


def _offers(text: str) -> list[Offered]:
    rows = [line.split() for line in text.splitlines()]
    return [Offered(*row) for row in rows if len(row) == 2 and is_release(row[0])]


def ask_debian(paths: Paths, jobs: Jobs) -> tuple[list[Offered], str]:
    """The list, and why it lacks what Debian's archives have now, if it does."""
    known = known_offers(paths)
    if known is not None:
        return known, ""
    with _locked(paths, jobs) as cache:
        known = known_offers(paths)
        if known is not None:
            return known, ""
        note(f"asking Debian's archive which kernels it has ({', '.join(_SUITES)})")
        with _work(f"{cache}/.apt") as work:
            result = jobs.tool([f"{paths.top}/scripts/list-kernels.sh", *_SUITES], environment={"KT_APT": work},
                               is_users=True)
        offers = _offers(decoded(result.output))
        if result.status != 0:
            return offers, _last_line(result.errors)
        _write(f"{cache}/debian", result.output)
        return offers, ""


def _last_line(errors: bytes) -> str:
    lines = decoded(errors).strip().split("\n")
    return lines[-1] or "no reason given"


def _write(path: str, data: bytes) -> None:
    with open(path + ".new", "wb") as file:
        file.write(data)
    os.replace(path + ".new", path)


def fetch_kernel(offer: Offered, paths: Paths, jobs: Jobs) -> str:
    with _locked(paths, jobs) as cache:
        target = f"{cache}/{offer.release}"
        if os.path.isdir(target):  # another ktrun was faster
            return target
        note(f"fetching the kernel {offer.release} ({offer.title}) into {target}")
        with _work(f"{cache}/.new") as new, _work(f"{cache}/.apt") as work:
            result = jobs.tool([f"{paths.top}/scripts/fetch-release.sh", new, offer.release, offer.suite],
                               environment={"KT_APT": work}, is_users=True)
            if result.status != 0:
                raise Fault(f"-k {offer.release}: unable to fetch it: {_last_line(result.errors)}")
            os.rename(new, target)
        return target


@contextlib.contextmanager
def _work(path: str) -> Iterator[str]:
    """A directory that is gone at the end. What a killed ktrun has left is removed; the lock is held."""
    shutil.rmtree(path, ignore_errors=True)
    os.mkdir(path)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _locked(paths: Paths, jobs: Jobs) -> Iterator[str]:
    """The directory of the cache, for one ktrun at a time. flock(1) waits, so that a signal ends the wait."""
    if not paths.cache:
        raise Fault("-k VERSION: there is no directory in which the kernel could be kept: set HOME or XDG_CACHE_HOME")
    cache = f"{paths.cache}/{CACHE}"
    try:
        os.makedirs(cache, exist_ok=True)
        lock = os.open(f"{cache}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise Fault(f"-k VERSION: unable to keep a kernel in {cache}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note("waiting for another ktrun that fetches a kernel")
            if jobs.tool(["flock", "-x", str(lock)], keep=[lock]).status != 0:
                raise Fault(f"-k VERSION: unable to lock {cache}/lock") from None
        yield cache
    except OSError as error:
        raise Fault(f"-k VERSION: unable to keep a kernel in {cache}: {error.strerror}") from error
    finally:
        os.close(lock)

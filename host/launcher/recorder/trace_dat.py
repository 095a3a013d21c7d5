# SPDX-License-Identifier: GPL-2.0-only
"""trace.dat, which trace-cmd and KernelShark read: made by trace-cmd itself from the guest's raw pages.

In:  the ring, and the guest's files of tracefs, of any content: trace-cmd gets only those that have the form of a
     kernel's. Out: the file in the run directory, or why there is none.
Ends: trace-cmd has bounds on its time, its memory and its files, and none of root's rights: when root runs it, it would
     also change /proc/sys/kernel/kptr_restrict of this host.
"""
from __future__ import annotations

import os
import re
import resource
import shutil
import signal
from typing import IO

from ..lib.environment import helper_environment
from ..lib.jobs import Job, Jobs
from ..lib.rundir import RunDirectory, create
from ..lib.text import printable_bytes
from .event_format import SIZE_MAX, BadFormat, parse_format, parse_page_size
from .kept import DAT, PLACE
from .recording import CpuPages, Ring, format_files, read_small

PROGRAM = "trace-cmd"
SECS = 60  # for each of its two steps
_MEMORY_MAX = 2 * 1024 ** 3
_HEAD_MAX = 64 * 1024 ** 2  # of trace.dat, beside the raw pages
_TABLE_MAX = 32 * 1024 ** 2  # of kallsyms; 8 MB on a large kernel
_ERRORS_MAX = 4096


class NoFile(Exception):
    """The text says why there is no trace.dat."""


def make_dat(directory: RunDirectory, ring: Ring, work: str, jobs: Jobs) -> None:
    """Raises NoFile. WORK: an empty directory."""
    if not shutil.which(PROGRAM, path=helper_environment()["PATH"]):
        raise NoFile(f"no program {PROGRAM}: is the package {PROGRAM} installed? --replay makes {DAT} then")
    new = directory.file(f".ktbox-{os.urandom(8).hex()}.new")
    try:
        _collect(directory, work)
        create(new).close()
        _run(["-c", "-t", f"{work}/tracing", "-k", f"{work}/kallsyms", "-o", f"{work}/head"], ring, work, jobs)
        _run(["-i", f"{work}/head", "-o", new, *_cpu_files(ring, work)], ring, work, jobs)
        if os.stat(new).st_size < ring.size:
            raise NoFile(f"{PROGRAM} has not written all of it")
        os.replace(new, directory.file(DAT))
    except (BadFormat, OSError) as error:
        raise NoFile((error.strerror or "") if isinstance(error, OSError) else str(error)) from error
    finally:
        if os.path.lexists(new):
            os.unlink(new)


def _collect(directory: RunDirectory, work: str) -> None:
    """What trace-cmd reads of a tracefs, each file checked. Without a format of ftrace's own it would crash."""
    source, target = directory.file(PLACE), f"{work}/tracing"
    page = read_small(f"{source}/events/header_page", SIZE_MAX)
    parse_page_size(page)
    _write(f"{target}/events/header_page", page)
    _write(f"{target}/events/header_event", _text(read_small(f"{source}/events/header_event", SIZE_MAX)))
    systems: set[str] = set()
    for path in format_files(f"{source}/events"):
        data = read_small(path, SIZE_MAX)
        parse_format(data)
        _write(target + path[len(source):], data)
        systems.add(path.split("/")[-3])
    if "ftrace" not in systems or len(systems) < 2:
        raise NoFile("the guest has not sent the formats of its events")
    for name in ("saved_cmdlines", "printk_formats"):
        _write(f"{target}/{name}", _text(_optional(f"{source}/{name}")))
    _write(f"{work}/kallsyms", _text(_optional(directory.file("get/proc/kallsyms"))))


def _optional(path: str) -> bytes:
    return read_small(path, _TABLE_MAX) if os.path.isfile(path) else b""


def _text(data: bytes) -> bytes:
    """Lines of plain text; others are left out."""
    return b"".join(re.findall(rb"^[\t\x20-\x7e]{1,1000}\n", data, re.MULTILINE))


def _write(path: str, data: bytes) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with create(path) as file:
        file.write(data)


def _cpu_files(ring: Ring, work: str) -> list[str]:
    """One for each CPU, in their order: a CPU without events has an empty one."""
    given = {cpu.cpu: cpu for cpu in ring.cpus}
    return [_cpu_file(given[number], work) if number in given else f"{work}/empty"
            for number in range(max(given, default=0) + 1)]


def _cpu_file(cpu: CpuPages, work: str) -> str:
    if not cpu.start and os.stat(cpu.path).st_size == cpu.size:
        return cpu.path
    path = f"{work}/cpu{cpu.cpu}"
    with open(cpu.path, "rb") as source, create(path) as target:
        source.seek(cpu.start)
        _copy(source, target, cpu.size - cpu.start)
    return path


def _copy(source: IO[bytes], target: IO[bytes], size: int) -> None:
    while size:
        data = source.read(min(size, 1024 ** 2))
        if not data:
            return
        target.write(data)
        size -= len(data)


def _run(words: list[str], ring: Ring, work: str, jobs: Jobs) -> None:
    """A step of `trace-cmd restore`."""
    def limit() -> None:
        for what, most in ((resource.RLIMIT_FSIZE, ring.size + _HEAD_MAX), (resource.RLIMIT_CPU, SECS),
                           (resource.RLIMIT_AS, ring.size + _MEMORY_MAX), (resource.RLIMIT_CORE, 0)):
            hard = resource.getrlimit(what)[1]
            resource.setrlimit(what, (most if hard < 0 else min(most, hard), hard))

    with open(f"{work}/empty", "ab"), open(f"{work}/said", "w+b") as said:
        rights = ["--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
        job = jobs.start(["setpriv", "--no-new-privs", *rights, PROGRAM, "restore", *words], stdout=said, stderr=said,
                         prepare=limit)
        _await(job, jobs)
        status = job.reap()
        if status:
            said.seek(0)
            lines = printable_bytes(said.read(_ERRORS_MAX)).strip().split("\n")
            raise NoFile(f"{PROGRAM} has ended with status {status}: {lines[-1]:.200}")


def _await(job: Job, jobs: Jobs) -> None:
    try:
        if jobs.wait(job, secs=SECS):
            return
        raise NoFile(f"{PROGRAM} had not ended after {SECS} s")
    finally:
        job.send(signal.SIGKILL)
        job.reap()

# SPDX-License-Identifier: GPL-2.0-only
"""--warm: the guest is not booted but resumed, from a snapshot of one that was saved when it needed the run's files.

In:  Preparation; the cache of snapshots. Out: a running guest, and how it was started. Whatever is wrong with a
snapshot, the run is a cold one, and a line says why; it can't be another verdict. What only this run asked for (--gdb)
is said with -v alone.
Ends: each exchange with QEMU or with the guest has a deadline. The guest's side is rootfs/lib/ktbox/run_files.sh.
"""
from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import re
import resource
import shutil
import signal
import socket
import time
from typing import Iterator, Optional, Sequence

from ..lib.digest import sha256_of
from ..lib.jobs import Jobs
from ..lib.rundir import check_free, create
from ..lib.text import Fault, decoded, last_line, in_parentheses, note, shell_word
from ..machine.arguments import Places, Saved, qemu_command, split_words
from ..machine.qmp import Qmp, QmpError
from ..plan import Plan
from ..run.start import ANSWER_SECS, WARM, Guest, Preparation, Start
from .snapshot import COPIED, INITRAMFS, STATE, Cache, CannotCache, DamagedSnapshot, Snapshot, boot_id, key_of

_BOOT_SECS = 120  # of a guest that is to be saved, where the run has no limit
_SPACE_LEAST = 256 * 1024 * 1024  # a booted guest has written to 110 MB of its RAM
_LINE_MAX = 100
_SEED_BYTES = 32
# /init's breakpoints that a resumed guest has passed.
_BEFORE_RESUME = ("realtime_priority", "modules", "bulk_port", "wake_bytes", "announce", "kernel_log", "ktstr_host",
                  "trace", "run_files")


class CannotBeWarm(Exception):
    """What this run asks for can't be had from a snapshot. The text says what."""


def start_warm(ready: Preparation, guest: Guest, jobs: Jobs) -> Optional[Start]:
    """None: it has to be a cold run, and why is said."""
    options = ready.plan.options
    try:
        return _start(ready, guest, jobs)
    except CannotBeWarm as why:
        if options.verbose:
            note(f"a cold run: {why}")
    except (CannotCache, DamagedSnapshot, QmpError) as why:
        if not options.quiet:
            note(f"a cold run, not a warm one: {why}")
    return None


def _start(ready: Preparation, guest: Guest, jobs: Jobs) -> Start:
    kernel_words, run_words = split_words(ready.words)
    check_can_be_warm(ready.plan, run_words)
    cache = Cache(ready.plan.paths.cache)
    cache.open()
    base = f"{ready.work}/base.cpio"
    ready.files.write_base(base)
    key = _key(ready, kernel_words, base, cache)
    try:
        snapshot = cache.find(key) or _make(ready, key, kernel_words, base, cache, jobs)
    except DamagedSnapshot:
        cache.discard(key)
        raise
    try:
        ready.files.write_files(f"{ready.work}/files.cpio", run_words)
        return _resume(ready, snapshot, guest, jobs)
    except QmpError as why:
        guest.abandon()
        refused = QmpError(f"the snapshot can't be resumed: {why}")
    finally:
        os.close(snapshot.lock)
    cache.discard(key)  # when nobody here uses it any more
    raise refused


def check_can_be_warm(plan: Plan, run_words: str) -> None:
    """Raises CannotBeWarm."""
    options = plan.options
    if plan.kernel.arch.name != "x86_64":
        raise CannotBeWarm(f"a guest of {plan.kernel.arch.title} can't be saved")
    if options.gdb:
        raise CannotBeWarm("--gdb: the debugger knows the addresses of a kernel that boots without KASLR")
    if options.record_replay:
        raise CannotBeWarm("--record-replay: a recording begins with the boot")
    if plan.directories.daemon:
        raise CannotBeWarm("a guest with virtiofs can't be saved, and this kernel has no virtio-9p")
    if options.qemu_args:
        raise CannotBeWarm("--qemu-arg: nobody knows whether that machine can be saved")
    for word in run_words.split():
        if word.startswith("break=") and word[len("break="):] in _BEFORE_RESUME:
            raise CannotBeWarm(f"{word}: a resumed guest is past that breakpoint")


def _key(ready: Preparation, kernel_words: str, base: str, cache: Cache) -> str:
    """Everything that the saved guest depends on. QEMU's command has the most of it: with names for what is another
    file in each run, and without the frequency that each boot measures a little different."""
    plan = ready.plan
    exports = tuple(export._replace(directory="/") for export in plan.directories.exports)
    plan = dataclasses.replace(plan, options=plan.options._replace(verbose=False),
                               directories=plan.directories._replace(exports=exports))
    places = Places("OUTPUT", "WORK", "INITRAMFS", Saved("RAM", is_template=True, files=0, qmp=0))
    qemu = os.stat(plan.qemu)
    return key_of({
        "boot": boot_id(),
        "qemu": [os.path.realpath(plan.qemu), plan.qemu_says, qemu.st_size, qemu.st_mtime_ns],
        "kernel": cache.digest(plan.kernel.path),
        "base": sha256_of(base),
        "command": qemu_command(plan, ready.accel, kernel_words, places),
    })


# Making one


def _make(ready: Preparation, key: str, kernel_words: str, base: str, cache: Cache, jobs: Jobs) -> Snapshot:
    """One ktrun makes it; the others wait for that. If nothing comes of it they run cold, since it would fail for them,
    too, but for one that was killed: the next one makes it then."""
    lock = cache.making(key)
    try:
        has_waited = _lock(lock, ready, jobs)
        found = cache.find(key)
        if found:
            return found
        if has_waited and not cache.remove_left_over():
            raise CannotCache("another run was to make the snapshot, and has not")
        with cache.new_directory() as new:
            words = ready.clock.words(ready.plan, ready.accel) + kernel_words
            _save_template(ready, words, base, new, jobs)
            cache.add(key, new, words, _title(ready))
        found = cache.find(key)
        if not found:
            raise CannotCache("the snapshot is gone before its first use")
        return found
    finally:
        os.close(lock)


def _lock(lock: int, ready: Preparation, jobs: Jobs) -> bool:
    """False: nobody had it. Waiting is a process of its own, so that a signal and the deadline end it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        pass
    waiter = jobs.start([ready.plan.paths.busybox, "flock", str(lock)], keep=[lock])
    if not jobs.wait(waiter, secs=_boot_secs(ready.plan)) or waiter.status != 0:
        waiter.send(signal.SIGKILL)
        raise CannotCache("another run is still making the snapshot")
    return True


def _boot_secs(plan: Plan) -> int:
    return plan.options.limit_secs or _BOOT_SECS


def _title(ready: Preparation) -> str:
    options = ready.plan.options
    return f"{ready.plan.kernel.path}, {ready.accel}, {options.memory_mib} MiB, CPUs {options.topology}"


def _save_template(ready: Preparation, words: str, base: str, new: str, jobs: Jobs) -> None:
    """A guest boots, says that it is ready, and is saved. Raises QmpError, CannotCache."""
    plan = ready.plan
    _check_space(new)
    try:
        shutil.copyfile(base, f"{new}/{INITRAMFS}")
        for name in COPIED:
            create(f"{new}/{name}").close()
    except OSError as error:
        raise CannotCache(f"unable to write to {new}: {error.strerror}") from error
    with _connections() as (files, qmp_end, far_ends):
        saved = Saved(new, True, *(end.fileno() for end in far_ends))
        command = qemu_command(plan, ready.accel, words, Places(new, ready.work, f"{new}/{INITRAMFS}", saved))
        log = f"{ready.work}/template.log"
        with open(log, "wb") as messages:
            qemu = jobs.start(command, stdout=messages, stderr=messages, is_users=True,
                              keep=[saved.files, saved.qmp], prepare=_no_core)
        _close(far_ends)
        try:
            _await_ready(files, jobs, _boot_secs(plan))
            qmp = Qmp(qmp_end, jobs, ANSWER_SECS)
            qmp.begin()
            qmp.prepare_migrations()
            qmp.execute("stop")
            qmp.migrate("migrate", f"exec:cat >{shell_word(f'{new}/{STATE}')}")
            qmp.execute("quit")
            if not jobs.wait(qemu, secs=ANSWER_SECS):
                raise QmpError("QEMU does not end")
        except QmpError as why:
            raise QmpError(f"no snapshot: {why}{in_parentheses(last_line(log))}") from why
        finally:
            qemu.send(signal.SIGKILL)
            qemu.reap()


def _check_space(path: str) -> None:
    try:
        check_free(path, "the cache", _SPACE_LEAST)
    except Fault as fault:
        raise CannotCache(str(fault)) from fault


def _no_core() -> None:
    """It would have the guest's memory in it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _await_ready(files: socket.socket, jobs: Jobs, secs: int) -> None:
    try:
        word = _read_line(files, jobs, secs)
    except QmpError as why:
        raise QmpError(f"the guest was not ready: {why}") from why
    if word != "ready":
        raise QmpError("something went wrong in the guest before it could be saved")


# Resuming one


def _resume(ready: Preparation, snapshot: Snapshot, guest: Guest, jobs: Jobs) -> Start:
    """Until the guest has said that it runs. Raises QmpError."""
    guest.adopt(snapshot.directory, COPIED)
    with _connections() as (files, qmp_end, far_ends):
        saved = Saved(snapshot.directory, False, *(end.fileno() for end in far_ends))
        places = Places(ready.plan.output, ready.work, snapshot.file(INITRAMFS), saved)
        guest.start_qemu(qemu_command(ready.plan, ready.accel, snapshot.record.words, places),
                         [saved.files, saved.qmp, snapshot.lock])
        _close(far_ends)
        qmp = Qmp(qmp_end, jobs, ANSWER_SECS)
        qmp.begin()
        qmp.prepare_migrations()
        qmp.migrate("migrate-incoming", f"exec:cat {shell_word(snapshot.file(STATE))}")
        qmp.execute("cont")
        _say(files, f"go {os.urandom(_SEED_BYTES).hex()}")
        while (word := _read_line(files, jobs, ANSWER_SECS)) == "time":
            now = time.time_ns()
            _say(files, f"{now // 10 ** 9}.{now % 10 ** 9:09}")
        if word != "running":
            raise QmpError("the guest does not run")
        return Start(WARM, snapshot.age_secs, files.dup(), qmp.kept() if ready.plan.options.pauses_at_end else None)


def _say(files: socket.socket, line: str) -> None:
    try:
        files.sendall(line.encode() + b"\n")
    except OSError as error:
        raise QmpError(f"the guest takes nothing: {error.strerror}") from error


def _read_line(files: socket.socket, jobs: Jobs, secs: float) -> str:
    """From the guest: a word. Raises QmpError."""
    deadline = time.monotonic() + secs
    line = b""
    while not line.endswith(b"\n"):
        if not jobs.wait_readable(files, deadline - time.monotonic()):
            raise QmpError(f"it said nothing within {secs} s")
        try:
            data = files.recv(1)
        except OSError as error:
            raise QmpError(f"unable to read from it: {error.strerror}") from error
        line += data
        if not data or len(line) > _LINE_MAX:
            raise QmpError("QEMU has ended" if not data else "it said something else")
    return re.sub(r"[^ -~]", "", decoded(line))


@contextlib.contextmanager
def _connections() -> Iterator[tuple[socket.socket, socket.socket, list[socket.socket]]]:
    """Two connections to QEMU, for files and for QMP, and QEMU's ends of them."""
    files, far_files = socket.socketpair()
    qmp, far_qmp = socket.socketpair()
    try:
        yield files, qmp, [far_files, far_qmp]
    finally:
        _close([files, qmp, far_files, far_qmp])


def _close(sockets: Sequence[socket.socket]) -> None:
    for one in sockets:
        one.close()

# SPDX-License-Identifier: GPL-2.0-only
"""KVM or TCG: decided by booting a kernel under KVM once.

/dev/kvm may be there and yet unable to run a kernel; only a boot tells. The outcome is remembered for this boot of
this machine and this QEMU, in CACHE/accel, a line "KEY=ACCEL".
"""
from __future__ import annotations

import os
import resource
import signal
from typing import Optional

from ..lib.jobs import Jobs
from ..lib.text import Fault, note
from ..plan import Plan

_TRIAL_SECS = 15


def choose_accelerator(plan: Plan, work: str, jobs: Jobs) -> str:
    if plan.options.record_replay:
        return "tcg"
    if plan.forced_accel:
        return plan.forced_accel
    if not _can_be_tried(plan):
        return "tcg"
    key = _key(plan)
    known = _recall(plan, key)
    if known:
        return known
    if plan.options.dry_run:
        note("KVM was not tried on this machine yet; shown for TCG")
        return "tcg"
    if not plan.options.quiet:
        note(f"trying once whether KVM runs a kernel here (at most {_TRIAL_SECS} s)")
    accel = "kvm" if _try_kvm(plan, work, jobs) else "tcg"
    _remember(plan, key, accel)
    return accel


def _can_be_tried(plan: Plan) -> bool:
    """KVM runs the architecture that it is on. On ARM we never tried it: KTRUN_ACCEL=kvm asks for it."""
    is_native = plan.kernel.arch.name == "x86_64" == os.uname().machine
    return is_native and os.access("/dev/kvm", os.R_OK | os.W_OK)


def _key(plan: Plan) -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    status = os.stat(plan.qemu)
    return f"{boot} {plan.qemu} {status.st_size} {int(status.st_mtime)}"


def _recall(plan: Plan, key: str) -> Optional[str]:
    path = plan.paths.cache + "/accel"
    if not plan.paths.cache or not os.access(path, os.R_OK):
        return None
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        lines = file.read().splitlines()
    return next((accel for accel in ("kvm", "tcg") if f"{key}={accel}" in lines), None)


def _remember(plan: Plan, key: str, accel: str) -> None:
    """Where nothing can be kept (a read-only tree, a user without a home), the next run just tries again."""
    cache = plan.paths.cache
    if not cache:
        return
    try:
        os.makedirs(cache, exist_ok=True)
    except OSError:
        return
    if not os.access(cache, os.W_OK):
        return
    new = f"{cache}/accel.{os.getpid()}"
    try:
        with open(new, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(f"{key}={accel}\n")
        os.replace(new, cache + "/accel")
    except OSError as error:
        raise Fault(f"unable to write {cache}/accel: {error.strerror}") from error


def _try_kvm(plan: Plan, work: str, jobs: Jobs) -> bool:
    """KVM works when a kernel without a root file system says hello and panics into a reboot, which ends QEMU."""
    console = f"{work}/trial.console"
    command = [plan.qemu, "-nodefaults", "-display", "none", "-no-reboot", "-machine", "q35", "-accel", "kvm", "-cpu",
               "host", "-m", "256", *(["-bios", "qboot.rom"] if plan.kernel.form == "elf" else []),
               "-chardev", f"file,id=com1,path={console.replace(',', ',,')}", "-serial", "chardev:com1",
               "-kernel", plan.kernel.path, "-append", "console=ttyS0 panic=-1"]
    reading, writing = os.pipe2(os.O_CLOEXEC)
    trial = jobs.start(command, stdout=writing, stderr=writing, is_users=True,
                       prepare=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
    # QEMU whose KVM fails in emulation says so and hangs: its message saves the wait for the limit
    watcher = jobs.start(["grep", "-q", "-i", "kvm.*error\\|error.*kvm"], stdin=reading)
    os.close(reading)
    os.close(writing)
    has_ended = jobs.wait(trial, watcher, secs=_TRIAL_SECS) is trial
    if not has_ended and watcher.status == 1:  # QEMU has closed its messages; its end is still to come
        has_ended = jobs.wait(trial, secs=_TRIAL_SECS) is trial
    trial.send(signal.SIGKILL)
    if not has_ended or trial.reap() != 0 or not os.path.exists(console):
        return False
    with open(console, "rb") as file:
        return b"Linux version" in file.read()

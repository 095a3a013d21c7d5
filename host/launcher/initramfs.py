# SPDX-License-Identifier: GPL-2.0-only
"""The initramfs of one run: the base archive with an archive of this run's files after it.

The kernel unpacks concatenated archives in turn, so a run costs a copy, not a rebuild. In: Plan. Out:
WORK/initramfs.cpio.

The run's first entry is .ktbox/run.begin and its last .ktbox/run.complete, by which /init knows that nothing is
missing.
"""
from __future__ import annotations

import os
import shutil
import stat
from typing import Optional

from .archive import Tree, read_names
from .guestfiles import ELSEWHERE, GuestFiles
from .jobs import Jobs
from .machine import share_list
from .modules import list_modules, unpack_module
from .plan import Plan
from .text import Fault
from .values import Share

# Of the guest's memory: 1.7 % and 58 MiB were the kernel's own on 7.2, more on a kernel with more built in. Half of the
# rest, less the archive, is the size of the file system that it is unpacked into; the archive is freed after that.
# Measured with includes of 40, 90 and 160 MiB.
_KERNEL_MIB, _KERNEL_SHARE = 80, 0.02
_MIB = 1024 * 1024


def pack_initramfs(plan: Plan, history: bytes, work: str, jobs: Jobs) -> None:
    """HISTORY: of the guest's shell. Raises Fault."""
    own = read_names(plan.archive)
    tree = Tree(own)
    tree.text("/.ktbox/run.begin", b"")
    try:
        _collect(plan, history, tree, own, work, jobs)
        tree.text("/.ktbox/run.complete", b"")
        _check_memory(plan, tree)
        _write(plan, tree, own, work, jobs)
    except OSError as error:
        raise Fault(f"unable to pack the initramfs: {error.strerror or error}") from error


def _collect(plan: Plan, history: bytes, tree: Tree, own: dict[str, int], work: str, jobs: Jobs) -> None:
    options = plan.options
    files = GuestFiles(tree, own, plan.kernel.arch, jobs)
    if options.scheduler:
        files.scheduler(options.scheduler)
    for include in options.includes:
        files.include(include)
    for path in options.tests:
        tree.file("/tests/" + os.path.basename(path), path)
    library_path = files.finish()
    for share in options.shares:
        _check_share(share, tree)
    if options.arguments and "/" in options.arguments[0]:
        files.check_command(options.arguments[0], [share.guest for share in options.shares])
    _add_run_files(tree, plan, history, library_path)
    _add_modules(tree, plan, work, jobs)


def _check_share(share: Share, tree: Tree) -> None:
    """A share hides what lies in its place, which may be the same file."""
    for place in (share.guest, ELSEWHERE + share.guest):
        for name, source in tree.below(place):
            shared = share.host + name[len(place):]
            if not (os.path.exists(shared) and (not source or os.path.samefile(source, shared))):
                option = "--rw" if share.is_writable else "--ro"
                raise Fault(f"{option}: {share.guest} would hide {name.replace(ELSEWHERE, '')}"
                            f"{f' ({source})' if source else ''}: give one of them another place")


def _add_run_files(tree: Tree, plan: Plan, history: bytes, library_path: Optional[str]) -> None:
    """LIBRARY_PATH: for programs whose libraries are found by it, unless the user has set it."""
    options = plan.options
    variables = ([("LD_LIBRARY_PATH", library_path)] if library_path else []) + options.variables
    texts = {
        "/.ktbox/env": "".join(f"{name}={text}\0" for name, text in variables),
        "/.ktbox/command": "".join(argument + "\0" for argument in options.arguments),
        "/.ktbox/get": "".join(path + "\n" for path in options.gets),
        "/.ktbox/shares": share_list(plan),
        "/.ktbox/scheduler_name": os.path.basename(options.scheduler) + "\n" if options.scheduler else "",
        "/sched_args": options.scheduler_args + "\n" if options.scheduler_args else "",
    }
    for guest_path, text in texts.items():
        if text:
            tree.text(guest_path, os.fsencode(text))
    if options.history and options.is_interactive:
        tree.text("/.ktbox/history", history)
    for host_path, guest_path in ((options.enable, "/sched_enable"), (options.disable, "/sched_disable")):
        if host_path:
            tree.file(guest_path, host_path)


def _add_modules(tree: Tree, plan: Plan, work: str, jobs: Jobs) -> None:
    modules = list_modules(plan.kernel, plan.options.modules, bool(plan.options.shares), work, jobs)
    if not modules:
        return
    tree.text("/.ktbox/modules", "".join(module.name + "\n" for module in modules).encode())
    os.makedirs(work + "/modules")
    for module in modules:
        unpacked = f"{work}/modules/{module.name}.ko"
        unpack_module(module, unpacked, jobs)
        tree.file(f"/.ktbox/modules.d/{module.name}.ko", unpacked)


def _check_memory(plan: Plan, tree: Tree) -> None:
    """Before anything is read."""
    unpacked, inodes = tree.unpacked()
    base = os.stat(plan.archive).st_size
    archive = base + unpacked
    need = (2 * (base + unpacked) + archive + inodes) / _MIB + _KERNEL_MIB
    least = int(need / (1 - _KERNEL_SHARE)) + 1
    if plan.options.memory_mib < least:
        raise Fault(f"-m {plan.options.memory_mib}: too little memory: the run's files take {unpacked // _MIB + 1} MiB, "
                    f"and a guest that unpacks them needs at least {least} MiB")


def _write(plan: Plan, tree: Tree, own: dict[str, int], work: str, jobs: Jobs) -> None:
    def has(name: str) -> bool:
        return stat.S_ISDIR(own.get(name, 0))

    with open(f"{work}/initramfs.cpio", "wb") as archive:
        with open(plan.archive, "rb") as base:
            shutil.copyfileobj(base, archive)
        tree.write(archive, has, jobs.check_signals)

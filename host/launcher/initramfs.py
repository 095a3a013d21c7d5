# SPDX-License-Identifier: GPL-2.0-only
"""The initramfs of one run: the base archive with an archive of this run's files after it.

The kernel unpacks concatenated archives in turn, so a run costs a copy, not a rebuild. In: Plan. Out:
WORK/initramfs.cpio.

The run's first entry is .ktbox/run.begin and its last .ktbox/run.complete, by which /init knows that nothing is
missing. Everything is staged as symbolic links that cpio follows: a large include is read once. cpio puts off a file
with hard links to the end of its archive, so the last entry is an archive of its own.
"""
from __future__ import annotations

import os
import re
import shutil

from .include import list_libraries, name_of_include
from .jobs import Jobs
from .machine import share_list
from .modules import list_modules, unpack_module
from .plan import Plan
from .text import Fault

_UNPACK_MIB = 96  # of memory beyond twice the archive


def pack_initramfs(plan: Plan, history: bytes, work: str, jobs: Jobs) -> None:
    """HISTORY: of the guest's shell. Raises Fault."""
    mask = os.umask(0o022)
    stage = _Stage(work + "/stage")
    _stage_run_files(stage, plan, history)
    for path in plan.options.includes:
        name = name_of_include(path)
        if stage.has("/include-files/" + name):
            raise Fault(f"two includes with the name {name}")
        stage.link(path, "/include-files/" + name)
    for path in plan.options.tests:
        stage.link(path, "/tests/" + os.path.basename(path))
    _stage_libraries(stage, plan, jobs)
    _stage_modules(stage, plan, work, jobs)
    _write_archives(stage, plan.archive, work, jobs)
    os.umask(mask)
    _check_memory(plan, work)


class _Stage:
    """A directory of links that looks like the guest's root."""

    def __init__(self, path: str) -> None:
        self.path = path
        os.makedirs(path + "/.ktbox")

    def has(self, guest_path: str) -> bool:
        return os.path.lexists(self.path + guest_path)

    def write(self, guest_path: str, data: bytes) -> None:
        with open(self.path + guest_path, "wb") as file:
            file.write(data)

    def link(self, host_path: str, guest_path: str) -> None:
        target = self.path + guest_path
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.symlink(host_path, target)


def _stage_run_files(stage: _Stage, plan: Plan, history: bytes) -> None:
    options = plan.options
    texts = {
        "/.ktbox/env": "".join(f"{name}={text}\0" for name, text in options.variables),
        "/.ktbox/command": "".join(argument + "\0" for argument in options.arguments),
        "/.ktbox/get": "".join(path + "\n" for path in options.gets),
        "/.ktbox/shares": share_list(plan),
        "/.ktbox/scheduler_name": os.path.basename(options.scheduler) + "\n" if options.scheduler else "",
        "/sched_args": options.scheduler_args + "\n" if options.scheduler_args else "",
    }
    for guest_path, text in texts.items():
        if text:
            stage.write(guest_path, os.fsencode(text))
    for guest_path in ("/.ktbox/run.begin", "/.ktbox/run.complete"):
        stage.write(guest_path, b"")
    if options.history and options.is_interactive:
        stage.write("/.ktbox/history", history)
    for host_path, guest_path in ((options.scheduler, "/scheduler"), (options.enable, "/sched_enable"),
                                  (options.disable, "/sched_disable")):
        if host_path:
            stage.link(host_path, guest_path)


def _stage_libraries(stage: _Stage, plan: Plan, jobs: Jobs) -> None:
    programs = ([plan.options.scheduler] if plan.options.scheduler else []) + plan.options.includes
    for host_path, guest_path in list_libraries(programs, plan.kernel.arch, jobs):
        if not stage.has(guest_path):
            stage.link(host_path, guest_path)


def _stage_modules(stage: _Stage, plan: Plan, work: str, jobs: Jobs) -> None:
    modules = list_modules(plan.kernel, plan.options.modules, bool(plan.options.shares), work, jobs)
    if not modules:
        return
    stage.write("/.ktbox/modules", "".join(module.name + "\n" for module in modules).encode())
    os.makedirs(stage.path + "/.ktbox/modules.d")
    for module in modules:
        unpack_module(module, f"{stage.path}/.ktbox/modules.d/{module.name}.ko", jobs)


def _write_archives(stage: _Stage, base: str, work: str, jobs: Jobs) -> None:
    marks = re.sub(r"[][*?\\]", r"\\\g<0>", stage.path) + "/.ktbox/run.*"
    found = jobs.tool(["find", "-L", stage.path, "-mindepth", "1", "!", "-path", marks,
                       "-printf", r"%P\0"])
    if found.status != 0:
        raise Fault(f"unable to pack the initramfs: {found.first_error}")
    with open(f"{work}/initramfs.cpio", "wb") as archive:
        with open(base, "rb") as file:
            shutil.copyfileobj(file, archive)
        archive.flush()
        _archive(b".ktbox/run.begin\0" + found.output, stage, archive.fileno(), jobs)
        _archive(b".ktbox/run.complete\0", stage, archive.fileno(), jobs)


def _archive(names: bytes, stage: _Stage, archive: int, jobs: Jobs) -> None:
    listed = os.memfd_create("names")
    try:
        os.write(listed, names)
        os.lseek(listed, 0, os.SEEK_SET)
        packed = jobs.tool(["cpio", "-0", "-o", "-L", "-R", "0:0", "-H", "newc", "--quiet", "-D", stage.path],
                           stdin=listed, stdout=archive)
    finally:
        os.close(listed)
    if packed.status != 0:
        raise Fault(f"unable to pack the initramfs: {packed.first_error}")


def _check_memory(plan: Plan, work: str) -> None:
    """At boot the archive and the files unpacked from it are in memory at the same time."""
    size = os.stat(f"{work}/initramfs.cpio").st_size // 1048576 + 1
    need = 2 * size + _UNPACK_MIB
    if plan.options.memory_mib < need:
        raise Fault(f"-m {plan.options.memory_mib}: too little memory: an initramfs of {size} MiB needs at least "
                    f"{need} MiB")

# SPDX-License-Identifier: GPL-2.0-only
"""The initramfs of one run: the base archive with an archive of this run's files after it.

The kernel unpacks concatenated archives in turn, so a run costs a copy, not a rebuild. A guest that is saved has the
base archive alone, with modules where the kernel needs any; the run's files come to a resumed one through a port, as
the same archive. In: Plan. Out: archives.

The run's first entry is .ktbox/run.begin and its last .ktbox/run.complete, by which /init knows that nothing is
missing.
"""
from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from typing import Optional, Sequence

from ..kernel.modules import list_modules, unpack_module
from ..lib.jobs import Jobs
from ..lib.text import Fault
from ..machine.arguments import share_list
from ..options.values import Share
from ..plan import Plan
from ..shares.host_root import texts, variables
from .archive import Tree, read_names
from .guest_files import ELSEWHERE, GuestFiles
from .scenario import GUEST_PLACE, read_scenario

# Of the guest's memory: 1.7 % and 58 MiB were the kernel's own on 7.2, more on a kernel with more built in. Half of the
# rest, less the archive, is the size of the file system that it is unpacked into; the archive is freed after that.
# Measured with includes of 40, 90 and 160 MiB.
_KERNEL_MIB, _KERNEL_SHARE = 80, 0.02
_MIB = 1024 * 1024


@dataclass(frozen=True)
class RunFiles:
    """What a run brings into the guest, as trees of names: the files of the user, and modules of the kernel, which a
    guest needs before it can be saved."""
    base: str
    own: dict[str, int]  # names and modes of the base archive
    files: Tree
    modules: Tree
    jobs: Jobs

    def write_initramfs(self, path: str) -> None:
        """Of a cold run: the base archive, then everything."""
        self._write(path, self.base, [self.files, self.modules])

    def write_base(self, path: str) -> None:
        """Of a guest that is saved: the base archive, then the modules, where there are any."""
        self._write(path, self.base, [self.modules] if self.modules.names() else [])

    def write_files(self, path: str, words: str) -> None:
        """For the port of a resumed guest. WORDS: of /init, for this run."""
        tree = Tree(self.own)
        if words:
            tree.text("/.ktbox/words", os.fsencode(words) + b"\n")
        self._write(path, "", [tree, self.files])

    def _write(self, path: str, base: str, trees: Sequence[Tree]) -> None:
        def has(name: str) -> bool:
            return stat.S_ISDIR(self.own.get(name, 0))

        try:
            with open(path, "wb") as archive:
                if base:
                    with open(base, "rb") as source:
                        shutil.copyfileobj(source, archive)
                if trees:
                    marked(trees, self.own).write(archive, has, self.jobs.check_signals)
        except OSError as error:
            raise _fault(error, path) from error


def collect(plan: Plan, history: bytes, work: str, jobs: Jobs) -> RunFiles:
    """HISTORY: of the guest's shell. Raises Fault."""
    own = read_names(plan.archive)
    files, modules = Tree(own), Tree(own)
    try:
        _collect(plan, history, files, own, jobs)
        _add_modules(modules, plan, work, jobs)
        _check_memory(plan, marked([files, modules], own))
    except OSError as error:
        raise _fault(error, work) from error
    return RunFiles(plan.archive, own, files, modules, jobs)


def marked(trees: Sequence[Tree], own: dict[str, int]) -> Tree:
    """The trees as one, with the marks of its begin and its end. Raises Fault for names that collide."""
    whole = Tree(own)
    whole.text("/.ktbox/run.begin", b"")
    for tree in trees:
        whole.add_all(tree)
    whole.text("/.ktbox/run.complete", b"")
    return whole


def _fault(error: OSError, target: str) -> Fault:
    return Fault(f"unable to pack the initramfs: {error.filename or target}: {error.strerror or error}")


def _collect(plan: Plan, history: bytes, tree: Tree, own: dict[str, int], jobs: Jobs) -> None:
    options = plan.options
    if options.host_root:
        _add_tests(tree, options.tests)
        _add_run_files(tree, plan, history, None)
        return
    files = GuestFiles(tree, own, plan.kernel.arch, jobs)
    if options.scheduler:
        files.scheduler(options.scheduler)
    for include in options.includes:
        files.include(include)
    _add_tests(tree, options.tests)
    library_path = files.finish()
    for share in options.shares:
        _check_share(share, tree)
    program = options.arguments[2 if options.scenario else 0:][:1]
    if program and "/" in program[0]:
        files.check_command(program[0], [share.guest for share in options.shares])
    _add_run_files(tree, plan, history, library_path)


def _add_tests(tree: Tree, paths: Sequence[str]) -> None:
    for path in paths:
        tree.file("/tests/" + os.path.basename(path), path)


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
    environment = variables() if options.host_root else []
    environment += ([("LD_LIBRARY_PATH", library_path)] if library_path else []) + options.variables
    files = {
        "/.ktbox/env": "".join(f"{name}={text}\0" for name, text in environment),
        "/.ktbox/command": "".join(argument + "\0" for argument in options.arguments),
        "/.ktbox/get": "".join(path + "\n" for path in options.gets),
        "/.ktbox/shares": share_list(plan),
        "/.ktbox/scheduler_name": os.path.basename(options.scheduler) + "\n" if options.scheduler else "",
        "/sched_args": options.scheduler_args + "\n" if options.scheduler_args else "",
        **(texts(options, plan.directories.type) if options.host_root else {}),
    }
    if options.scenario:
        tree.text(GUEST_PLACE, read_scenario(options.scenario))
    for guest_path, text in files.items():
        if text:
            tree.text(guest_path, os.fsencode(text))
    if options.history and options.is_interactive:
        tree.text("/.ktbox/history", history)
    for host_path, guest_path in ((options.enable, "/sched_enable"), (options.disable, "/sched_disable")):
        if host_path:
            tree.file(guest_path, host_path)


def _add_modules(tree: Tree, plan: Plan, work: str, jobs: Jobs) -> None:
    modules = list_modules(plan.kernel, plan.options.modules, plan.directories.drivers, work, jobs)
    if not modules:
        return
    tree.text("/.ktbox/modules", "".join(module.name + "\n" for module in modules).encode())
    os.makedirs(work + "/modules")
    for module in modules:
        unpacked = f"{work}/modules/{module.name}.ko"
        unpack_module(module, unpacked, jobs)
        packed = os.stat(module.path)
        os.utime(unpacked, ns=(packed.st_mtime_ns, packed.st_mtime_ns))  # the same archive for the same modules
        tree.file(f"/.ktbox/modules.d/{module.name}.ko", unpacked)


def _check_memory(plan: Plan, tree: Tree) -> None:
    """Before anything is read."""
    unpacked, inodes = tree.unpacked()
    base = os.stat(plan.archive).st_size
    archive = base + unpacked
    need = (2 * (base + unpacked) + archive + inodes) / _MIB + _KERNEL_MIB
    least = int(need / (1 - _KERNEL_SHARE)) + 1
    if plan.options.memory_mib < least:
        raise Fault(f"-m {plan.options.memory_mib}: too little memory: the run's files take {unpacked // _MIB + 1} "
                    f"MiB, and a guest that unpacks them needs at least {least} MiB")

# SPDX-License-Identifier: GPL-2.0-only
"""--repeat: a recorded guest runs again, instruction by instruction, and must write the same bytes.

In:  a run directory of --record-replay. Out: on stderr, whether the frames and what came from the two serial ports are
     those of the run. With --gdb a debugger looks at the guest instead (backwards.py). The directory stays as it is.
Ends: with the replay log or the debugger, at the limit of -t, or by a signal.
Exit: 0 the same, or the debugger has left; 1 not the same; Fault for a directory or a machine with which that can't be
found out.

QEMU's command line is built here, as that of a run is. The directory gives files that QEMU opens by fixed names, and
the guest's memory size and kernel command line (replay_log.py).
"""
from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import Optional, Sequence

from ..judge.stream import share_of
from ..kernel.image import X86_64, Kernel, read_kernel
from ..lib.jobs import Job, Jobs
from ..lib.paths import Paths
from ..lib.rundir import COM2, CONSOLE, QEMU_LOG, RR_INITRAMFS, RR_KERNEL, RR_LOG, STREAM, RunDirectory
from ..lib.text import Fault, last_line, in_parentheses, note, write_stderr
from ..lib.workdir import work_directory
from ..machine.arguments import Places, ReplayLog, qemu_command, shown_command
from ..machine.qemu_faults import ask_qemu
from ..machine.topology import Topology
from ..options.cli import REPEAT_LIMIT_SECS
from ..options.options import Options
from ..options.table import MAX_OUTPUT_KIB
from ..options.values import GDB_WAIT
from ..plan import Plan, find_qemu, gdb_command, with_gdb_port
from ..run.file_limits import limit_files
from ..run.host import LIMIT_STATUS
from ..shares.host_root import NO_DIRECTORIES
from .backwards import Lost, debug
from .replay_log import Machine, read_machine

_COMPARED = {STREAM: "frames", CONSOLE: "console", COM2: "last words"}
_SIZE_MAX = share_of(MAX_OUTPUT_KIB)  # of a compared file: a stranger's may have 1 TiB of holes
_MORE_MAX = 1 << 20  # bytes that a file of a repeated run, which is not the same, may have more than that of the run
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Comparison:
    name: str
    size: int  # of the run's file, in bytes
    differs_at: Optional[int]  # None: it does not


def repeat(options: Options, paths: Paths, jobs: Jobs) -> int:
    path = options.repeat or ""
    if not os.path.isdir(path):
        raise Fault(f"--repeat: not a directory: {path}")
    with RunDirectory(path, reader="--repeat") as directory:
        directory.check_files("--repeat")
        _check_sizes(directory)
        machine = read_machine(directory)
        kernel = replace(read_kernel(directory.file(RR_KERNEL)), release=machine.release or None)
        if kernel.arch is not X86_64:
            raise Fault(f"--repeat: not a kernel for x86-64: {kernel.path}")
        with work_directory() as work:
            plan = _plan(with_gdb_port(options), paths, machine, kernel, work, jobs)
            command = _command(plan, machine, directory)
            if options.gdb:
                return _debug(plan, command, directory, jobs)
            has_written_more = _run(plan, command, directory, jobs)
            found = [_compare(directory.file(name), f"{work}/{name}", name) for name in _COMPARED]
            return _report(found, has_written_more, options.quiet)


def _check_sizes(directory: RunDirectory) -> None:
    """A repeated guest may write as much as the files have, and a little more."""
    for name in _COMPARED:
        if directory.size(name) > _SIZE_MAX:
            raise Fault(f"--repeat: larger than {_SIZE_MAX >> 20} MiB, which a repetition may write: "
                        f"{directory.file(name)}")


def _plan(options: Options, paths: Paths, machine: Machine, kernel: Kernel, work: str, jobs: Jobs) -> Plan:
    qemu = find_qemu(kernel)
    says = ask_qemu(qemu, paths.cache, jobs)
    if says != machine.qemu:
        raise Fault("--repeat: only the QEMU that has recorded a run can repeat it: "
                    f"that was {machine.qemu[:200]}, and {qemu} is {says or 'one without a version'}")
    options = options._replace(memory_mib=machine.memory_mib, topology=Topology(1, 1, 1, 1, is_named=False))
    return Plan(options, paths, kernel, qemu, "tcg", work, says, None, NO_DIRECTORIES, None)


def _command(plan: Plan, machine: Machine, directory: RunDirectory) -> list[str]:
    places = Places(plan.output, plan.output, directory.file(RR_INITRAMFS),
                    replay_log=ReplayLog(directory.file(RR_LOG), is_replay=True))
    # the debugger's port is ktrun's own, and the console is the file that is compared
    own = replace(plan, options=plan.options._replace(gdb=None, verbose=False))
    command = qemu_command(own, "tcg", machine.words, places)
    if plan.options.verbose:
        write_stderr(os.fsencode(shown_command(command)))
    return command


def _start(plan: Plan, command: Sequence[str], keep: Sequence[int], directory: RunDirectory, jobs: Jobs) -> Job:
    most = max(directory.size(name) for name in _COMPARED) + _MORE_MAX
    lock = [directory.lock_fd] if directory.lock_fd >= 0 else []
    for name in _COMPARED:  # a QEMU that does not come so far has written nothing
        with open(f"{plan.output}/{name}", "wb"):
            pass
    with open(f"{plan.output}/{QEMU_LOG}", "wb") as log:
        return jobs.start(command, stdout=log, stderr=log, is_users=True, keep=[*lock, *keep],
                          prepare=lambda: limit_files(most))


def _debug(plan: Plan, command: list[str], directory: RunDirectory, jobs: Jobs) -> int:
    gdb = plan.options.gdb
    assert gdb and gdb.port
    port = gdb.port

    def start(arguments: Sequence[str], keep: Sequence[int]) -> Job:
        return _start(plan, [*command, *arguments], keep, directory, jobs)

    def announce(place: str) -> None:  # a kernel that boots has no symbols, or not all
        note(f"the guest stands {place}: {gdb_command('vmlinux', port)}  (the vmlinux of your kernel)")

    try:
        debug(start, port, gdb.when == GDB_WAIT, plan.options.limit_secs or REPEAT_LIMIT_SECS, announce, jobs)
    except Lost as why:
        raise Fault(f"--repeat: {why}{in_parentheses(last_line(f'{plan.output}/{QEMU_LOG}'))}") from why
    return 0


def _run(plan: Plan, command: list[str], directory: RunDirectory, jobs: Jobs) -> bool:
    """Whether QEMU was ended since a file of it was to have more than those of the run."""
    options, work = plan.options, plan.output
    started = time.monotonic()
    qemu = _start(plan, command, (), directory, jobs)
    if not jobs.wait(qemu, secs=options.limit_secs):
        raise Fault(f"--repeat: the guest has not come to the replay log's end in {options.limit_secs} s: "
                    "give more by -t")
    if qemu.status == LIMIT_STATUS:
        return True
    if qemu.status:
        said = last_line(f"{work}/{QEMU_LOG}") or "it said nothing"
        raise Fault(f"--repeat: QEMU ended with status {qemu.status}: {said}")
    if not options.quiet:
        note(f"repeated in {time.monotonic() - started:.1f} s")
    return False


def _compare(path: str, other: str, name: str) -> Comparison:
    at = 0
    with open(path, "rb") as one, open(other, "rb") as two:
        while True:
            left, right = one.read(_BLOCK), two.read(_BLOCK)
            if left != right:
                pairs = enumerate(zip(left, right))
                at += next((i for i, (a, b) in pairs if a != b), min(len(left), len(right)))
                return Comparison(name, os.stat(path).st_size, at)
            if not left:
                return Comparison(name, at, None)
            at += len(left)


def _report(comparisons: list[Comparison], has_written_more: bool, is_quiet: bool) -> int:
    different = [one for one in comparisons if one.differs_at is not None]
    for one in different:
        note(f"{one.name} ({_COMPARED[one.name]}) is not the same: "
             f"it differs from byte {one.differs_at} of {one.size} on")
    if has_written_more:
        note("not the same: the repeated guest wrote far more than the run's did; QEMU was stopped")
    elif not different and not is_quiet:
        sizes = ", ".join(f"{one.name} {one.size} bytes" for one in comparisons)
        note(f"the same, byte by byte: {sizes}")
    return 1 if different or has_written_more else 0

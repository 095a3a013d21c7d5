# SPDX-License-Identifier: GPL-2.0-only
"""--record-replay: what a recorded run leaves in its directory, so that --repeat can run its guest again.

In:  Plan, the kernel's command line, the initramfs. Out: copies of kernel and initramfs, and rr.json, which has what
     else decides how the machine looks; QEMU itself writes rr.log.
A directory may come from anywhere. Of rr.json only numbers within bounds and the guest's own command line are taken; no
word of it is one of QEMU's.
"""
from __future__ import annotations

import contextlib
import os
import re
import shutil
from dataclasses import dataclass
from typing import IO, Iterator, Optional

from ..judge.stream import share_of
from ..lib.jobs import CannotGoOn
from ..lib.records import BadRecord, from_json, read_json, to_json
from ..lib.rundir import QEMU_LOG, RR_INITRAMFS, RR_KERNEL, RR_LOG, RR_MACHINE, RunDirectory, check_free, create
from ..lib.text import Fault, short_lines
from ..machine.arguments import RECORDED_WORDS, ReplayLog
from ..options.options import Options
from ..plan import MEMORY_MIB_LEAST, Plan
from ..run.file_limits import bound_of_files

_FORMAT = 2
_RELEASE = re.compile(r"[!-~]{0,200}")
_SIZE_MAX = 65536
_MEMORY_MIB_MAX = 1048576
_KIB, _MIB = 1 << 10, 1 << 20
_NOT_WRITTEN = b"replay write error"  # replay/replay-internal.c of QEMU: once, and then it goes on with the next event
_HEADER_LEN = 4  # QEMU writes the number of the log's format there when the log is whole, and nothing before


@dataclass(frozen=True)
class Machine:
    """rr.json. The rest is the same for all recorded machines."""
    format: int
    qemu: str  # how it calls itself
    memory_mib: int
    release: str  # the kernel's, by which QEMU's faults are known (machine/qemu_faults.py); empty: not known
    words: str  # the kernel's command line


def keep_machine(directory: RunDirectory, plan: Plan, words: str, initramfs: str) -> ReplayLog:
    """Before QEMU starts. Raises CannotGoOn."""
    options = plan.options
    sources = {RR_KERNEL: plan.kernel.path, RR_INITRAMFS: initramfs}
    sizes = [os.stat(path).st_size for path in sources.values()]
    left = options.max_output.kib * _KIB // 2 - share_of(options.streams_kib)
    if sum(sizes) > left:
        raise CannotGoOn(f"--record-replay: kernel and initramfs have {sum(sizes) / _MIB:.1f} MiB, "
                         f"and --max-output leaves them {left / _MIB:.1f}")
    if max(sizes) > bound_of_files(left):
        raise CannotGoOn(f"--record-replay: a copy of the kernel or the initramfs has {max(sizes) / _MIB:.1f} MiB, "
                         f"and ulimit -f allows {bound_of_files(left) / _MIB:.1f}")
    for name, path in sources.items():
        with open(path, "rb") as source, _created(directory.file(name)) as target:
            shutil.copyfileobj(source, target)
    machine = Machine(_FORMAT, plan.qemu_says, options.memory_mib, plan.kernel.release or "", words)
    with _created(directory.file(RR_MACHINE)) as file:
        file.write(to_json(machine))
    return ReplayLog(directory.file(RR_LOG), is_replay=False)


@contextlib.contextmanager
def _created(path: str) -> Iterator[IO[bytes]]:
    try:
        with create(path) as file:
            yield file
    except OSError as error:
        raise CannotGoOn(f"--record-replay: unable to write {path}: {error.strerror}") from error


def find_problem(directory: RunDirectory, options: Options) -> Optional[str]:
    """Why the run can't be repeated; None: it can, or was not recorded."""
    if not options.record_replay:
        return None
    share = share_of(options.streams_kib)
    most = bound_of_files(share)
    if directory.size(RR_LOG) >= most:
        whose = "its share of --max-output" if most == share else "the limit of ulimit -f"
        return f"the log has reached {whose}, {most // _KIB} KiB"
    if not is_whole(directory):
        return "QEMU has not written its log to the end"
    return "QEMU could not write all of its log" if _has_hole(directory) else None


def _has_hole(directory: RunDirectory) -> bool:
    """QEMU goes on after an event that it could not write, and on a full disk it can't say so either."""
    try:
        check_free(directory.path, "output")
    except Fault:
        return True
    return directory.size(QEMU_LOG) > 0 and any(_NOT_WRITTEN in line for line in short_lines(directory.file(QEMU_LOG)))


def is_whole(directory: RunDirectory) -> bool:
    if not directory.size(RR_LOG):
        return False
    with open(directory.file(RR_LOG), "rb") as log:
        return log.read(_HEADER_LEN).strip(b"\0") != b""


def read_machine(directory: RunDirectory) -> Machine:
    """Raises Fault for a directory whose guest can't run again."""
    for name in (RR_MACHINE, RR_KERNEL, RR_INITRAMFS, RR_LOG):
        if not os.path.exists(directory.file(name)):
            raise Fault(f"--repeat: no replay log (--record-replay makes one): there is no {directory.file(name)}")
    if not is_whole(directory):
        raise Fault(f"--repeat: QEMU has not written it to the end: {directory.file(RR_LOG)}")
    path = directory.file(RR_MACHINE)
    try:
        machine = from_json(Machine, read_json(path, _SIZE_MAX))
        _check(machine)
    except BadRecord as error:
        raise Fault(f"--repeat: {path} is not what ktrun writes: {error}") from error
    return machine


def _check(machine: Machine) -> None:
    if machine.format != _FORMAT:
        raise BadRecord(f"format {machine.format}, not {_FORMAT}")
    if not MEMORY_MIB_LEAST <= machine.memory_mib <= _MEMORY_MIB_MAX:
        raise BadRecord(f"memory_mib: {machine.memory_mib}")
    if not _RELEASE.fullmatch(machine.release):
        raise BadRecord(f"release: {machine.release!r:.100}")
    if not RECORDED_WORDS.fullmatch(machine.words):
        raise BadRecord(f"words: {machine.words!r:.100}")

# SPDX-License-Identifier: GPL-2.0-only
"""--record-replay: what a recorded run leaves in its directory, so that --repeat can run its guest again.

In:  Plan, the kernel's command line, the initramfs. Out: copies of kernel and initramfs, and rr.json, which has what
     else decides how the machine looks; QEMU itself writes rr.log.
A directory may come from anywhere. Of rr.json only numbers within bounds and the guest's own command line are taken; no
word of it is one of QEMU's.
"""
from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from typing import Optional

from ..judge.stream import share_of
from ..kernel.image import X86_64
from ..lib.jobs import CannotGoOn
from ..lib.records import BadRecord, from_json, read_json, to_json
from ..lib.rundir import RR_INITRAMFS, RR_KERNEL, RR_LOG, RR_MACHINE, RunDirectory, create
from ..lib.text import Fault
from ..machine.arguments import Recording
from ..options.options import Options
from ..plan import MEMORY_MIB_LEAST, Plan

_FORMAT = 1
_SIZE_MAX = 65536
_MEMORY_MIB_MAX = 1048576
_WORDS = re.compile(r"[\t -~\x80-\U0010ffff]{1,2047}")
_KIB, _MIB = 1 << 10, 1 << 20
_HEADER_LEN = 4  # QEMU writes the number of the log's format there when the log is whole, and nothing before


@dataclass(frozen=True)
class Machine:
    """rr.json. The rest is the same for all recorded machines."""
    format: int
    qemu: str  # how it calls itself
    memory_mib: int
    words: str  # the kernel's command line


def check_recording(plan: Plan) -> None:
    """Raise Fault for a run that can't be recorded."""
    options = plan.options
    if not options.record_replay:
        return
    if options.topology.cpus != 1:
        raise Fault(f"--record-replay: QEMU records one CPU, not {options.topology.cpus}: give -c 1")
    if plan.forced_accel == "kvm":
        raise Fault("--record-replay: QEMU records under TCG only, and KTRUN_ACCEL is kvm")
    if plan.kernel.arch is not X86_64:
        raise Fault(f"--record-replay: for x86-64 only, and the kernel is for {plan.kernel.arch.title}")
    if not plan.qemu_says:
        raise Fault(f"--record-replay: {plan.qemu} does not say its version, by which --repeat knows it again")


def keep_machine(directory: RunDirectory, plan: Plan, words: str, initramfs: str) -> Recording:
    """Before QEMU starts. Raises CannotGoOn."""
    options = plan.options
    sources = {RR_KERNEL: plan.kernel.path, RR_INITRAMFS: initramfs}
    size = sum(os.stat(path).st_size for path in sources.values())
    left = options.max_output.kib * _KIB // 2 - share_of(options.streams_kib)
    if size > left:
        raise CannotGoOn(f"--record-replay: kernel and initramfs have {size / _MIB:.1f} MiB, "
                         f"and --max-output leaves them {left / _MIB:.1f}")
    for name, path in sources.items():
        with open(path, "rb") as source, create(directory.file(name)) as target:
            shutil.copyfileobj(source, target)
    machine = Machine(_FORMAT, plan.qemu_says, options.memory_mib, words)
    with create(directory.file(RR_MACHINE)) as file:
        file.write(to_json(machine))
    return Recording(directory.file(RR_LOG), is_replay=False)


def find_problem(directory: RunDirectory, options: Options) -> Optional[str]:
    """Why the run can't be repeated; None: it can, or was not recorded."""
    if not options.record_replay:
        return None
    if directory.size(RR_LOG) >= share_of(options.streams_kib):
        return f"the log has reached its share of --max-output, {share_of(options.streams_kib) // _KIB} KiB"
    return None if is_whole(directory) else "QEMU has not written its log to the end"


def is_whole(directory: RunDirectory) -> bool:
    if not directory.size(RR_LOG):
        return False
    with open(directory.file(RR_LOG), "rb") as log:
        return log.read(_HEADER_LEN).strip(b"\0") != b""


def read_machine(directory: RunDirectory) -> Machine:
    """Raises Fault for a directory whose guest can't run again."""
    for name in (RR_MACHINE, RR_KERNEL, RR_INITRAMFS, RR_LOG):
        if not os.path.exists(directory.file(name)):
            raise Fault(f"--repeat: no recording (--record-replay makes one): there is no {directory.file(name)}")
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
    if not _WORDS.fullmatch(machine.words):
        raise BadRecord(f"words: {machine.words!r:.100}")

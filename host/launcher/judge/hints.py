# SPDX-License-Identifier: GPL-2.0-only
"""What a message means that others print, where it does not say so itself: an option of the kernel, a tool's version.

In:  a reason, and the scheduler's log. Out: a few words to add.
"""
from __future__ import annotations

import os
import re
from typing import Optional

from ..lib.rundir import SCHED_LOG
from ..lib.text import blocks_of_lines
from .facts import Facts

_OF_REASON = tuple((re.compile(pattern), hint) for pattern, hint in (
    # init/main.c: -8 is ENOEXEC, -2 ENOENT
    (r"(Requested init|Failed to execute) /init .*\(error -8\)|Requested init /init failed \(error -8\)",
     "does this kernel have CONFIG_BINFMT_SCRIPT and CONFIG_BINFMT_ELF?"),
    (r"Requested init /init failed \(error -2\)|Unable to mount root fs|No working init found",
     "the kernel did not take the initramfs: does it have CONFIG_BLK_DEV_INITRD?"),
    (r"and nothing is on the console$",
     "does this kernel have CONFIG_TTY, CONFIG_PRINTK and a console on the serial port?"),
    (r"sched_ext sysfs absent$", "does this kernel have CONFIG_SCHED_CLASS_EXT?"),
))
_OF_LOG = tuple((re.compile(pattern), hint) for pattern, hint in (
    (rb"func_proto \[[0-9]+\] incompatible with kernel",
     "the kernel's BTF does not fit: was it made by a pahole before 1.26?"),
    (rb"kernel BTF is missing|failed to find valid kernel BTF", "does this kernel have CONFIG_DEBUG_INFO_BTF?"),
))


def with_hint(reason: str, facts: Facts) -> str:
    hint = next((hint for pattern, hint in _OF_REASON if pattern.search(reason)), None)
    if hint is None and facts.host.asked.scheduler and not facts.stream.scheduler_attached:
        hint = _of_log(facts.directory.file(SCHED_LOG))
    return f"{reason} ({hint})" if hint else reason


def _of_log(path: str) -> Optional[str]:
    for block in blocks_of_lines(path) if os.path.exists(path) else ():
        for pattern, hint in _OF_LOG:
            if pattern.search(block):
                return hint
    return None

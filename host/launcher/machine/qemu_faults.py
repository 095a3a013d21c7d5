# SPDX-License-Identifier: GPL-2.0-only
"""Known faults of QEMU versions, and what goes round them: the one place for both.

In:  the QEMU program, accelerator, architecture and the kernel's release. Out: words for -accel and -cpu. The version
is asked of the program once; CACHE/qemu-version remembers it, a line "PROGRAM SIZE TIME=VERSION".
"""
from __future__ import annotations

import os
import re
from typing import NamedTuple, Optional

from ..lib.jobs import Jobs
from ..lib.text import decoded

_VERSION = re.compile(r"QEMU emulator version ([0-9]{1,4})\.([0-9]{1,4})")
_RELEASE = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})")
Version = tuple[int, int]


class Fault(NamedTuple):
    since: Version
    until: Optional[Version]  # the first without the fault; None: none is known
    accel: str
    arch: str
    kernels_until: Optional[Version]  # the first release of Linux that must not have the words; None: all may
    accel_words: str
    cpu_words: str
    why: str


FAULTS = (
    Fault((0, 0), None, "tcg", "*", None, ",thread=single", "",
          "with a thread per CPU, one guest of 75 had an Oops of its kernel (QEMU 7.2, two CPUs)"),
    Fault((7, 2), (8, 0), "tcg", "x86_64", (6, 18), "", ",-cx16",
          "wrong flags after cmpxchg16b: Debian's 6.12.95 died by a double fault in six of six boots, and in none "
          "without that instruction; not seen with 7.2. From 6.18 on (kmalloc_nolock(), mm/slub.c) no BPF arena can be "
          "made without it"),
)


class Words(NamedTuple):
    accel: str
    cpu: str


def words_for(version: Optional[Version], accel: str, arch: str, release: Optional[str]) -> Words:
    """An unknown version has the faults of all versions only; an unknown kernel is none that a fault was seen with."""
    found = [fault for fault in FAULTS if fault.accel == accel and fault.arch in ("*", arch) and _has(fault, version)
             and _concerns(fault, release)]
    return Words("".join(fault.accel_words for fault in found), "".join(fault.cpu_words for fault in found))


def _has(fault: Fault, version: Optional[Version]) -> bool:
    if version is None:
        return fault.since == (0, 0) and fault.until is None
    return fault.since <= version and (fault.until is None or version < fault.until)


def _concerns(fault: Fault, release: Optional[str]) -> bool:
    if fault.kernels_until is None:
        return True
    found = _RELEASE.match(release or "")
    return found is not None and (int(found.group(1)), int(found.group(2))) < fault.kernels_until


def parse_version(text: str) -> Optional[Version]:
    found = _VERSION.search(text)
    return (int(found.group(1)), int(found.group(2))) if found else None


def ask_qemu(qemu: str, cache: Optional[str], jobs: Jobs) -> str:
    """"QEMU emulator version 7.2.22 (...)": the first line of what it says about its version; empty: nothing."""
    status = os.stat(qemu)
    key = f"{qemu} {status.st_size} {status.st_mtime_ns}="
    path = f"{cache}/qemu-version"
    known = _recall(path, key) if cache else None
    if known is None:
        answer = jobs.tool(["timeout", "5", qemu, "--version"], is_users=True)
        known = decoded(answer.output.split(b"\n", 1)[0])[:200] if answer.status == 0 else ""
        if cache and parse_version(known):
            _remember(path, key, known)
    return known


def _recall(path: str, key: str) -> Optional[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read(65536).splitlines()
    except OSError:
        return None
    return next((line[len(key):] for line in lines if line.startswith(key)), None)


def _remember(path: str, key: str, text: str) -> None:
    """Where nothing can be kept, the next run asks again."""
    new = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(new, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(f"{key}{text}\n")
        os.replace(new, path)
    except OSError:
        return

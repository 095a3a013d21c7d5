# SPDX-License-Identifier: GPL-2.0-only
"""Checks of what the user names for the guest, before anything starts. guest_files.py puts it into the guest."""
from __future__ import annotations

import os

from ..kernel.image import Architecture
from ..lib.text import Fault
from ..lib.user_paths import check_file
from .elf import EM_BPF, ET_DYN, ET_EXEC, elf_of, read_head


def check_program(what: str, path: str, arch: Architecture) -> None:
    check_file(what, path)
    if not os.access(path, os.X_OK):
        raise Fault(f"{what} is not executable: {path}")
    head = read_head(path, 20)
    elf = elf_of(head)
    if head[:2] == b"#!" or (elf and elf.bits == 64 and elf.machine == arch.elf):
        return
    if elf and elf.machine == EM_BPF:
        raise Fault(f"{what} is a BPF object, not a program that loads it: {path}")
    if head[:4] == b"\x7fELF":
        raise Fault(f"{what} is for another architecture (not {arch.title}): {path}")
    raise Fault(f"{what} is neither an ELF program nor a script with #!: {path}")


def check_include(path: str, arch: Architecture) -> None:
    if not os.path.exists(path):
        raise Fault(f"include not found: {path}")
    if os.path.isdir(path):
        if os.path.realpath(path) == "/":
            raise Fault(f"unable to include the whole file system: {path}")
        return
    check_file("include", path)
    check_machine(path, arch)


def check_machine(path: str, arch: Architecture, what: str = "include") -> None:
    """Programs and shared objects must be the guest's; what else is an ELF file (a BPF object) is data."""
    elf = elf_of(read_head(path, 20))
    if elf and elf.kind in (ET_EXEC, ET_DYN) and elf.machine not in (arch.elf, arch.elf_32):
        raise Fault(f"{what} is a program for another architecture (not {arch.title}): {path}")


def name_of_include(path: str) -> str:
    name = os.path.basename(path.rstrip("/"))
    return os.path.basename(os.path.realpath(path)) if name in ("", ".", "..") else name

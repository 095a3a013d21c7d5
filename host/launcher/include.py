# SPDX-License-Identifier: GPL-2.0-only
"""What -i and -s bring along: checks before anything starts, and the shared libraries.

A dynamic program runs in the guest only with its interpreter and libraries at their own places. scanelf tells in 5 ms
which files have an interpreter at all; lddtree (both are pax-utils) takes 140 ms and is asked only about those.
"""
from __future__ import annotations

import os
import re
import shutil
from typing import Iterator, Sequence

from .jobs import Jobs
from .kernel import EM_BPF, ET_DYN, ET_EXEC, Architecture, elf_of, read_head
from .text import Fault

_SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:"
_LIBRARY_DIRECTORY = re.compile(r"(/usr)?/lib(64|/[^/]*-linux-gnu)?")


def check_scheduler(path: str, arch: Architecture) -> None:
    check_file("scheduler", path)
    if not os.access(path, os.X_OK):
        raise Fault(f"scheduler is not executable: {path}")
    head = read_head(path, 20)
    elf = elf_of(head)
    if head[:2] == b"#!" or (elf and elf.bits == 64 and elf.machine == arch.elf):
        return
    if elf and elf.machine == EM_BPF:
        raise Fault(f"scheduler is a BPF object, not a program that loads it: {path}")
    if head[:4] == b"\x7fELF":
        raise Fault(f"scheduler is for another architecture (not {arch.title}): {path}")
    raise Fault(f"scheduler is neither an ELF program nor a script with #!: {path}")


def check_file(what: str, path: str) -> None:
    if not os.path.exists(path):
        raise Fault(f"{what} not found: {path}")
    if not os.path.isfile(path):
        raise Fault(f"{what} is not a file: {path}")
    if not os.access(path, os.R_OK):
        raise Fault(f"{what} is not readable: {path}")


def check_include(path: str, arch: Architecture, jobs: Jobs) -> None:
    if not os.path.exists(path):
        raise Fault(f"include not found: {path}")
    if not os.access(path, os.R_OK):
        raise Fault(f"include is not readable: {path}")
    if os.path.isdir(path):
        _check_directory(path, jobs)
    elif os.path.isfile(path):
        _check_machine(path, arch)
    else:
        raise Fault(f"include is neither a file nor a directory: {path}")


def _check_machine(path: str, arch: Architecture) -> None:
    """Programs and shared objects must be the guest's; what else is an ELF file (a BPF object) is data."""
    elf = elf_of(read_head(path, 20))
    if elf and elf.kind in (ET_EXEC, ET_DYN) and elf.machine not in (arch.elf, arch.elf_32):
        raise Fault(f"include is a program for another architecture (not {arch.title}): {path}")


def _check_directory(path: str, jobs: Jobs) -> None:
    """find complains about loops and closed directories; under -L a link keeps its type only if it leads nowhere.

    A file that cannot be read is found when it is packed. In a directory a program may be data.
    """
    if os.path.realpath(path) == "/":
        raise Fault(f"unable to include the whole file system: {path}")
    found = jobs.tool(["find", "-L", path, "-type", "l", "-print"])
    bad = (found.errors + found.output).split(b"\n", 1)[0]
    if bad:
        raise Fault(f"include is not readable: {os.fsdecode(bad)}")


def name_of_include(path: str) -> str:
    name = os.path.basename(path.rstrip("/"))
    return os.path.basename(os.path.realpath(path)) if name in ("", ".", "..") else name


def list_libraries(programs: Sequence[str], arch: Architecture, jobs: Jobs) -> Iterator[tuple[str, str]]:
    """Pairs of host path and guest path that the dynamic ones among the programs need.

    What the host found beside the program ($ORIGIN) or by LD_LIBRARY_PATH would not be found in the guest, where the
    program lies elsewhere: such a library goes to a directory that every loader looks into, too.
    """
    if not programs:
        return
    if not shutil.which("scanelf") or not shutil.which("lddtree"):
        raise Fault("no scanelf or lddtree: is the package pax-utils installed?")
    dynamic = _dynamic_programs(programs, arch, jobs)
    if not dynamic:
        return
    cache = _loader_cache()
    for library in _lddtree(dynamic, jobs):
        if library in dynamic:
            continue
        if not library.startswith("/"):
            raise Fault(f"shared library not found on this machine: {library}")
        yield library, library
        if not _LIBRARY_DIRECTORY.fullmatch(os.path.dirname(library)) and os.fsencode(library) not in cache:
            yield library, "/usr/lib/" + os.path.basename(library)
    if cache:
        yield "/etc/ld.so.cache", "/etc/ld.so.cache"


def _loader_cache() -> bytes:
    if not os.access("/etc/ld.so.cache", os.R_OK):
        return b""
    with open("/etc/ld.so.cache", "rb") as file:
        return file.read()


def _dynamic_programs(programs: Sequence[str], arch: Architecture, jobs: Jobs) -> list[str]:
    found = jobs.tool(["scanelf", "-qBRF", "%a %i %F", *programs])
    lines = (line.split(" ", 2) for line in os.fsdecode(found.output).split("\n"))
    return [words[2] for words in lines if len(words) == 3 and words[0] in arch.scanelf and words[1]]


def _lddtree(programs: Sequence[str], jobs: Jobs) -> list[str]:
    """lddtree is a Python program whose modules are the system Python's, and takes its arguments as patterns."""
    patterns = [re.sub(r"[][*?]", r"[\g<0>]", program) for program in programs]
    found = jobs.tool(["lddtree", "-l", *patterns],
                      environment={"PATH": _SYSTEM_PATH + os.environ.get("PATH", "")})
    if found.status != 0:
        raise Fault(f"unable to list shared libraries: {found.first_error}")
    return os.fsdecode(found.output).split("\n")[:-1]

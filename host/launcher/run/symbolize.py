# SPDX-License-Identifier: GPL-2.0-only
"""symbols.json: the addresses in what the guest's kernel printed, translated by the vmlinux of its build.

In:  the kernel's image, and its vmlinux with debug information: the image itself, or beside it. The console, the
     kernel's log, dumps, hang.txt. Out: symbols.json, and Symbols. The files of the guest stay as they are.
Ends: binutils' nm and addr2line, a process each for all addresses, have a limit of time; the addresses a limit of
number.

An address is a symbol and an offset, so it does not matter where the kernel was loaded (KASLR). A call's address is the
one that it returns to, so the line of the byte before it is the caller's.
"""
from __future__ import annotations

import bisect
import contextlib
import mmap
import os
import re
import signal
from typing import Iterator, Optional, Sequence

from ..judge.console import kernel_line
from ..judge.symbols import ADDRESS, NAME, Place, Resolved, Symbols
from ..lib.jobs import Jobs
from ..lib.records import to_json
from ..lib.rundir import CONSOLE, KMSG, RunDirectory
from ..lib.text import Fault, blocks_of_lines, decoded, write_all

_SECS = 30  # for nm, and for addr2line
_ADDRESSES_MAX = 1000
_FOUND_MAX = 100_000  # with those that were found before
_INLINED_MAX = 8
_OUTPUT_MAX = 64 * 1024 * 1024  # nm prints 10 MB for Debian's kernel
_BANNER = "Linux version "
_ADDRESS = re.compile(rb"(RIP: 0010:|pc : )?(?<![A-Za-z0-9_.])(" + ADDRESS.encode() + rb")(?! \[)")
_START = "start_kernel"  # is in init/main.c: what is before that in its path is before each path
_START_FILE = "init/main.c"


class NoSymbols(Exception):
    """The text says why."""


def keep_symbols(vmlinux: str, directory: RunDirectory, jobs: Jobs) -> Symbols:
    """No file is made where there is nothing to translate."""
    addresses = _addresses_in(directory)
    if not addresses:
        return Symbols()
    try:
        _check_build(vmlinux, directory)
        found = tuple(_resolve(vmlinux, addresses, jobs))
        symbols = Symbols(vmlinux, None, found)
    except (NoSymbols, Fault, OSError) as why:
        symbols = Symbols(vmlinux, str(why))
    try:
        directory.replace(NAME, to_json(symbols))
    except Fault as why:
        return Symbols(vmlinux, str(why), symbols.resolved)
    return symbols


def _addresses_in(directory: RunDirectory) -> dict[str, bool]:
    """Each with True if it is that of an instruction, and not of what follows a call."""
    names = [CONSOLE, KMSG, "hang.txt", *sorted(name for name in os.listdir(directory.path)
                                                if re.fullmatch(r"dump-[0-9]+\.txt", name))]
    found: dict[str, bool] = {}
    left = _FOUND_MAX
    for name in names:
        path = directory.file(name)
        for block in blocks_of_lines(path) if os.path.exists(path) else ():
            for match in _ADDRESS.finditer(block) if b"+0x" in block else ():
                left -= 1
                found.setdefault(match.group(2).decode("ascii"), match.group(1) is not None)
                if not left or len(found) == _ADDRESSES_MAX:
                    return found
    return found


def _check_build(vmlinux: str, directory: RunDirectory) -> None:
    """The kernel's first line names its compiler and when it was built. Raises NoSymbols."""
    banner = kernel_line(directory, _BANNER)
    if not banner:
        raise NoSymbols("the guest did not print the line by which its kernel is known")
    with open(vmlinux, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
        if image.find((_BANNER + banner).encode()) < 0:
            raise NoSymbols("it is of another build than the kernel that ran")


def _resolve(vmlinux: str, addresses: dict[str, bool], jobs: Jobs) -> Iterator[Resolved]:
    table = _Table(_run(["nm", vmlinux], b"", jobs))
    wanted = {address: at if is_exact else at - 1 for address, is_exact in addresses.items()
              if (at := table.find(address)) is not None}
    start = table.address_of(_START)
    numbers = sorted({*wanted.values(), *([start] if start else [])})
    text = "".join(f"{number:#x}\n" for number in numbers).encode()
    places = _parse(_run(["addr2line", "-a", "-f", "-i", "-e", vmlinux], text, jobs))
    prefix = _prefix(places.get(start or 0, ()))
    for address, number in wanted.items():
        known = tuple(Place(place.function, place.file.removeprefix(prefix), place.line)
                      for place in places.get(number, ()) if place.line)
        if known:
            yield Resolved(address, known)


def _prefix(places: Sequence[Place]) -> str:
    file = places[-1].file if places else ""
    return file[:-len(_START_FILE)] if file.endswith("/" + _START_FILE) else ""


def _run(command: Sequence[str], text: bytes, jobs: Jobs) -> str:
    """What it prints. Raises NoSymbols."""
    with _memory(text) as stdin, _memory(b"") as output:
        job = jobs.start(command, stdin=stdin, stdout=output, stderr=output)
        if not jobs.wait(job, secs=_SECS):
            job.send(signal.SIGKILL)
            job.reap()
            raise NoSymbols(f"{command[0]} took more than {_SECS} s")
        data = os.pread(output, _OUTPUT_MAX, 0)
    if job.status:
        raise NoSymbols(f"{command[0]}: {decoded(data[-200:]).strip() or job.status}")
    return decoded(data)


@contextlib.contextmanager
def _memory(text: bytes) -> Iterator[int]:
    """A file in memory, with this text."""
    descriptor = os.memfd_create("text")
    try:
        write_all(descriptor, text)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


class _Table:
    """The symbols of a vmlinux, as nm prints them: address, kind, name."""

    def __init__(self, text: str) -> None:
        self._by_name: dict[str, list[int]] = {}
        for at, name in re.findall(r"^([0-9a-f]{16}) [tTwWi] (\S+)$", text, re.MULTILINE):
            self._by_name.setdefault(name, []).append(int(at, 16))
        self._sorted = sorted({at for found in self._by_name.values() for at in found})

    def address_of(self, name: str) -> Optional[int]:
        return next(iter(self._by_name.get(name, ())), None)

    def find(self, address: str) -> Optional[int]:
        """Of several static functions of one name, the one of this size: in kallsyms it goes to the next symbol."""
        name, _, numbers = address.partition("+")
        offset_text, _, size_text = numbers.partition("/")
        offset, size = int(offset_text, 16), int(size_text, 16)
        starts = self._by_name.get(name, [])
        good = starts if len(starts) == 1 else [at for at in starts if self._size_at(at) == size]
        return good[0] + offset if len(good) == 1 and offset <= size else None

    def _size_at(self, at: int) -> Optional[int]:
        following = bisect.bisect_right(self._sorted, at)
        return self._sorted[following] - at if following < len(self._sorted) else None


def _parse(text: str) -> dict[int, tuple[Place, ...]]:
    """Of addr2line: a line for the address, then two for the function and for the place, and again where it is
    inlined."""
    places: dict[int, tuple[Place, ...]] = {}
    for entry in re.split(r"^(?=0x[0-9a-f]+$)", text, flags=re.MULTILINE)[1:]:
        head, *lines = entry.rstrip("\n").split("\n")
        found = [_place(function, place) for function, place in zip(lines[::2], lines[1::2])]
        places[int(head, 16)] = tuple(found[:_INLINED_MAX - 1] + found[-1:] if len(found) > _INLINED_MAX else found)
    return places


def _place(function: str, place: str) -> Place:
    file, _, line = re.sub(r" \(discriminator [0-9]+\)$", "", place).rpartition(":")
    return Place(function, file, int(line) if re.fullmatch("[0-9]{1,9}", line) else 0)

# SPDX-License-Identifier: GPL-2.0-only
"""--vmcore: the guest's memory, as a file that crash and drgn open.

In:  a QEMU whose guest runs or is stopped, by QMP. Out: the artifact `vmcore`, in the kdump format, compressed, with
     the kernel's own description of itself (VMCOREINFO), which tells a debugger where everything lies. NoVmcore says
     why there is none.
Ends: at the deadline, when QEMU ends, or for a signal; what is not whole is removed.

QEMU writes the "flattened" form of the format, which needs no seeking: records of offset, size and bytes. They come
through a socket, so that the size is bounded here. VMCOREINFO would be in it only with a driver in the guest (fw_cfg),
which distributions build as a module. So it is looked for in the guest's memory, where it is a note (of ELF) at the
begin of a page, and the headers are told where it is (include/linux/vmcore_info.h, and diskdump_mod.h of makedumpfile).
"""
from __future__ import annotations

import contextlib
import os
import re
import socket
import struct
import time
from dataclasses import dataclass
from typing import IO, Iterator, Optional

from ..kernel.image import X86_64, Architecture
from ..lib.jobs import Jobs
from ..lib.rundir import VMCORE, create
from ..machine.qmp import Qmp, QmpError

_SECS = 300  # a guest of several GiB on a busy host
_BLOCK = 1 << 20
_HEAD = 4096
_RECORD = struct.Struct(">qq")
_CHUNK = 16 << 20  # of memory that is searched at once
_PAGE = 4096
_MIB = 1 << 20
_NOTE = re.compile(rb"\x0b\0\0\0(....)\0\0\0\0VMCOREINFO\0\0OSRELEASE=", re.DOTALL)
_NOTE_HEAD = 24  # three words, and the name
_NOTE_MAX, _NOTES_MAX = 65536, 16 << 20
_RELEASE = re.compile(rb"^OSRELEASE=([!-~]+)$", re.MULTILINE)
_PHYS_BASE = re.compile(rb"^NUMBER\(phys_base\)=(-?[0-9]{1,20})$", re.MULTILINE)
_UTSNAME_AT, _UTSNAME_LEN, _BLOCK_SIZE_AT = 12, 65, 428  # of struct disk_dump_header
_INFO_AT = 32  # of struct kdump_sub_header
_INFO = struct.Struct("<QQQQ")  # offset and size of VMCOREINFO, and of the notes
# Where QEMU's machines have RAM: up to what a PC with little of it has below 4 GiB, the rest above that.
_PC_LOW_MIB, _PC_LOW_MAX_MIB, _PC_HIGH_MIB, _VIRT_MIB = 2048, 2816, 4096, 1024


class NoVmcore(Exception):
    """The text says why."""


@dataclass(frozen=True)
class Limits:
    """In bytes."""
    vmcore: int
    qemu_file: int  # of any file that QEMU itself writes


@dataclass(frozen=True)
class Memory:
    """Of the guest."""
    arch: Architecture
    mib: int


def write_vmcore(qmp: Qmp, path: str, limits: Limits, memory: Memory, work: str, jobs: Jobs) -> None:
    qmp.allow(_SECS)
    try:
        info = _find_info(qmp, f"{work}/memory", memory, limits.qemu_file)
        with _whole_or_nothing(path) as file:
            _dump(qmp, file, limits.vmcore, jobs)
            if info:
                _add_info(file, info)
    except QmpError as why:
        raise NoVmcore(str(why)) from why
    except OSError as error:
        raise NoVmcore(f"unable to write it: {error.strerror}") from error


@contextlib.contextmanager
def _whole_or_nothing(path: str) -> Iterator[IO[bytes]]:
    create(path).close()
    try:
        with open(path, "r+b") as file:
            yield file
    except BaseException:
        os.unlink(path)
        raise


# VMCOREINFO


def _find_info(qmp: Qmp, chunk: str, memory: Memory, limit: int) -> Optional[bytes]:
    """None: the kernel has none (CONFIG_VMCORE_INFO), or had not come so far."""
    size = min(_CHUNK, limit // _PAGE * _PAGE)
    for start, end in _ram(memory) if size else ():
        for at in range(start, end, size):
            qmp.execute("pmemsave", val=at, size=min(size, end - at), filename=chunk)
            found = _note_in(chunk)
            if found:
                return found
    return None


def _ram(memory: Memory) -> list[tuple[int, int]]:
    if memory.arch is not X86_64:
        return [(_VIRT_MIB * _MIB, (_VIRT_MIB + memory.mib) * _MIB)]
    low = memory.mib if memory.mib < _PC_LOW_MAX_MIB else _PC_LOW_MIB
    return [(_MIB, low * _MIB), (_PC_HIGH_MIB * _MIB, (_PC_HIGH_MIB + memory.mib - low) * _MIB)]


def _note_in(path: str) -> Optional[bytes]:
    with open(path, "rb") as file:
        data = file.read()
    os.unlink(path)
    for found in _NOTE.finditer(data):
        size = int.from_bytes(found.group(1), "little")
        if found.start() % _PAGE == 0 and size <= _NOTE_MAX:
            return data[found.start():found.start() + _NOTE_HEAD + (size + 3) // 4 * 4]
    return None


def _add_info(file: IO[bytes], note: bytes) -> None:
    """The notes, with this one, at the end of the file, unless QEMU has it already."""
    file.seek(_BLOCK_SIZE_AT)
    sub_header = int.from_bytes(file.read(4), "little")
    file.seek(sub_header + _INFO_AT)
    info_at, _, notes_at, notes_len = _INFO.unpack(file.read(_INFO.size))
    if info_at or notes_len > _NOTES_MAX:
        return
    file.seek(notes_at)
    notes = file.read(notes_len)
    end = file.seek(0, os.SEEK_END)
    text = note[_NOTE_HEAD:].rstrip(b"\0")
    file.write(notes + note)
    file.seek(sub_header + _INFO_AT)
    file.write(_INFO.pack(end + len(notes) + _NOTE_HEAD, len(text), end, len(notes) + len(note)))
    phys_base, release = _PHYS_BASE.search(text), _RELEASE.search(text)
    if phys_base:
        file.seek(sub_header)
        file.write(struct.pack("<q", int(phys_base.group(1))))
    if release:
        _name_kernel(file, release.group(1))


def _name_kernel(file: IO[bytes], release: bytes) -> None:
    """struct new_utsname, of which QEMU fills in the machine alone: libkdumpfile takes that for damage."""
    for number, text in enumerate((b"Linux", b"ktbox", release, b"not known")):
        file.seek(_UTSNAME_AT + number * _UTSNAME_LEN)
        file.write(text[:_UTSNAME_LEN - 1])


# The dump


def _dump(qmp: Qmp, file: IO[bytes], limit: int, jobs: Jobs) -> None:
    near, far = socket.socketpair()
    try:
        qmp.send("getfd", {"fdname": VMCORE}, [far.fileno()])
        qmp.reply("getfd")
        far.close()
        qmp.send("dump-guest-memory", {"paging": False, "protocol": f"fd:{VMCORE}", "format": "kdump-zlib"})
        try:
            _Flattened(near, qmp, jobs).unpack(file, limit)
        except (NoVmcore, OSError):
            near.close()  # QEMU does not wait for a reader that is gone
            with contextlib.suppress(QmpError):
                qmp.reply("dump-guest-memory")
            raise
        qmp.reply("dump-guest-memory")
    finally:
        near.close()
        far.close()


class _Flattened:
    """The form that QEMU writes (makedumpfile_header and makedumpfile_data_header in makedumpfile.h)."""

    def __init__(self, source: socket.socket, qmp: Qmp, jobs: Jobs) -> None:
        self._source, self._qmp, self._jobs = source, qmp, jobs
        self._deadline = time.monotonic() + _SECS
        self._received = bytearray()

    def unpack(self, file: IO[bytes], limit: int) -> None:
        if not self._read(_HEAD).startswith(b"makedumpfile\0"):
            raise NoVmcore("QEMU wrote another format")
        while True:
            offset, size = _RECORD.unpack(self._read(_RECORD.size))
            if offset == -1:
                return
            if offset < 0 or not 0 <= size <= limit or offset + size > limit:
                raise NoVmcore(f"it takes more than its half of --max-output, {limit >> 10} KiB")
            file.seek(offset)
            while size:
                data = self._read(min(size, _BLOCK))
                file.write(data)
                size -= len(data)

    def _read(self, size: int) -> bytes:
        while len(self._received) < size:
            self._receive()
        data = bytes(self._received[:size])
        del self._received[:size]
        return data

    def _receive(self) -> None:
        """QEMU may refuse before it has taken the socket, which then stays open."""
        ready = self._jobs.wait_any((), (self._source, self._qmp.source), self._deadline - time.monotonic())
        if ready is None:
            raise QmpError("QEMU did not write it in time")
        if ready is self._qmp.source:
            self._qmp.receive()
            self._qmp.raise_error("dump-guest-memory")
            return
        data = self._source.recv(_BLOCK)
        self._received += data
        if not data:
            self._qmp.reply("dump-guest-memory")
            raise QmpError("QEMU wrote only a part of it")

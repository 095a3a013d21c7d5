# SPDX-License-Identifier: GPL-2.0-only
"""What an ELF file says: for which machine it is, the objects that it is loaded with, its sections.

Sources: the ELF specification (program headers, the dynamic section), ld.so(8). A file may be anything, so whatever is
out of bounds makes it a file that is no object.
"""
from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Optional

EM_386, EM_X86_64, EM_AARCH64, EM_BPF = 3, 62, 183, 247
ET_EXEC, ET_DYN = 2, 3
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NEEDED, _DT_STRTAB, _DT_STRSZ, _DT_SONAME, _DT_RPATH, _DT_RUNPATH, _DT_FLAGS_1 = 1, 5, 10, 14, 15, 29, 0x6ffffffb
_DF_1_NODEFLIB = 0x800
_TABLE_MAX = 64 * 1024 * 1024


@dataclass(frozen=True)
class Elf:
    bits: int
    kind: int  # e_type
    machine: int


@dataclass(frozen=True)
class Dynamic:
    """A program or shared object that a loader has work with."""
    bits: int
    machine: int
    interpreter: str  # empty: a shared object
    needed: tuple[str, ...]
    soname: str
    rpath: tuple[str, ...]
    runpath: tuple[str, ...]
    has_runpath: bool
    uses_default: bool  # the loader looks into its default directories, too


class _Segment(NamedTuple):
    kind: int
    offset: int
    address: int
    size: int


def elf_of(head: bytes) -> Optional[Elf]:
    """The ELF header in the first 20 bytes of a little-endian file; None for anything else."""
    if len(head) < 20 or head[:4] != b"\x7fELF" or head[5] != 1 or head[4] not in (1, 2):
        return None
    kind, machine = struct.unpack_from("<HH", head, 16)
    return Elf(32 * head[4], kind, machine)


def read_head(path: str, size: int) -> bytes:
    with open(path, "rb") as file:
        return file.read(size)


def read_dynamic(path: str) -> Optional[Dynamic]:
    """None: no ELF file, or one without a dynamic section, which needs no loader."""
    with open(path, "rb") as file:
        try:
            return _read(file)
        except (struct.error, ValueError, OverflowError):
            return None


def _read(file: BinaryIO) -> Optional[Dynamic]:
    head = file.read(64)
    elf = elf_of(head)
    if not elf:
        return None
    segments = _segments(file, head, elf.bits)
    dynamic = next((segment for segment in segments if segment.kind == _PT_DYNAMIC), None)
    if not dynamic:
        return None
    entries = _entries(_bytes_at(file, dynamic.offset, dynamic.size), elf.bits)
    values = dict(entries)
    if _DT_STRTAB not in values:
        return None
    text = _bytes_at(file, _offset_of(values[_DT_STRTAB], segments), values.get(_DT_STRSZ, 0))
    interpreter = next((segment for segment in segments if segment.kind == _PT_INTERP), None)
    return Dynamic(
        elf.bits, elf.machine,
        _string(_bytes_at(file, interpreter.offset, interpreter.size), 0) if interpreter else "",
        tuple(_string(text, value) for tag, value in entries if tag == _DT_NEEDED),
        _string(text, values[_DT_SONAME]) if _DT_SONAME in values else "",
        _paths(text, values.get(_DT_RPATH)), _paths(text, values.get(_DT_RUNPATH)), _DT_RUNPATH in values,
        not values.get(_DT_FLAGS_1, 0) & _DF_1_NODEFLIB)


def _bytes_at(file: BinaryIO, offset: int, size: int) -> bytes:
    if size > _TABLE_MAX or offset > os.fstat(file.fileno()).st_size:
        raise ValueError("a table that is too large, or not in the file")
    file.seek(offset)
    return file.read(size)


def _segments(file: BinaryIO, head: bytes, bits: int) -> list[_Segment]:
    at = struct.unpack_from("<Q", head, 32)[0] if bits == 64 else struct.unpack_from("<I", head, 28)[0]
    size, count = struct.unpack_from("<HH", head, 54 if bits == 64 else 42)
    table = _bytes_at(file, at, size * count)
    segments = []
    for number in range(count):
        if bits == 64:
            kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", table, number * size)
        else:
            kind, offset, address, _, length = struct.unpack_from("<IIIII", table, number * size)
        segments.append(_Segment(kind, offset, address, length))
    return segments


def _entries(table: bytes, bits: int) -> list[tuple[int, int]]:
    form = struct.Struct("<QQ" if bits == 64 else "<II")
    entries: list[tuple[int, int]] = []
    for tag, value in form.iter_unpack(table[:len(table) // form.size * form.size]):
        if tag == 0:
            break
        entries.append((tag, value))
    return entries


def _offset_of(address: int, segments: list[_Segment]) -> int:
    for segment in segments:
        if segment.kind == _PT_LOAD and segment.address <= address < segment.address + segment.size:
            return address - segment.address + segment.offset
    raise ValueError("an address in no segment")


def _string(table: bytes, at: int) -> str:
    """Of a file name, so undecodable bytes stay."""
    return table[at:table.index(b"\0", at)].decode("utf-8", "surrogateescape")


def _paths(table: bytes, at: Optional[int]) -> tuple[str, ...]:
    return tuple(_string(table, at).split(":")) if at is not None else ()


class Section(NamedTuple):
    offset: int  # in the file
    size: int


def has_debug_info(path: str) -> bool:
    """Whether it has the types and lines of its source (section .debug_info)."""
    with open(path, "rb") as file:
        return b".debug_info" in sections_of(file)


def sections_of(file: BinaryIO) -> dict[bytes, Section]:
    """By name, of a 64-bit file, but for those that are not in it (.bss, or a damaged one); none of what is no such
    file, or is damaged."""
    try:
        return _read_sections(file)
    except (struct.error, ValueError, OverflowError, IndexError):
        return {}


def _read_sections(file: BinaryIO) -> dict[bytes, Section]:
    """More than 65279 sections have their number elsewhere: that is no kernel."""
    head = _bytes_at(file, 0, 64)
    elf = elf_of(head)
    if not elf or elf.bits != 64:
        return {}
    table_at = struct.unpack_from("<Q", head, 40)[0]
    size, count, names_at = struct.unpack_from("<HHH", head, 58)
    table = _bytes_at(file, table_at, size * count)
    sections = [struct.unpack_from("<I20xQQ", table, number * size) for number in range(count)]
    _, offset, length = sections[names_at]
    names = _bytes_at(file, offset, length)
    end = os.fstat(file.fileno()).st_size
    return {names[at:names.index(b"\0", at)]: Section(start, size) for at, start, size in sections
            if start + size <= end}

# SPDX-License-Identifier: GPL-2.0-only
"""The formats of trace events: where a field lies in the bytes of an event.

In:  tracefs' events/SYSTEM/NAME/format and events/header_page, as a guest sent them, so of any content. Out: Format,
     and the size of a page of the ring. Raises BadFormat for what no kernel writes; pure.
"""
from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Mapping

SIZE_MAX = 65536  # bytes of a format file
_FIELDS_MAX, _EVENT_MAX = 256, 4096
_PAGE_SIZES = (4096, 8192, 16384, 32768, 65536)
_PAGE_HEADER = 16
_INTEGERS = {(1, False): "<B", (1, True): "<b", (2, False): "<H", (2, True): "<h", (4, False): "<I", (4, True): "<i",
             (8, False): "<Q", (8, True): "<q"}
_FIELD = re.compile(r"\tfield:([\x20-\x3a\x3c-\x7e]{1,200});\toffset:([0-9]{1,5});\tsize:([0-9]{1,5});"
                    r"(?:\tsigned:([01]);)?", re.ASCII)
_PAGE_DATA = re.compile(rb"\tfield: char data;\toffset:16;\tsize:([0-9]{1,6});", re.ASCII)
_PAGE_COMMIT = re.compile(rb"\tfield: local_t commit;\toffset:8;\tsize:8;", re.ASCII)


class BadFormat(Exception):
    """Not what a kernel writes, or bytes that do not fit it; the text says where."""


@dataclass(frozen=True)
class Field:
    offset: int
    size: int
    kind: str  # number, text or located: text whose place and length the field has
    integer: struct.Struct


@dataclass(frozen=True)
class Format:
    id: int
    name: str
    fields: Mapping[str, Field]

    def number(self, name: str, page: bytes, start: int, end: int) -> int:
        """A field of the event whose bytes are PAGE[START:END]."""
        field = self._field(name, "number", end - start)
        value: int = field.integer.unpack_from(page, start + field.offset)[0]
        return value

    def text(self, name: str, page: bytes, start: int, end: int) -> bytes:
        """Up to its NUL."""
        field = self.fields.get(name)
        if field and field.kind == "located":
            place = self._field(name, "located", end - start).integer.unpack_from(page, start + field.offset)[0]
            at, size = start + (place & 0xFFFF), place >> 16
        else:
            field = self._field(name, "text", end - start)
            at, size = start + field.offset, field.size
        if at + size > end:
            raise BadFormat(f"{self.name}: {name} lies beyond the event")
        return page[at:at + size].split(b"\0", 1)[0]

    def _field(self, name: str, kind: str, size: int) -> Field:
        field = self.fields.get(name)
        if not field or field.kind != kind or field.offset + field.size > size:
            raise BadFormat(f"{self.name}: no {kind} {name}")
        return field


def parse_format(data: bytes) -> Format:
    if len(data) > SIZE_MAX or not re.fullmatch(rb"[\t\n\x20-\x7e]*", data):
        raise BadFormat("too large, or not text")
    lines = data.decode("ascii").split("\n")
    name = re.fullmatch(r"name: ([A-Za-z0-9_-]{1,100})", lines[0], re.ASCII)
    number = re.fullmatch(r"ID: ([0-9]{1,5})", lines[1] if len(lines) > 1 else "", re.ASCII)
    if not name or not number or lines[2:3] != ["format:"]:
        raise BadFormat("no name, ID and format")
    fields: dict[str, Field] = {}
    for line in lines[3:]:
        if line.startswith("print fmt: "):
            return Format(int(number.group(1)), name.group(1), fields)
        if line:
            key, field = _parse_field(line)
            fields[key] = field
        if len(fields) > _FIELDS_MAX:
            raise BadFormat("too many fields")
    raise BadFormat("no print fmt")


def _parse_field(line: str) -> tuple[str, Field]:
    found = _FIELD.fullmatch(line)
    if not found:
        raise BadFormat(f"not a field: {line:.80}")
    declared, offset, size = found.group(1), int(found.group(2)), int(found.group(3))
    name = re.search(r"([A-Za-z_][A-Za-z0-9_]*)(\[[^\]]*\])*$", declared, re.ASCII)
    if not name or offset + size > _EVENT_MAX:
        raise BadFormat(f"not a field: {line:.80}")
    is_array = bool(name.group(2))
    kind = "number" if (size, False) in _INTEGERS and not is_array else "text"
    if declared.startswith("__data_loc ") and size == 4:
        kind = "located"
    integer = struct.Struct(_INTEGERS.get((size, found.group(4) == "1"), "<B"))
    return name.group(1), Field(offset, size, kind, integer)


def parse_page_size(data: bytes) -> int:
    """Of events/header_page: a page of the ring, as it is read, with its header."""
    found = _PAGE_DATA.search(data)
    size = int(found.group(1)) + _PAGE_HEADER if found else 0
    if size not in _PAGE_SIZES or not _PAGE_COMMIT.search(data):
        raise BadFormat("header_page is not that of a 64-bit kernel")
    return size



# SPDX-License-Identifier: GPL-2.0-only
"""The file `stats` of a run directory: what ktwatch and `ktsend metric` have sent (docs/internals/wire.md, "Figures").

In:  the file, as ktrecv has written it. The guest, and any program in it, may have sent anything. Out: Records, each
with sections of the kernel's text, and the payload's own figures. What has another form is left out, and counted.

Any program of the guest can send a stats frame. ktwatch sends the first one, before any program of the user's runs; a
further one is ktwatch's if it has the token of the first.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import IO, Iterator, Optional

NAME = "stats"
RECORDS_MAX = 20000  # more samples than in five hours
_BYTES_MAX = 64 * 1024 * 1024  # of the sections of one moment
_BYTES_ALL_MAX = 256 * 1024 * 1024
OWN_MAX = 1000  # names of the payload's own figures
_LENGTH_MAX = 16 * 1024 * 1024  # of a frame
_HEAD = re.compile(rb"(stats|metric) ([0-9]{1,20}) ([0-9]{1,8})\n")
_SECTION = re.compile(rb"@([a-z0-9_]{1,40}) ([0-9]{1,8})\n")
_KIND = re.compile(rb"(ready|topology|begin|sample|attached|detached|end|scheduler|histograms) ([0-9]{1,10})"
                   rb" ([0-9a-f]{16})\n")
_FAILED = b"failed"  # /init's first frame, where ktwatch is not ready
_OLDER = re.compile(rb"(topology|begin)\n")  # the first frame of a ktwatch that had no token
# applets/wire/wire.h has the same bounds.
_METRIC = re.compile(r"([A-Za-z][A-Za-z0-9_.-]{0,63}) ([+-]?[0-9.]{1,40}(?:[eE][+-]?[0-9]{1,3})?)"
                     r" ([A-Za-z0-9%/_.-]{1,16})",
                     re.ASCII)


@dataclass
class Record:
    """The sections of one moment. A section that was sent in pieces is whole."""
    ms: int  # since the guest's boot
    kind: str
    sections: dict[str, bytearray] = field(default_factory=dict)
    size: int = 0

    def text(self, name: str) -> Optional[str]:
        """None: there is no such section."""
        found = self.sections.get(name)
        return None if found is None else found.decode("ascii", "replace")

    def why_absent(self, name: str) -> Optional[str]:
        """What the guest says about a file that it could not read."""
        lines = (self.text("absent") or "").split("\n")
        return next((line[len(name) + 2:] for line in lines if line.startswith(f"{name}: ")), None)


@dataclass
class StatsFile:
    records: list[Record] = field(default_factory=list)
    own: dict[str, tuple[float, str]] = field(default_factory=dict)  # of the payload: value and unit; the newest counts
    size: int = 0  # bytes of all records
    left_out: int = 0  # frames of another form, or beyond a bound
    foreign: int = 0  # stats frames that are not ktwatch's
    is_torn: bool = False  # one of ktwatch's is missing
    is_older: bool = False  # the guest's ktwatch marks no frames, so none is known to be its own
    token: Optional[bytes] = None  # of ktwatch; None: no frame has come; empty: the first one was not ktwatch's
    number: int = 0  # of ktwatch's last frame
    own_left_out: int = 0  # frames of the payload's, after the first names


def read_stats(path: str) -> StatsFile:
    """An empty one where there is no such file. Raises OSError."""
    found = StatsFile()
    try:
        with open(path, "rb") as file:
            for kind, ms, text in _frames(file):
                if kind == b"metric":
                    found.left_out += not _add_metric(found, text)
                elif _is_from_ktwatch(found, text):
                    found.left_out += not _add_record(found, ms, text)
                elif text != _FAILED and not found.is_older:
                    found.foreign += 1
    except FileNotFoundError:
        pass
    return found


def _frames(file: IO[bytes]) -> Iterator[tuple[bytes, int, bytes]]:
    """Up to the first that ktrecv does not write: --max-output has cut the file there."""
    while True:
        head = _HEAD.fullmatch(file.readline(64))
        if not head or int(head.group(3)) > _LENGTH_MAX:
            return
        text = file.read(int(head.group(3)))
        if file.read(1) != b"\n":
            return
        yield head.group(1), int(head.group(2)), text


def _is_from_ktwatch(found: StatsFile, text: bytes) -> bool:
    head = _KIND.match(text)
    if found.token is None:
        found.token = head.group(3) if head and head.group(1) == b"ready" else b""
        found.is_older = _OLDER.match(text) is not None
    if head is None or head.group(3) != found.token:
        return False
    found.is_torn = found.is_torn or int(head.group(2)) != found.number + 1
    found.number = int(head.group(2))
    return True


def _add_record(found: StatsFile, ms: int, text: bytes) -> bool:
    kind = _KIND.match(text)
    sections = _sections(text, kind.end()) if kind else None
    if kind is None or sections is None:
        return False
    name = kind.group(1).decode()
    last = found.records[-1] if found.records else None
    if last is None or (last.ms, last.kind) != (ms, name):
        last = Record(ms, name)
        if len(found.records) == RECORDS_MAX:
            found.records.pop()  # the newest counts: it may be the end
        found.records.append(last)
    if last.size + len(text) > _BYTES_MAX or found.size + len(text) > _BYTES_ALL_MAX:
        return False
    last.size += len(text)
    found.size += len(text)
    for section, content in sections:
        last.sections.setdefault(section, bytearray()).extend(content)
    return True


def _sections(text: bytes, at: int) -> Optional[list[tuple[str, bytes]]]:
    """None: the text does not consist of sections to its end."""
    sections: list[tuple[str, bytes]] = []
    while at < len(text):
        head = _SECTION.match(text, at)
        end = head.end() + int(head.group(2)) if head else 0
        if not head or text[end:end + 1] != b"\n":
            return None
        sections.append((head.group(1).decode(), text[head.end():end]))
        at = end + 1
    return sections


def _add_metric(found: StatsFile, text: bytes) -> bool:
    match = _METRIC.fullmatch(text.decode("ascii", "replace"))
    try:
        value = float(match.group(2)) + 0.0 if match else float("inf")  # of -0 it makes 0
    except ValueError:
        return False
    if not match or abs(value) > 1e300:
        return False
    if len(found.own) == OWN_MAX and match.group(1) not in found.own:
        found.own_left_out += 1
        return True
    found.own[match.group(1)] = (value, match.group(3))
    return True

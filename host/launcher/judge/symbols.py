# SPDX-License-Identifier: GPL-2.0-only
"""The source lines of the kernel's addresses: `symbol+0x12/0x40` as a panic, a WARN, a dump or a hung task prints it.

In:  symbols.json, which run/symbolize.py has made in the run. Out: Symbols; a line with the places of its addresses in
     it. A replay reads what the run has found: the vmlinux may be gone, and one that a replayed directory names is not
     opened.
"""
from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Optional

from ..lib.records import BadRecord, from_json, read_json
from ..lib.rundir import RunDirectory

NAME = "symbols.json"
ADDRESS = r"[A-Za-z_][A-Za-z0-9_.]{0,127}\+0x[0-9a-f]{1,8}/0x[0-9a-f]{1,8}"
_ADDRESS = re.compile(rf"(?<![A-Za-z0-9_.]){ADDRESS}(?! \[)", re.ASCII)  # a module's address has its name behind it
_SIZE_MAX = 4 * 1024 * 1024


@dataclass(frozen=True)
class Place:
    function: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Resolved:
    address: str
    places: tuple[Place, ...]  # where it is, then where that was inlined

    def __str__(self) -> str:
        """The function that the kernel names comes first."""
        *inlined, own = self.places
        first = f"; {inlined[0].function}, {inlined[0]}, inlined" if inlined else ""
        return f"{own}{first}"


@dataclass(frozen=True)
class Symbols:
    vmlinux: str = ""  # empty: none was found
    problem: Optional[str] = None  # why it could not be used, or not for all
    resolved: tuple[Resolved, ...] = ()

    @functools.cached_property
    def _texts(self) -> dict[str, str]:
        return {one.address: str(one) for one in self.resolved if one.places}

    def place_of(self, address: str) -> Optional[str]:
        return self._texts.get(address)

    def annotated(self, line: str) -> str:
        """The line, with its place after each address that has one."""
        return _ADDRESS.sub(self._with_place, line) if self.resolved and "+0x" in line else line

    def _with_place(self, found: re.Match[str]) -> str:
        place = self.place_of(found.group())
        return f"{found.group()} ({place})" if place else found.group()


def read_symbols(directory: RunDirectory) -> Symbols:
    """None were found in a run without the file, or with one that ktrun does not write."""
    try:
        return from_json(Symbols, read_json(directory.file(NAME), _SIZE_MAX))
    except BadRecord:
        return Symbols()

# SPDX-License-Identifier: GPL-2.0-only
"""The scheduler's BPF programs and maps at its end, as the guest's ktbpf has written them down (--bpf).

In:  get/run/kt/bpf in the run directory, of any content. Out: Objects, and the entries of a map. The guest may have
     sent anything: a line that is not ktbpf's is counted as damage, and every number has its bound.
"""
from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Iterator, NamedTuple, Optional

from ..lib.rundir import RunDirectory
from ..lib.text import REPLACED
from .limits import SIZE_MAX

GUEST_PLACE = "/run/kt/bpf"
PLACE = "get" + GUEST_PLACE
_LIST_MAX, _OBJECTS_MAX, _CPUS_MAX = 1 << 17, 256, 4096
_HEAD = re.compile(r"left_out=([0-9]{1,9}) counted=([01])")
_NAME = r" name=([A-Za-z0-9_.]{0,16})"
_PROGRAM = re.compile(r"id=([0-9]{1,10}) type=([0-9]{1,10}) tag=([0-9A-Fa-f]{16}) verified_insns=([0-9]{1,10})"
                      r" run_cnt=([0-9]{1,20}) run_time_ns=([0-9]{1,20}) recursion_misses=([0-9]{1,20})" + _NAME)
_MAP = re.compile(r"id=([0-9]{1,10}) type=([0-9]{1,10}) key_size=([0-9]{1,10}) value_size=([0-9]{1,10})"
                  r" max_entries=([0-9]{1,10}) cpus=([0-9]{1,10}) btf_id=([0-9]{1,10}) key_type=([0-9]{1,10})"
                  r" value_type=([0-9]{1,10}) entries=([0-9]{1,10}) left_out=(none|size|type)" + _NAME)
# include/uapi/linux/bpf.h, as bpftool words it
_PROGRAM_TYPES = {1: "socket_filter", 2: "kprobe", 5: "tracepoint", 17: "raw_tracepoint", 26: "tracing",
                  27: "struct_ops", 28: "ext", 29: "lsm", 31: "syscall"}
_MAP_TYPES = {1: "hash", 2: "array", 3: "prog_array", 4: "perf_event_array", 5: "percpu_hash", 6: "percpu_array",
              9: "lru_hash", 10: "lru_percpu_hash", 22: "queue", 23: "stack", 26: "struct_ops", 27: "ringbuf",
              29: "task_storage", 31: "user_ringbuf", 32: "cgrp_storage", 33: "arena"}


@dataclass(frozen=True)
class Program:
    """A figure that the kernel does not have is None."""
    id: int
    type: str
    name: str
    tag: str
    verified_insns: Optional[int]
    run_cnt: Optional[int]
    run_time_ns: Optional[int]
    recursion_misses: Optional[int]


@dataclass(frozen=True)
class Map:
    id: int
    type: str
    name: str
    key_size: int
    value_size: int
    max_entries: int
    cpus: Optional[int]  # an entry has a value for each; None: it has one
    btf_id: Optional[int]
    btf_key_type_id: Optional[int]
    btf_value_type_id: Optional[int]
    entries: int
    file: Optional[str]
    left_out: Optional[str]  # why there are not all entries

    @property
    def value_len(self) -> int:
        """Of an entry, all CPUs."""
        return self.value_size if self.cpus is None else (self.value_size + 7) // 8 * 8 * self.cpus


@dataclass(frozen=True)
class Objects:
    """The key "bpf" of result.json (docs/internals/replay-format.md)."""
    problem: Optional[str]  # why there is nothing, or not all of it
    programs: tuple[Program, ...] = ()
    maps: tuple[Map, ...] = ()


class Entry(NamedTuple):
    key: bytes
    values: tuple[bytes, ...]  # of each CPU


def read_objects(directory: RunDirectory) -> Objects:
    """Raises OSError."""
    place = directory.file(PLACE)
    if not os.path.isdir(place):
        return Objects("the guest has sent none: no scheduler attached, or the guest ended before")
    programs, maps = _List(f"{place}/programs"), _List(f"{place}/maps")
    complaints = [f"{one.left_out} {what} left out" for one, what in ((programs, "programs"), (maps, "maps"))
                  if one.left_out]
    found = tuple(_program(fields, programs.is_counted) for fields in programs.match(_PROGRAM))
    found_maps = tuple(_map(fields) for fields in maps.match(_MAP))
    damaged = programs.damaged + maps.damaged
    complaints += [f"{damaged} lines damaged"] if damaged else []
    complaints += [] if programs.is_counted else ["the kernel did not count the calls of programs"]
    if found and not any(program.verified_insns for program in found):
        complaints.append("the kernel does not say how many instructions it verified")
    return Objects("; ".join(complaints) or None, found, found_maps)


class _List:
    """One of ktbpf's lists."""

    def __init__(self, path: str) -> None:
        self.damaged = 0
        with open(path if os.path.exists(path) else os.devnull, "rb") as file:
            self._lines = file.read(_LIST_MAX).decode("ascii", "replace").split("\n")[:_OBJECTS_MAX + 1]
        head = _HEAD.fullmatch(self._lines.pop(0))
        self.left_out = int(head.group(1)) if head else 0
        self.is_counted = bool(head and head.group(2) == "1")
        self.damaged += head is None

    def match(self, pattern: re.Pattern[str]) -> Iterator[tuple[str, ...]]:
        for line in filter(None, self._lines):
            found = pattern.fullmatch(line)
            if found:
                yield found.groups()
            else:
                self.damaged += 1


def _program(fields: tuple[str, ...], is_counted: bool) -> Program:
    number, kind, tag, verified, runs, ns, misses, name = fields
    return Program(int(number), _PROGRAM_TYPES.get(int(kind), f"type {int(kind)}"), name or REPLACED, tag.lower(),
                   int(verified) or None, int(runs) if is_counted else None, int(ns) if is_counted else None,
                   int(misses) if is_counted else None)


def _map(fields: tuple[str, ...]) -> Map:
    number, kind, key, value, most, cpus, btf, key_type, value_type, entries = map(int, fields[:10])
    left_out, name = fields[10:]
    why = {"none": None, "size": "there are more than fit", "type": "a map of this type can't be listed"}[left_out]
    return Map(number, _MAP_TYPES.get(kind, f"type {kind}"), name or REPLACED, key, value, most, cpus or None,
               btf or None, key_type or None, value_type or None, entries, None, why)


def read_entries(directory: RunDirectory, one: Map) -> list[Entry]:
    """As many as the file has whole. Raises OSError."""
    path = directory.file(f"{PLACE}/map-{one.id}")
    size = one.key_size + one.value_len
    is_sized = one.key_size > 0 and one.value_size > 0 and size <= SIZE_MAX and (one.cpus or 1) <= _CPUS_MAX
    if not is_sized or not os.path.isfile(path):
        return []
    with open(path, "rb") as file:
        data = file.read(SIZE_MAX)
    return [_entry(data[at:at + size], one) for at in range(0, len(data) - size + 1, size)]


def _entry(data: bytes, one: Map) -> Entry:
    key, rest = data[:one.key_size], data[one.key_size:]
    step = one.value_len // (one.cpus or 1) or 1
    return Entry(key, tuple(rest[at:at + one.value_size] for at in range(0, len(rest), step)))

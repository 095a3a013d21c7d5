# SPDX-License-Identifier: GPL-2.0-only
"""What is kept of a run with --bpf: a JSON file for each map, and what result.json says of programs and maps.

In:  the facts of a run, whose directory has what the guest sent; the same in a replay. Out: the files, made anew;
     Objects. No failure here changes a verdict: what could not be made has its reason.

The files have the form of `bpftool -j map dump`, so what reads that reads them.
"""
from __future__ import annotations

import json
import os
import re
from dataclasses import replace

from ..judge.facts import Facts
from ..lib.rundir import RunDirectory
from ..lib.text import Fault
from .limits import SIZE_MAX
from .objects import Entry, Map, Objects, read_entries, read_objects

_FILE = re.compile(r"bpf-[0-9].*\.json", re.DOTALL)


def keep_objects(facts: Facts) -> Facts:
    """The facts with the objects of a run with --bpf."""
    for entry in os.scandir(facts.directory.path):
        if _FILE.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
            os.unlink(entry.path)
    try:
        objects = read_objects(facts.directory)
        return replace(facts, bpf=replace(objects, maps=_write_maps(facts.directory, objects)))
    except (OSError, Fault) as error:
        return replace(facts, bpf=Objects(str(error)))


def _write_maps(directory: RunDirectory, objects: Objects) -> tuple[Map, ...]:
    """Raises OSError, Fault."""
    left = SIZE_MAX
    maps = []
    for one in objects.maps:
        entries = read_entries(directory, one)
        left -= sum(len(entry.key) + one.value_len for entry in entries)
        if not entries or left < 0:
            maps.append(replace(one, entries=0))
            continue
        name = f"bpf-{one.id}-{re.sub('[^A-Za-z0-9_.]', '_', one.name)}.json"
        text = json.dumps([_as_bpftool(entry, one) for entry in entries], separators=(",", ":"))
        directory.replace(name, text.encode() + b"\n")
        maps.append(replace(one, entries=len(entries), file=name))
    return tuple(maps)


def _as_bpftool(entry: Entry, one: Map) -> dict[str, object]:
    if one.cpus is None:
        return {"key": _hex(entry.key), "value": _hex(entry.values[0])}
    return {"key": _hex(entry.key),
            "values": [{"cpu": cpu, "value": _hex(value)} for cpu, value in enumerate(entry.values)]}


def _hex(data: bytes) -> list[str]:
    return [f"0x{byte:02x}" for byte in data]

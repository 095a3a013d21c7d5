# SPDX-License-Identifier: GPL-2.0-only
"""The file of --matrix: what is to be crossed with what.

A matrix is written once and run often; what is wrong in it is reported by its line, before anything starts. In: lines
"KEY = VALUE" (docs/use/matrix.md); paths are relative to the file's directory. Out: Matrix. Raises Fault.
"""
from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, field
from typing import Callable, Optional

from ..files.include import check_program
from ..judge.attempts import RETRIES_MAX
from ..kernel.directory import read_kernel_at
from ..kernel.image import X86_64, Architecture
from ..kernel.releases import find_release
from ..lib.jobs import Jobs
from ..lib.paths import Paths
from ..lib.text import Fault
from ..lib.user_paths import check_file
from ..machine.topology import Topology, parse_topology
from ..options.options import Options
from ..options.values import is_release, parse_number
from ..plan import choose_kernel

_KEYS = "kernel, topology, scheduler, payload, repeat, memory, limit, retries, options"


@dataclass(frozen=True)
class Scheduler:
    name: str
    path: Optional[str]  # None: the kernel's own
    arguments: str


@dataclass(frozen=True)
class Payload:
    name: str
    command: Optional[str]


@dataclass
class Matrix:
    kernels: list[str] = field(default_factory=list)
    topologies: list[Topology] = field(default_factory=list)
    schedulers: list[Scheduler] = field(default_factory=list)
    payloads: list[Payload] = field(default_factory=list)
    repeat: int = 1
    memory_mib: int = 512
    limit_secs: int = 120
    retries: int = 0
    options: list[str] = field(default_factory=list)


def read_matrix(path: str, options: Options, paths: Paths, jobs: Jobs) -> Matrix:
    check_file("--matrix", path)
    reader = _Reader(os.path.dirname(path), paths, jobs)
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        for number, line in enumerate(file.read().split("\n"), 1):
            try:
                reader.read_line(line.strip(" \t"))
            except Fault as fault:
                raise Fault(f"{path}, line {number}: {fault}") from fault
    matrix = reader.matrix
    if not matrix.payloads and not matrix.schedulers:
        raise Fault(f"{path}: neither a scheduler nor a payload")
    if not matrix.kernels:
        reader.add_kernel(choose_kernel(options, paths, jobs))
    matrix.topologies = matrix.topologies or [Topology(1, 1, 2, 1, is_named=True)]
    matrix.schedulers = matrix.schedulers or [Scheduler("none", None, "")]
    matrix.payloads = matrix.payloads or [Payload("none", None)]
    return matrix


def retry_words(matrix: Matrix) -> list[str]:
    return ["--retries", str(matrix.retries)] if matrix.retries else []


class _Reader:
    def __init__(self, directory: str, paths: Paths, jobs: Jobs) -> None:
        self.matrix = Matrix()
        self._paths = paths
        self._jobs = jobs
        self._directory = directory
        self._arch: Optional[Architecture] = None
        self._names: set[tuple[str, str]] = set()
        self._keys: dict[str, Callable[[str], None]] = {
            "kernel": lambda value: self.add_kernel(self._kernel(value)),
            "topology": lambda value: self.matrix.topologies.append(parse_topology("topology", value)),
            "scheduler": self._add_scheduler,
            "payload": self._add_payload,
            "repeat": lambda value: setattr(self.matrix, "repeat", parse_number("repeat", value, 1, 100000)),
            "memory": lambda value: setattr(self.matrix, "memory_mib", parse_number("memory", value, 128, 1048576)),
            "limit": lambda value: setattr(self.matrix, "limit_secs", parse_number("limit", value, 1, 99999999)),
            "retries": lambda value: setattr(self.matrix, "retries", parse_number("retries", value, 0, RETRIES_MAX)),
            "options": self._add_options,
        }

    def read_line(self, line: str) -> None:
        if not line or line.startswith("#"):
            return
        key, equals, value = line.partition("=")
        key, value = key.strip(" \t"), value.strip(" \t")
        if not equals:
            raise Fault(f"not KEY = VALUE: {line}")
        if not value:
            raise Fault(f"{key} has no value")
        if key not in self._keys:
            raise Fault(f"unknown key: {key} ({_KEYS})")
        self._keys[key](value)

    def _path(self, value: str) -> str:
        return value if value.startswith("/") else f"{self._directory}/{value}"

    def _kernel(self, value: str) -> str:
        """A cell gets the path: which kernel a release is, is decided once."""
        path = self._path(value)
        if os.path.lexists(path) or not is_release(value):
            return path
        return find_release(value, self._paths, self._jobs, is_dry=False)

    def add_kernel(self, path: str) -> None:
        self._keep_architecture(read_kernel_at(path).arch)
        self.matrix.kernels.append(path)

    def _keep_architecture(self, arch: Architecture) -> None:
        """The accelerator is chosen, and the schedulers are looked at, for one architecture."""
        if self._arch not in (None, arch):
            raise Fault(f"kernel for {arch.name} after lines for {self._arch.name if self._arch else ''}: a matrix "
                        "has one architecture, and kernels come first")
        self._arch = arch

    def _add_scheduler(self, value: str) -> None:
        """NAME PATH ARGS..., or the word none."""
        name, rest = self._name("scheduler", value)
        if value == "none":
            self.matrix.schedulers.append(Scheduler(name, None, ""))
            return
        if not rest:
            raise Fault(f"scheduler: a name and a path are wanted: {value}")
        words = re.split(r"[ \t]+", rest, maxsplit=1)
        path = self._path(words[0])
        check_program("scheduler", path, self._arch or X86_64)
        self._keep_architecture(self._arch or X86_64)
        self.matrix.schedulers.append(Scheduler(name, path, words[1] if len(words) > 1 else ""))

    def _add_payload(self, value: str) -> None:
        """NAME COMMAND..."""
        name, rest = self._name("payload", value)
        if not rest:
            raise Fault(f"payload: a name and a command are wanted: {value}")
        self.matrix.payloads.append(Payload(name, rest))

    def _add_options(self, value: str) -> None:
        try:
            words = shlex.split(value)
        except ValueError as error:
            raise Fault(f"options: {error}: {value}") from error
        if any(word.partition("=")[0] == "--retries" for word in words):
            raise Fault(f"options: give --retries a line of its own, retries = N: {value}")
        self.matrix.options += words

    def _name(self, kind: str, value: str) -> tuple[str, str]:
        """The first word, and what follows it."""
        words = re.split(r"[ \t]+", value, maxsplit=1)
        name = words[0]
        if not re.fullmatch(r"[A-Za-z0-9._+-]+", name, re.ASCII):
            raise Fault(f"{kind}: not a plain name (letters, digits, . _ + -): {name}")
        if (kind, name) in self._names:
            raise Fault(f"{kind}: the name is there twice: {name}")
        self._names.add((kind, name))
        return name, words[1] if len(words) > 1 else ""

# SPDX-License-Identifier: GPL-2.0-only
"""The kit: what a host of --hosts gets once, so that it needs neither ktbox nor the user's files.

In:  the options of each different cell of a matrix. Out: an archive with ktbox itself, the kernels, the guest's files
(each once, by its SHA-256) and a recipe for each different cell; on the host, a recipe that can be run.

All checks of the cells are made here, before anything starts, and the guest's files are those of this machine: its
libraries, its modules. A recipe is a pickle: this machine writes it, and sends the code that reads it along. Nothing
that comes back from a host is one.
"""
from __future__ import annotations

import io
import json
import os
import pickle
import tarfile
from dataclasses import dataclass, replace
from typing import Mapping

from ..files.archive import Tree, read_names
from ..files.initramfs import RunFiles, collect
from ..lib.digest import sha256_of
from ..lib.jobs import Jobs
from ..lib.paths import Paths
from ..lib.text import Fault
from ..machine.arguments import kernel_words
from ..options.options import Options
from ..plan import Plan, make_plan
from ..run.host import Origin
from ..run.origin import find_origin
from ..kernel.directory import find_vmlinux

META = "meta.json"
_FILES, _RECIPES = "files", "recipes"


@dataclass(frozen=True)
class Recipe:
    """A run but for the machine that it runs on. Files are named by their SHA-256."""
    plan: Plan
    kernel: str  # the path that the user gave
    words: str  # of the kernel's command line
    files: Tree
    modules: Tree
    origin: Origin

    def run_files(self, plan: Plan, top: str, jobs: Jobs) -> RunFiles:
        own = read_names(plan.archive)

        def place(digest: str) -> str:
            return f"{top}/{_FILES}/{digest}"

        return RunFiles(plan.archive, own, self.files.with_sources(place), self.modules.with_sources(place), jobs)


def read_recipe(top: str, name: str) -> Recipe:
    with open(f"{top}/{_RECIPES}/{name}", "rb") as file:
        recipe = pickle.load(file)
    assert isinstance(recipe, Recipe)
    kernel = replace(recipe.plan.kernel, path=f"{top}/{_FILES}/{recipe.plan.kernel.path}")
    return replace(recipe, plan=replace(recipe.plan, kernel=kernel))


def write_kit(path: str, cells: Mapping[str, Options], paths: Paths, work: str, jobs: Jobs) -> dict[str, str]:
    """CELLS: by the names of their recipes. Returns the vmlinux with debug information of each recipe that has one: it
    is large, so it stays here. Raises Fault."""
    try:
        with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
            kit = _Kit(archive)
            kit.add_ktbox(paths)
            for number, (name, options) in enumerate(cells.items()):
                jobs.check_signals()
                os.mkdir(f"{work}/recipe-{number}")
                kit.add_recipe(name, options, paths, f"{work}/recipe-{number}", jobs)
            kit.add_meta(list(cells.values()), next(iter(cells)))
            return kit.symbols
    except OSError as error:
        raise Fault(f"--hosts: unable to write the kit: {error.strerror or error}") from error


class _Kit:
    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._digests: dict[str, str] = {}  # of files of this machine
        self._added: set[str] = set()
        self.symbols: dict[str, str] = {}

    def add_ktbox(self, paths: Paths) -> None:
        """As an installed copy has it, so that the launcher works from it as it is."""
        for directory, _, names in os.walk(f"{paths.top}/host/launcher"):
            for name in sorted(names):
                if name.endswith((".py", ".css")):
                    self._add(f"{directory}/{name}", os.path.relpath(f"{directory}/{name}", paths.top))
        for name in ("busybox", "initramfs.cpio", "aarch64/initramfs.cpio"):
            if os.path.exists(f"{paths.parts}/{name}"):
                self._add(f"{paths.parts}/{name}", name)
        self._add_data("version", paths.version.encode() + b"\n")

    def add_recipe(self, name: str, options: Options, paths: Paths, work: str, jobs: Jobs) -> None:
        plan = make_plan(options._replace(quiet=True), paths, jobs)
        files = collect(plan, b"", work, jobs)
        origin = find_origin(plan)
        vmlinux = find_vmlinux(plan.kernel)
        if vmlinux:
            self.symbols[name] = vmlinux
        kernel = replace(plan.kernel, path=self._file(plan.kernel.path))
        recipe = Recipe(replace(plan, kernel=kernel), plan.kernel.path, kernel_words(plan),
                        files.files.with_sources(self._file), files.modules.with_sources(self._file), origin)
        self._add_data(f"{_RECIPES}/{name}", pickle.dumps(recipe, protocol=4))

    def add_meta(self, cells: list[Options], first: str) -> None:
        meta = {"machine": os.uname().machine, "memory_mib": max(cell.memory_mib for cell in cells),
                "cpus": max(cell.topology.cpus for cell in cells), "first": first}
        self._add_data(META, json.dumps(meta).encode())

    def _file(self, source: str) -> str:
        """Its digest; its content is in the kit from now on."""
        digest = self._digests.get(source) or sha256_of(source)
        self._digests[source] = digest
        if digest not in self._added:
            self._added.add(digest)
            self._add(source, f"{_FILES}/{digest}")
        return digest

    def _add(self, source: str, name: str) -> None:
        with open(source, "rb") as file:
            entry = self._archive.gettarinfo(arcname=name, fileobj=file)
            entry.type = tarfile.REGTYPE  # a second name of a file is a file of its own
            entry.linkname = ""
            entry.size = os.fstat(file.fileno()).st_size
            entry.mode = 0o755 if entry.mode & 0o111 else 0o644
            self._archive.addfile(_anonymous(entry), file)

    def _add_data(self, name: str, data: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        self._archive.addfile(entry, io.BytesIO(data))


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry

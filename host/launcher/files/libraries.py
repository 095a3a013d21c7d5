# SPDX-License-Identifier: GPL-2.0-only
"""Which shared objects this machine's loader loads with a program, and where it finds them.

The order is that of ld.so(8): the object's DT_RPATH and those of the objects that led to it, LD_LIBRARY_PATH, the
object's DT_RUNPATH, /etc/ld.so.cache, the default directories. No program is run for it, so it works for another
architecture, too. test/ktrun/libraries_test.sh compares it with the loader itself.
"""
from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from typing import Iterator, NamedTuple, Optional, Sequence

from .elf import EM_386, EM_AARCH64, EM_X86_64, Dynamic, read_dynamic

CACHE = "/etc/ld.so.cache"
_CACHE_MAGIC = b"glibc-ld.so.cache1.1"
_CACHE_HEADER, _CACHE_ENTRY = 48, struct.Struct("<iIIIQ")
_TRIPLETS = {EM_X86_64: "x86_64-linux-gnu", EM_386: "i386-linux-gnu", EM_AARCH64: "aarch64-linux-gnu"}
_PLATFORMS = {EM_X86_64: "x86_64", EM_386: "i686", EM_AARCH64: "aarch64"}
# Of a directory; a guest's CPU may lack what the host's has, so the plain directory comes first here.
_VARIANTS = ("", "/glibc-hwcaps/x86-64-v4", "/glibc-hwcaps/x86-64-v3", "/glibc-hwcaps/x86-64-v2")
# glibc loads these by itself: name services, and what ends a thread.
_OF_GLIBC = ("libgcc_s.so.1", "libnss_files.so.2", "libnss_dns.so.2")
_MUSL_NAMES = {"libc.so", "libpthread.so", "librt.so", "libm.so", "libdl.so", "libutil.so", "libxnet.so"}


class Found(NamedTuple):
    path: str  # as the loader opens it, but without "." and ".."
    is_default: bool  # by the cache or a default directory, so at the same place for every program


@dataclass(frozen=True)
class Libraries:
    found: tuple[Found, ...]
    missing: tuple[str, ...]


@dataclass
class _Object:
    path: str
    dynamic: Dynamic
    parent: Optional["_Object"] = None
    origin: str = field(init=False)

    def __post_init__(self) -> None:
        self.origin = os.path.dirname(self.path)


class Loader:
    """This machine's loader: its cache of names, and what was read of files before."""

    def __init__(self, library_path: str) -> None:
        """LIBRARY_PATH: what LD_LIBRARY_PATH says; a relative directory counts from here."""
        self._environment = [directory for directory in library_path.replace(";", ":").split(":") if library_path]
        self.used_environment = False
        self._cache: Optional[dict[str, list[str]]] = None
        self._dynamics: dict[str, Optional[Dynamic]] = {}

    def dynamic(self, path: str) -> Optional[Dynamic]:
        if path not in self._dynamics:
            self._dynamics[path] = read_dynamic(path) if os.path.isfile(path) and os.access(path, os.R_OK) else None
        return self._dynamics[path]

    def libraries(self, path: str, program: Optional[str] = None) -> Libraries:
        """Of the object with the real path PATH. PROGRAM: the one that loads it at run time, if that is known."""
        dynamic = self.dynamic(path)
        if not dynamic:
            return Libraries((), ())
        loading = self.dynamic(program) if program else None
        parent = _Object(program, loading) if program and loading else None
        search = _Search(self, _Object(path, dynamic, parent))
        return search.run()

    def relative_directory(self, path: str) -> Optional[str]:
        """The first one in the run path of the object PATH, where no library is looked for."""
        dynamic = self.dynamic(path)
        directories = (*dynamic.rpath, *dynamic.runpath) if dynamic else ()
        return next((directory for directory in directories if directory[:1] not in ("/", "$")), None)

    def cached(self, name: str) -> list[str]:
        if self._cache is None:
            self._cache = _read_cache()
        return self._cache.get(name, [])

    def search_path(self, item: _Object) -> Iterator[tuple[str, bool, bool]]:
        """Directories with: by a default, by the environment."""
        dynamic = item.dynamic
        if not dynamic.has_runpath:
            above: Optional[_Object] = item
            while above:
                if not above.dynamic.has_runpath:
                    for directory in above.dynamic.rpath:
                        yield from _expanded(directory, above)
                above = above.parent
        for directory in self._environment:
            for path, is_default, _ in _expanded(directory, item):
                yield path, is_default, True
        for directory in dynamic.runpath:
            yield from _expanded(directory, item)

    def find(self, name: str, item: _Object) -> Optional[Found]:
        if "/" in name:
            for path, _, _ in _expanded(name, item):
                if self._fits(path, item):
                    return Found(os.path.abspath(path), False)
            return None
        for directory, is_default, is_environment in self.search_path(item):
            if not is_environment and not directory.startswith("/"):
                continue  # it counts from where the program is started: the guest does that elsewhere
            for variant in _VARIANTS:
                path = f"{directory or '.'}{variant}/{name}"
                if self._fits(path, item):
                    self.used_environment = self.used_environment or is_environment
                    return Found(os.path.abspath(path), is_default)
        return self._find_default(name, item) if item.dynamic.uses_default else None

    def _find_default(self, name: str, item: _Object) -> Optional[Found]:
        for path in self.cached(name):
            if self._fits(path, item):
                return Found(path, True)
        for directory in _default_directories(item.dynamic):
            for variant in _VARIANTS:
                if self._fits(f"{directory}{variant}/{name}", item):
                    return Found(f"{directory}{variant}/{name}", True)
        return None

    def _fits(self, path: str, item: _Object) -> bool:
        """The loader passes over files for another machine."""
        dynamic = self.dynamic(path)
        return bool(dynamic and (dynamic.bits, dynamic.machine) == (item.dynamic.bits, item.dynamic.machine))


class _Search:
    """One load: breadth first, each name once, whoever asks for it."""

    def __init__(self, loader: Loader, first: _Object) -> None:
        self._loader = loader
        self._queue = [first]
        self._names = {first.dynamic.soname, os.path.basename(first.path)}
        self._found: list[Found] = []
        self._missing: list[str] = []
        self._is_musl = "ld-musl" in first.dynamic.interpreter

    def run(self) -> Libraries:
        first = self._queue[0]
        interpreter = first.dynamic.interpreter
        if interpreter:
            self._names.add(os.path.basename(interpreter))
            if os.path.isfile(interpreter):
                self._found.append(Found(interpreter, True))
            else:
                self._missing.append(interpreter)
        for item in self._queue:
            for name in item.dynamic.needed:
                self._load(name, item, is_optional=False)
            if os.path.basename(item.path) == "libc.so.6":
                for name in _OF_GLIBC:
                    self._load(name, item, is_optional=True)
        return Libraries(tuple(self._found), tuple(self._missing))

    def _load(self, name: str, item: _Object, is_optional: bool) -> None:
        if name in self._names or (self._is_musl and (name in _MUSL_NAMES or name.startswith("libc.musl-"))):
            return
        self._names.add(name)
        found = self._loader.find(name, item)
        if not found:
            if not is_optional:
                self._missing.append(name)
            return
        dynamic = self._loader.dynamic(found.path)
        if dynamic and dynamic.soname:
            self._names.add(dynamic.soname)
        self._found.append(found)
        if dynamic:
            self._queue.append(_Object(found.path, dynamic, item))


def _expanded(directory: str, item: _Object) -> Iterator[tuple[str, bool, bool]]:
    """With the loader's words replaced; $LIB may be each of several names."""
    machine, bits = item.dynamic.machine, item.dynamic.bits
    directory = directory.replace("${", "$").replace("}", "") if "${" in directory else directory
    directory = directory.replace("$ORIGIN", item.origin).replace("$PLATFORM", _PLATFORMS.get(machine, ""))
    if "$LIB" not in directory:
        yield directory, False, False
        return
    for library in (f"lib/{_TRIPLETS.get(machine, '')}", f"lib{bits}", "lib"):
        yield directory.replace("$LIB", library), False, False


def _default_directories(dynamic: Dynamic) -> Sequence[str]:
    triplet = _TRIPLETS.get(dynamic.machine, "")
    return (f"/lib/{triplet}", f"/usr/lib/{triplet}", f"/lib{dynamic.bits}", f"/usr/lib{dynamic.bits}", "/lib",
            "/usr/lib",
            "/usr/local/lib")


def _read_cache() -> dict[str, list[str]]:
    """Names and paths of /etc/ld.so.cache; those for a CPU with special abilities come last."""
    if not os.access(CACHE, os.R_OK):
        return {}
    with open(CACHE, "rb") as file:
        data = file.read()
    start = data.find(_CACHE_MAGIC)  # an older format may precede it
    if start < 0 or len(data) < start + _CACHE_HEADER:
        return {}
    count = struct.unpack_from("<I", data, start + len(_CACHE_MAGIC))[0]
    entries: list[tuple[bool, str, str]] = []
    try:
        for number in range(count):
            _, key, value, _, special = _CACHE_ENTRY.unpack_from(data, start + _CACHE_HEADER
                                                                 + number * _CACHE_ENTRY.size)
            entries.append((special != 0, _text(data, start + key), _text(data, start + value)))
    except (struct.error, ValueError):
        return {}
    found: dict[str, list[str]] = {}
    for _, name, path in sorted(entries, key=lambda entry: entry[0]):
        found.setdefault(name, []).append(path)
    return found


def _text(data: bytes, at: int) -> str:
    return data[at:data.index(b"\0", at)].decode("utf-8", "surrogateescape")

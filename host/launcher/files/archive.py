# SPDX-License-Identifier: GPL-2.0-only
"""The guest's files as a tree of names, and the cpio archive (newc) that the kernel unpacks.

The tree is known before anything is read, so that names that collide and memory that is too small cost no packing.
Source of the format: the kernel's Documentation/driver-api/early-userspace/buffer-format.rst. A file that has several
names is in the archive once, with its first name; the kernel makes links of the others.
"""
from __future__ import annotations

import os
import stat
from dataclasses import dataclass, replace
from typing import BinaryIO, Callable, Iterator, Optional

from ..lib.text import Fault

_HEADER_LEN = 110
_PAGE = 4096
_INODE_BYTES = 1280  # of the guest's kernel for each entry: inode, dentry (measured: 1.1 KiB)
_FILE_MAX = 2 ** 32 - 1
_CHUNK = 256 * 1024  # stays in the cache of a CPU; 8 MiB took 1.3 to 12 times as long
_WHOLE_MAX = 64 * 1024 * 1024  # of a file whose size is not known before it is read
_DIRECTORY_MODE = stat.S_IFDIR | 0o755


@dataclass(frozen=True)
class Entry:
    """One of: DATA (a file, or a link's target); the host's file SOURCE; neither: a directory or a device."""
    mode: int
    source: str = ""
    data: bytes = b""
    size: int = 0
    mtime: int = 0
    identity: Optional[tuple[int, int]] = None  # of SOURCE, by which it is recognized
    device: int = 0


class Tree:
    """Names in the guest, without the / that they begin with, and what they stand for."""

    def __init__(self, own: dict[str, int]) -> None:
        """OWN: names and modes of the base initramfs."""
        self._own = own
        self._entries: dict[str, Entry] = {}
        self._parents: dict[str, str] = {}  # directories, and a name that lies in each

    def __contains__(self, name: str) -> bool:
        return name.lstrip("/") in self._entries

    def add(self, name: str, entry: Entry) -> None:
        """Raises Fault when NAME stands for something else already."""
        key = name.lstrip("/")
        self._check_kind(key, entry)
        old = self._entries.get(key)
        if old is None:
            self._entries[key] = entry
        elif not _is_same(old, entry):
            raise Fault(f"two different files for /{key} in the guest{_sources(old, entry)}: "
                        "give one of them another place, -i PATH:GUEST")

    def _check_kind(self, key: str, entry: Entry) -> None:
        """A name is a directory, or it is none: the kernel leaves out what does not fit, without a word."""
        is_directory = stat.S_ISDIR(entry.mode)
        if key in self._parents and not is_directory:
            raise _kinds_differ(key, entry, self._parents[key], self._entries.get(self._parents[key]))
        if key in self._own and stat.S_ISDIR(self._own[key]) != is_directory:
            raise Fault(f"the guest has its own /{key}, which is {'no' if is_directory else 'a'} directory: "
                        "give another place, -i PATH:GUEST")
        parent = os.path.dirname(key)
        while parent and parent not in self._parents:
            above = self._entries.get(parent)
            if above and not stat.S_ISDIR(above.mode):
                raise _kinds_differ(parent, above, key, entry)
            if not stat.S_ISDIR(self._own.get(parent, stat.S_IFDIR)):
                raise Fault(f"the guest has its own /{parent}, which is no directory: "
                            f"give /{key} another place, -i PATH:GUEST")
            self._parents[parent] = key
            parent = os.path.dirname(parent)

    def below(self, place: str) -> Iterator[tuple[str, str]]:
        """Names at PLACE or below it that are no directory, with their sources on the host, which may be empty."""
        for key, entry in self._entries.items():
            if ("/" + key + "/").startswith(place + "/") and not stat.S_ISDIR(entry.mode):
                yield "/" + key, entry.source

    def file(self, name: str, source: str) -> None:
        """Raises OSError."""
        status = os.stat(source)
        data, size = b"", status.st_size
        if status.st_blocks == 0 and size <= _PAGE:  # of /proc, of /sys, or what a file system keeps in its inode
            data = _read_whole(source)
            data, size = (data, len(data)) if len(data) != size else (b"", size)
        self.add(name, Entry(stat.S_IFREG | stat.S_IMODE(status.st_mode), source, data, size,
                             int(status.st_mtime), (status.st_dev, status.st_ino)))

    def text(self, name: str, data: bytes, mode: int = 0o644) -> None:
        self.add(name, Entry(stat.S_IFREG | mode, "", data, len(data)))

    def link(self, name: str, target: str) -> None:
        data = os.fsencode(target)
        self.add(name, Entry(stat.S_IFLNK | 0o777, "", data, len(data)))

    def directory(self, name: str, mode: int = 0o755) -> None:
        self.add(name, Entry(stat.S_IFDIR | mode))

    def node(self, name: str, status: os.stat_result) -> None:
        """A FIFO, socket or device."""
        self.add(name, Entry(status.st_mode, device=status.st_rdev))

    def add_all(self, other: "Tree") -> None:
        for name, entry in other._entries.items():
            self.add(name, entry)

    def with_sources(self, rename: Callable[[str], str]) -> "Tree":
        """The same names, whose files are elsewhere."""
        tree = Tree(self._own)
        tree._parents = self._parents
        tree._entries = {name: replace(entry, source=rename(entry.source)) if entry.source and not entry.data else entry
                         for name, entry in self._entries.items()}
        return tree

    def names(self) -> list[str]:
        return list(self._entries)

    def unpacked(self) -> tuple[int, int]:
        """Bytes that the files take in a tmpfs, and what the kernel needs besides for all names."""
        counted: set[tuple[int, int]] = set()
        pages = 0
        for entry in self._entries.values():
            if entry.identity is None or entry.identity not in counted:
                pages += -(-entry.size // _PAGE)
                counted.update([entry.identity] if entry.identity else [])
        return pages * _PAGE, len(self._entries) * _INODE_BYTES

    def write(self, out: BinaryIO, has: Callable[[str], bool], check: Callable[[], None]) -> None:
        """Append the archive to OUT. HAS: directories that are there. CHECK is called now and then, and may raise.

        Parents come before what is in them, and whatever was added last is last.
        """
        writer = _Writer(out, check, self._links())
        made: set[str] = set()
        for name, entry in self._entries.items():
            self._write_parents(name, has, made, writer)
            if not stat.S_ISDIR(entry.mode) or (name not in made and not has(name)):
                writer.entry(name, entry)
                made.add(name)
        writer.end()

    def _write_parents(self, name: str, has: Callable[[str], bool], made: set[str], writer: "_Writer") -> None:
        parts = name.split("/")[:-1]
        for count in range(1, len(parts) + 1):
            parent = "/".join(parts[:count])
            if parent in made or has(parent):
                continue
            writer.entry(parent, self._entries.get(parent, Entry(_DIRECTORY_MODE)))
            made.add(parent)

    def _links(self) -> dict[tuple[int, int], int]:
        """How many names each file has."""
        counts: dict[tuple[int, int], int] = {}
        for entry in self._entries.values():
            if entry.identity:
                counts[entry.identity] = counts.get(entry.identity, 0) + 1
        return counts


def _is_same(one: Entry, other: Entry) -> bool:
    if stat.S_ISDIR(one.mode) and stat.S_ISDIR(other.mode):
        return True
    if one.identity or other.identity:
        return one.identity == other.identity
    return one == other


def _read_whole(source: str) -> bytes:
    """A file of /proc says that it has 0 bytes, one of /sys that it has 4096."""
    data = b""
    try:
        with open(os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=0) as file:
            while len(data) <= _WHOLE_MAX:
                more = file.read(_CHUNK)
                if more is None:
                    raise Fault(f"a file without an end can't be included: {source}")
                if not more:
                    return data
                data += more
    except OSError as error:
        raise Fault(f"include is not readable: {source}: {error.strerror}") from error
    raise Fault(f"a file that does not say its size, and has more than {_WHOLE_MAX // 2 ** 20} MiB, can't be included: "
                + source)


def _kinds_differ(file: str, entry: Entry, inner: str, inner_entry: Optional[Entry]) -> Fault:
    inner_source = inner_entry.source if inner_entry else ""
    return Fault(f"no directory and a directory for /{file} in the guest ({entry.source or 'a link'}; /{inner}"
                 f"{f', {inner_source}' if inner_source else ''}): give one of them another place, -i PATH:GUEST")


def _sources(one: Entry, other: Entry) -> str:
    return f" ({one.source}, {other.source})" if one.source and other.source else ""


class _Writer:
    def __init__(self, out: BinaryIO, check: Callable[[], None], links: dict[tuple[int, int], int]) -> None:
        self._out, self._check, self._links = out, check, links
        self._inode = 0
        self._written: dict[tuple[int, int], int] = {}

    def entry(self, name: str, entry: Entry) -> None:
        count = self._links.get(entry.identity, 1) if entry.identity else 1
        if entry.identity and entry.identity in self._written and entry.size:
            self._header(name, entry, self._written[entry.identity], count, 0)
            return
        self._inode += 1
        if entry.identity and entry.size:
            self._written[entry.identity] = self._inode
        if entry.size > _FILE_MAX:
            raise Fault(f"a file of more than 4 GiB can't be included: {entry.source}")
        self._header(name, entry, self._inode, count if entry.size else 1, entry.size)
        if entry.data:
            self._out.write(entry.data)
        elif entry.source:
            self._copy(entry)
        self._pad(4)

    def _header(self, name: str, entry: Entry, inode: int, links: int, size: int) -> None:
        encoded = os.fsencode(name) + b"\0"
        fields = (inode, entry.mode, 0, 0, links, entry.mtime & 0xffffffff, size, 0, 0, os.major(entry.device),
                  os.minor(entry.device), len(encoded), 0)
        self._out.write(b"070701" + b"".join(b"%08X" % field for field in fields) + encoded)
        self._pad(4)

    def _pad(self, unit: int) -> None:
        self._out.write(b"\0" * (-self._out.tell() % unit))

    def _copy(self, entry: Entry) -> None:
        left = entry.size
        with open(entry.source, "rb", buffering=0) as file:
            while left:
                self._check()
                data = file.read(min(left, _CHUNK))
                if not data:
                    raise Fault(f"the file became shorter while it was packed: {entry.source}")
                self._out.write(data)
                left -= len(data)

    def end(self) -> None:
        self._header("TRAILER!!!", Entry(0), 0, 1, 0)
        self._pad(512)


def read_names(path: str) -> dict[str, int]:
    """Names and modes of an archive that this project has made."""
    names: dict[str, int] = {}
    with open(path, "rb") as file:
        while True:
            header = file.read(_HEADER_LEN)
            if len(header) < _HEADER_LEN or header[:6] != b"070701":
                raise Fault(f"not a base initramfs: {path}")
            mode, size, name_len = (int(header[at:at + 8], 16) for at in (14, 54, 94))
            name = file.read(name_len)[:-1]
            file.seek(-(_HEADER_LEN + name_len) % 4, os.SEEK_CUR)
            if name == b"TRAILER!!!":
                return names
            names[os.fsdecode(name)] = mode
            file.seek(-(-size // 4) * 4, os.SEEK_CUR)

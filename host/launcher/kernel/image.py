# SPDX-License-Identifier: GPL-2.0-only
"""Kernel images and programs: which architecture they are for, and what follows from it.

A guest has the architecture of its kernel's image. Sources: the ELF specification (e_machine at 18), the kernel's
Documentation/arch/arm64/booting.rst (ARMd at 0x38) and arch/x86/boot.rst (HdrS at 0x202, kernel_version at 0x20e).
"""
from __future__ import annotations

import mmap
import os
import re
import struct
from dataclasses import dataclass
from typing import Optional

from ..files.elf import EM_386, EM_AARCH64, EM_X86_64, elf_of, read_head, sections_of
from ..lib.text import Fault

_HEAD_LEN = 0x206
_ELF_HEADER_LEN = 64
_PT_NOTE = 4
_NOTES_MAX = 65536
_BANNER = b"Linux version "
_RELEASE = re.compile(rb"([0-9][0-9A-Za-z.+_~-]*) ")
_RELEASE_MAX = 128
NEITHER = "not a kernel image (neither ELF, bzImage nor arm64 Image)"


@dataclass(frozen=True)
class Architecture:
    name: str
    title: str  # in messages
    qemu: str
    package: str  # Debian's, with that program
    machine: str  # of QEMU
    tcg_cpu: str
    console: str
    com2: tuple[str, ...]  # QEMU's arguments for the UART of last words
    elf: int
    elf_32: Optional[int]
    archive: str  # the base initramfs, below the built files


# TCG runs a "rep stosb" byte by byte. Without the flags that call it fast, the kernel clears and copies eight
# bytes at a time, which saves a little of the boot (docs/log/performance.md).
X86_64 = Architecture("x86_64", "x86-64", "qemu-system-x86_64", "qemu-system-x86", "q35", "max,-erms,-fsrm", "ttyS0",
                      ("-serial", "chardev:com2"), EM_X86_64, EM_386, "initramfs.cpio")
# Pointer authentication by its own algorithm costs TCG more than all else; the kernel does not mind which it is. The
# machine "virt" has one UART, ttyAMA0, which is the console; COM2 is a UART on the PCI bus there, ttyS0.
AARCH64 = Architecture("aarch64", "aarch64", "qemu-system-aarch64", "qemu-system-arm", "virt,gic-version=max",
                       "max,pauth-impdef=on", "ttyAMA0", ("-device", "pci-serial,chardev=com2"), EM_AARCH64, None,
                       "aarch64/initramfs.cpio")


@dataclass(frozen=True)
class Kernel:
    path: str
    arch: Architecture
    form: str  # elf, bzimage or image
    release: Optional[str]  # where the image has it
    # Of a directory of -k, where it has them; else they are looked for around the image.
    config: Optional[str] = None
    modules: Optional[str] = None  # as /lib/modules/VERSION is one, or a build tree
    symbols: Optional[str] = None  # the vmlinux of the same build


def read_kernel(path: str) -> Kernel:
    """Raises Fault for what is no kernel of an architecture that ktbox knows."""
    head = read_head(path, _HEAD_LEN)
    if head[:4] == b"\x7fELF":
        elf = elf_of(head)
        if not elf or elf.machine != EM_X86_64:
            raise Fault(f"kernel for another architecture: {path}")
        _check_elf(path)
        return Kernel(path, X86_64, "elf", _banner_release(path))
    if head[0x38:0x3c] == b"ARMd" and len(head) == _HEAD_LEN:
        return Kernel(path, AARCH64, "image", _banner_release(path))
    if head[0x202:0x206] == b"HdrS":
        _check_bzimage(path, head)
        return Kernel(path, X86_64, "bzimage", _bzimage_release(path))
    raise Fault(f"{NEITHER}: {path}")


def _check_bzimage(path: str, head: bytes) -> None:
    """The setup sectors and the protected-mode code (syssize, in paragraphs) are all there. QEMU would boot what is
    there, into silence."""
    setup_sectors, paragraphs = head[0x1f1] or 4, int.from_bytes(head[0x1f4:0x1f8], "little")
    _check_size(path, (setup_sectors + 1) * 512 + paragraphs * 16)


def _check_size(path: str, needed: int) -> None:
    size = os.stat(path).st_size
    if size < needed:
        raise Fault(f"kernel is truncated: {path} has {size} bytes, and its header says {needed}")


def _check_elf(path: str) -> None:
    """Its segments are there, and QEMU finds the note with its entry point (PVH). A header without segments is no
    kernel's: QEMU will say so."""
    _check_size(path, _ELF_HEADER_LEN)
    with open(path, "rb") as file:
        head = file.read(_ELF_HEADER_LEN)
        offset, size, count = struct.unpack_from("<Q", head, 0x20)[0], *struct.unpack_from("<HH", head, 0x36)
        _check_size(path, offset + size * count)
        file.seek(offset)
        table = file.read(size * count)
        segments = [struct.unpack_from("<I4xQQQQ", table, at) for at in range(0, len(table) - 55, max(size, 56))]
        if not segments:
            return
        _check_size(path, max(at + length for _, at, _, _, length in segments))
        notes = []
        for kind, at, _, _, length in segments:
            if kind == _PT_NOTE:
                file.seek(at)
                notes.append(file.read(min(length, _NOTES_MAX)))
    if not any(map(_has_pvh_note, notes)):
        raise Fault("kernel has no PVH entry (CONFIG_PVH), which QEMU needs for an ELF image: give the bzImage of "
                    f"the same build instead: {path}")


def _has_pvh_note(notes: bytes) -> bool:
    """XEN_ELFNOTE_PHYS32_ENTRY: name "Xen", type 18 (include/xen/interface/elfnote.h)."""
    at = 0
    while at + 12 <= len(notes):
        name_len, data_len, kind = struct.unpack_from("<III", notes, at)
        if kind == 18 and notes[at + 12:at + 12 + name_len] == b"Xen\0":
            return True
        at += 12 + (name_len + 3) // 4 * 4 + (data_len + 3) // 4 * 4
    return False


def _banner_release(path: str) -> Optional[str]:
    """An image that is not packed has the kernel's first line (init/version.c): an ELF image among its constants, which
    are a fifth of what would have to be read."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
        constants = sections_of(file).get(b".rodata")
        found = _find_release(image, constants.offset, constants.offset + constants.size) if constants else None
        return found or _find_release(image, 0, len(image))


def _find_release(image: mmap.mmap, start: int, end: int) -> Optional[str]:
    at = image.find(_BANNER, start, end)
    while at >= 0:
        at += len(_BANNER)
        found = _RELEASE.match(image[at:at + _RELEASE_MAX])
        if found:
            return found.group(1).decode("ascii")
        at = image.find(_BANNER, at, end)
    return None


def _bzimage_release(path: str) -> Optional[str]:
    """The header's kernel_version points to the text, 0x200 bytes before it."""
    with open(path, "rb") as file:
        file.seek(0x20e)
        field = file.read(2)
        if len(field) < 2:
            return None
        file.seek(struct.unpack("<H", field)[0] + 0x200)
        text = re.split(rb"[ \0]", file.read(128))[0]
    return text.decode("ascii") if re.fullmatch(rb"[0-9A-Za-z.+_~-]+", text) else None

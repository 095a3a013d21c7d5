# SPDX-License-Identifier: GPL-2.0-only
"""What a directory of -k has: the image, the configuration, the modules and the symbols of one kernel.

A kernel that was built, fetched or unpacked is a directory, and its parts must belong together. In: a build tree, as
make leaves it (the source tree itself, or that of O=), or a directory with an image: ktbox's own (image, config,
modules/), /usr/lib/modules/RELEASE, /boot, or a package that was unpacked. Out: Kernel. Raises Fault for a directory
without an image, with two kernels, of another architecture, or with modules of another release.
"""
from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import Iterator, Optional

from ..files.elf import has_debug_info
from ..lib.text import Fault
from ..lib.user_paths import check_file
from .config import Config, read_config
from .image import AARCH64, X86_64, Architecture, Kernel, read_kernel

_NAMES = ("image", "vmlinux", "bzImage", "vmlinuz", "Image")  # the first is taken of several of the same release
_NAME = re.compile(rf"(?:{'|'.join(_NAMES)})(?:-.+)?")
_TITLE = re.compile(r"^# Linux/(\S+)", re.MULTILINE)  # Kconfig's first comment
_TITLES = ("x86", "x86_64", "arm64")  # of X86_64 and AARCH64
_RELEASE_MAX, _TITLE_MAX = 256, 4096
_SHOWN = 4


def is_build_tree(directory: str) -> bool:
    """One in which a kernel was configured."""
    return os.path.isfile(f"{directory}/.config") and os.path.isdir(f"{directory}/arch")


def is_of_linux(tree: str) -> bool:
    """Other programs have a .config and an arch/, too: BusyBox, U-Boot."""
    try:
        with open(f"{tree}/.config", encoding="utf-8", errors="replace") as file:
            return bool(_TITLE.search(file.read(_TITLE_MAX)))
    except OSError:
        return False


def read_kernel_at(path: str) -> Kernel:
    """An image, or a directory that has one."""
    if not os.path.isdir(path):
        check_file("kernel", path)
        return read_kernel(path)
    path = path.rstrip("/") or "/"
    return _of_tree(path) if is_build_tree(path) else _of_directory(path)


def _of_tree(tree: str) -> Kernel:
    config = read_config(f"{tree}/.config")
    if not config:
        raise Fault(f"kernel tree: unable to read {tree}/.config")
    arch = architecture_of(config, tree)
    kernel = read_kernel(_image_of_tree(tree, arch, config))
    if kernel.arch is not arch:
        raise Fault(f"kernel tree: {kernel.path} is for {kernel.arch.title}, and {tree}/.config is for {arch.title}")
    release = release_of_tree(tree)
    if release and kernel.release and release != kernel.release:
        raise Fault(f"kernel tree: its image is {kernel.release}, and its modules are {release}: run make in {tree}"
                    f", or give the image alone: -k {kernel.path}")
    symbols = f"{tree}/vmlinux"
    return replace(kernel, release=kernel.release or release, config=config.origin,
                   modules=tree if os.path.exists(f"{tree}/modules.builtin") else None,
                   symbols=symbols if os.path.isfile(symbols) else None)


def architecture_of(config: Config, where: str) -> Architecture:
    for option, arch in (("X86_64", X86_64), ("ARM64", AARCH64)):
        if config.state(option) == "y":
            return arch
    title = _TITLE.search(config.text)
    name = "32-bit x86" if config.state("X86_32") == "y" else title.group(1) if title else ""
    if name and name not in _TITLES:
        raise Fault(f"kernel for another architecture ({name}): {where}")
    raise Fault(f"neither CONFIG_X86_64 nor CONFIG_ARM64 is set, so it is not a whole configuration: {where}")


def _image_of_tree(tree: str, arch: Architecture, config: Config) -> str:
    """vmlinux where QEMU can enter it: it needs not be unpacked, and is at least as new as the others."""
    names = ["vmlinux", "arch/x86/boot/bzImage"] if arch is X86_64 else ["arch/arm64/boot/Image"]
    if config.state("PVH") != "y":
        names.reverse()
    found = next((name for name in names if os.path.isfile(f"{tree}/{name}")), None)
    if not found:
        raise Fault(f"kernel tree without an image ({' or '.join(names)}): run make in {tree}")
    return f"{tree}/{found}"


def release_of_tree(tree: str) -> Optional[str]:
    """What make builds now, and names the modules by."""
    try:
        with open(f"{tree}/include/config/kernel.release", encoding="utf-8", errors="replace") as file:
            return file.read(_RELEASE_MAX).strip() or None
    except OSError:
        return None


def _of_directory(directory: str) -> Kernel:
    kernels, faults = _kernels_in(directory)
    if not kernels:
        raise faults[0] if faults else _why_none(directory)
    if len({kernel.release for kernel in kernels}) > 1:
        shown = [f"{kernel.path} ({kernel.release or 'release unknown'})" for kernel in kernels]
        more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
        raise Fault(f"{len(shown)} kernels in the directory: give one of them with -k: "
                    f"{', '.join(shown[:_SHOWN])}{more}")
    symbols = f"{directory}/vmlinux"
    return replace(kernels[0], modules=_modules_below(directory, kernels[0]),
                   symbols=symbols if os.path.isfile(symbols) else None)


def _why_none(directory: str) -> Fault:
    if os.path.lexists(f"{directory}/.config") and not os.path.isfile(f"{directory}/.config"):
        return Fault(f"kernel tree: its configuration is not a file: {directory}/.config")
    if os.path.isfile(f"{directory}/Kconfig") and os.path.isfile(f"{directory}/Makefile"):
        return Fault(f"kernel source without a configuration: run make there, or give the directory of O=: {directory}")
    return Fault(f"no kernel in the directory (image, vmlinux, bzImage, vmlinuz, Image, or one of these with "
                 f"-RELEASE): {directory}")


def _kernels_in(directory: str) -> tuple[list[Kernel], list[Fault]]:
    """All that can be booted, the best first; and what is wrong with the others."""
    kernels: dict[str, Kernel] = {}
    faults: list[Fault] = []
    for path in _candidates(directory):
        try:
            check_file("kernel", path)
            kernels.setdefault(os.path.realpath(path), read_kernel(path))
        except Fault as fault:
            faults.append(fault)
    return list(kernels.values()), faults


def _candidates(directory: str) -> Iterator[str]:
    """What has the name of an image, and is no directory: a link that leads nowhere is named, not passed over."""
    places = [directory, f"{directory}/boot"]
    for modules in (f"{directory}/usr/lib/modules", f"{directory}/lib/modules"):
        places += [f"{modules}/{name}" for name in _listed(modules)]
    for place in places:
        names = [name for name in _listed(place) if _NAME.fullmatch(name) and not os.path.isdir(f"{place}/{name}")]
        yield from (f"{place}/{name}" for name in sorted(names, key=_rank))


def _rank(name: str) -> tuple[int, str]:
    return _NAMES.index(name.partition("-")[0]), name


def _listed(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def _modules_below(directory: str, kernel: Kernel) -> Optional[str]:
    """None: modules.py looks around the image, and in the system's place."""
    others: list[str] = []
    for modules in (f"{directory}/usr/lib/modules", f"{directory}/lib/modules"):
        releases = [name for name in _listed(modules) if os.path.isdir(f"{modules}/{name}/kernel")]
        if kernel.release in releases:
            return f"{modules}/{kernel.release}"
        others += releases
    if others and kernel.release:
        raise Fault(f"the kernel is {kernel.release}, and the modules in the directory are "
                    f"{', '.join(sorted(others)[:_SHOWN])}: {directory}")
    return None


def find_vmlinux(kernel: Kernel) -> Optional[str]:
    """With debug information: that of the directory of -k, the image itself, or a file vmlinux in its directory, or at
    the top of its build tree."""
    image = kernel.path
    directory = os.path.dirname(image)
    top = re.sub(r"(^|/)arch/[^/]+/boot$", "", directory)
    names = [*filter(None, [kernel.symbols]), image, f"{directory or '.'}/vmlinux", f"{top or '.'}/vmlinux"]
    readable = (name for name in names if os.path.isfile(name) and os.access(name, os.R_OK))
    return next((name for name in readable if has_debug_info(name)), None)

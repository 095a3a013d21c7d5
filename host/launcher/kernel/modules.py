# SPDX-License-Identifier: GPL-2.0-only
"""The kernel modules that the guest needs before it can be talked to, and for shared directories.

A distribution's kernel has drivers as modules, and the initramfs is all that the guest has. kmod's modprobe lists what
each depends on; depmod makes the index where it is missing, in the work directory.
"""
from __future__ import annotations

import gzip
import os
import re
import shutil
import zlib
from dataclasses import dataclass
from typing import Optional, Sequence

from ..lib.jobs import Jobs
from ..lib.text import Fault
from .config import NEEDED, Config, Missing, missing_options
from .directory import is_build_tree
from .image import Kernel

BASE = ("virtio_pci", "virtio_console")  # the ports
_SBIN = ":/usr/sbin:/sbin"
_VERSION = "0.0-ktbox"  # of the tree of links: depmod wants two numbers
_UNPACK = {".xz": ["xz", "-dc"], ".zst": ["zstd", "-qdc"], ".gz": ["gzip", "-dc"]}


@dataclass(frozen=True)
class Driver:
    """What a guest needs to mount a directory of the host."""
    title: str
    modules: tuple[str, ...]
    options: tuple[str, ...]


VIRTIO_9P = Driver("virtio-9p", ("9pnet_virtio", "9p"), ("CONFIG_NET_9P_VIRTIO", "CONFIG_9P_FS"))
VIRTIOFS = Driver("virtiofs", ("virtiofs",), ("CONFIG_VIRTIO_FS",))
OVERLAY = Driver("overlayfs", ("overlay",), ("CONFIG_OVERLAY_FS",))


@dataclass(frozen=True)
class Wanted:
    driver: Driver
    asked: str  # the option of ktrun that needs it


@dataclass(frozen=True)
class Module:
    name: str
    path: str


def find_modules(kernel: Kernel, given: Optional[str]) -> Optional[str]:
    """The directory of the kernel's modules, as /lib/modules/VERSION is one, or a build tree; None: none is known."""
    if given or kernel.modules:
        return given or kernel.modules
    near = os.path.dirname(kernel.path)
    if os.path.isdir(near + "/modules/kernel"):
        return near + "/modules"
    if os.path.isdir(near + "/kernel") and os.path.exists(near + "/modules.builtin"):
        return near
    system = f"/lib/modules/{kernel.release}"
    return system if kernel.release and os.path.isdir(system + "/kernel") else None


def check_modules_option(directory: Optional[str]) -> None:
    if directory and not os.path.isdir(directory + "/kernel"):
        raise Fault(f"--modules: not a directory of modules, such as /lib/modules/VERSION: {directory}")


def lacks(kernel: Kernel, config: Optional[Config], given: Optional[str], driver: Driver) -> Optional[str]:
    """Which option for it the kernel does not have, as far as that is known."""
    directory = find_modules(kernel, given)
    if not directory and not config:
        return None
    if directory:
        builtin, there = _builtin_modules(directory), _modules_below(directory)
    else:
        builtin = there = set()
    lines: frozenset[str] = config.lines if config else frozenset()
    return next((option for name, option in zip(driver.modules, driver.options)
                 if name not in builtin and name not in there and option + "=y" not in lines), None)


def _modules_below(directory: str) -> set[str]:
    if is_build_tree(directory):
        return {_module_name(os.path.splitext(name)[0]) for name in _lines_of(f"{directory}/modules.order")}
    return {_module_name(name) for _, _, names in os.walk(directory + "/kernel", followlinks=True) for name in names}


def list_modules(kernel: Kernel, given: Optional[str], drivers: Sequence[Wanted], work: str,
                 jobs: Jobs) -> list[Module]:
    """What the guest must load, in this order. Raises Fault for what is neither built in nor there."""
    directory = find_modules(kernel, given)
    if directory is None:
        return []
    wanted = [(name, "") for name in BASE] + [(name, f"{one.asked}: ") for one in drivers
                                              for name in one.driver.modules]
    builtin = _builtin_modules(directory)
    missing = [(name, option) for name, option in wanted if name not in builtin]
    if not missing:
        return []
    index = _Index(directory, work, jobs)
    modules: dict[str, Module] = {}
    for name, option in missing:
        for module in index.needed_by(name, option):
            modules.setdefault(module.name, module)
    _check_complete(modules, builtin, directory, jobs)
    _check_release(kernel, modules, jobs)
    return list(modules.values())


def _check_complete(modules: dict[str, Module], builtin: set[str], directory: str, jobs: Jobs) -> None:
    """depmod passes over a module that is not there; the modules themselves name what they depend on."""
    paths = [module.path for module in modules.values()]
    result = jobs.tool(["modinfo", "-F", "depends", *paths], environment=_environment())
    if result.status != 0:
        raise Fault(f"unable to read the modules in {directory}: {result.first_error}")
    needed = {name.replace("-", "_") for name in re.split("[,\n]", result.output.decode("ascii", "replace")) if name}
    for name in sorted(needed - set(modules) - builtin):
        raise Fault(f"the kernel's module {name} is neither built in nor in {directory}")


def _check_release(kernel: Kernel, modules: dict[str, Module], jobs: Jobs) -> None:
    """A module names the release that it was built for (vermagic). With modversions the kernel goes by other sums."""
    paths = [module.path for module in modules.values()]
    result = jobs.tool(["modinfo", "-F", "vermagic", *paths], environment=_environment())
    lines = result.output.decode("utf-8", "replace").split("\n")[:-1]
    if result.status != 0 or not kernel.release or len(lines) != len(paths):
        return  # a module without one is the guest's to judge
    for path, words in zip(paths, map(str.split, lines)):
        if words and words[0] != kernel.release and "modversions" not in words:
            raise Fault(f"the kernel is {kernel.release}, and its module is for {words[0]}: {path}")


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "") + _SBIN}


def unpack_module(module: Module, target: str, jobs: Jobs) -> None:
    command = _UNPACK.get(os.path.splitext(module.path)[1], ["cat"])
    with open(target, "wb") as file:
        result = jobs.tool([*command, "--", module.path], stdout=file)
    if result.status != 0:
        raise Fault(f"unable to unpack {module.path}: {result.first_error}")


def _module_name(path: str) -> str:
    """The two ways to write a name, - and _, are the same."""
    return re.sub(r"\.ko(\.[a-z]+)?$", "", os.path.basename(path)).replace("-", "_")


def _builtin_modules(directory: str) -> set[str]:
    return set(map(_module_name, _lines_of(directory + "/modules.builtin")))


def _lines_of(path: str) -> list[str]:
    """None where there is no such file."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return [line.strip() for line in file]


class _Index:
    """modprobe's view of a directory of modules, without this machine's own configuration."""

    def __init__(self, directory: str, work: str, jobs: Jobs) -> None:
        self._directory = directory
        self._jobs = jobs
        self._environment = _environment()
        self._root = work + "/kmod"
        if not shutil.which("modprobe", path=self._environment["PATH"]):
            raise Fault("no modprobe: is the package kmod installed?")
        self._make_tree(self._root + "/lib/modules/" + _VERSION)

    def _make_tree(self, tree: str) -> None:
        """Links to the modules and to the index; depmod makes the index where it is missing."""
        os.makedirs(tree)
        if is_build_tree(self._directory):
            self._link_built(tree)
            self._make_index()
            return
        for name in os.listdir(self._directory):
            if name.startswith("modules."):
                os.symlink(os.path.realpath(f"{self._directory}/{name}"), f"{tree}/{name}")
        if os.path.exists(tree + "/modules.dep"):
            os.symlink(os.path.realpath(self._directory + "/kernel"), tree + "/kernel")
            return
        self._link_modules(self._directory + "/kernel", tree + "/kernel")
        self._make_index()

    def _make_index(self) -> None:
        result = self._jobs.tool(["depmod", "-b", self._root, _VERSION], environment=self._environment)
        if result.status != 0:
            raise Fault(f"unable to index the modules in {self._directory}: {result.first_error}")

    def _link_built(self, tree: str) -> None:
        """The modules lie beside their sources. modules.order lists them, by their objects' names since Linux 6.2; one
        that is not there was not built."""
        for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
            if os.path.exists(f"{self._directory}/{name}"):
                os.symlink(os.path.realpath(f"{self._directory}/{name}"), f"{tree}/{name}")
        for name in _lines_of(f"{self._directory}/modules.order"):
            module = re.sub(r"\.k?o$", ".ko", name)
            source, target = os.path.realpath(f"{self._directory}/{module}"), f"{tree}/kernel/{module}"
            if os.path.isfile(source) and not os.path.lexists(target):
                os.makedirs(os.path.dirname(target), exist_ok=True)
                os.symlink(source, target)

    def _link_modules(self, source: str, target: str) -> None:
        """Debian's kmod does not read what gzip has packed, so that is unpacked for depmod."""
        for directory, _, names in os.walk(source, followlinks=True):
            below = target + directory[len(source):]
            os.makedirs(below, exist_ok=True)
            for name in names:
                path = os.path.realpath(f"{directory}/{name}")
                if name.endswith(".ko.gz"):
                    _gunzip(path, f"{below}/{name[:-3]}")
                elif re.search(r"\.ko(\.xz|\.zst)?$", name):
                    os.symlink(path, f"{below}/{name}")

    def needed_by(self, name: str, option: str) -> list[Module]:
        """NAME and all that it depends on, those first. OPTION: what needs it, for the message."""
        result = self._jobs.tool(["modprobe", "-d", self._root, "-S", _VERSION, "-C", "/dev/null", "--show-depends",
                                  name],
                                 environment=self._environment)
        lines: Sequence[str] = os.fsdecode(result.output).split("\n")
        paths = [line.split(" ", 1)[1].strip() for line in lines if line.startswith("insmod ")]
        modules = [Module(_module_name(path), os.path.realpath(path)) for path in paths]
        if result.status != 0 or (not modules and not any(line.startswith("builtin ") for line in lines)):
            raise Fault(f"{option}the kernel's module {name} is neither built in nor in {self._directory}"
                        + (f": {result.first_error}" if result.errors else ""))
        return modules


def _gunzip(path: str, target: str) -> None:
    try:
        with gzip.open(path) as packed, open(target, "wb") as plain:
            shutil.copyfileobj(packed, plain)
    except (OSError, EOFError, zlib.error) as error:
        raise Fault(f"unable to unpack {path}: {error}") from error


def check_options(kernel: Kernel, config: Optional[Config], given: Optional[str],
                  drivers: Sequence[Wanted]) -> list[Missing]:
    """What a run goes without. Raises Fault for what it can't do without; without a configuration the guest will report
    it. GIVEN: the directory of --modules."""
    if config is None:
        return []
    has_modules = find_modules(kernel, given) is not None
    missing = [option for option in missing_options(config, kernel.arch.name)
               if not (option.is_module and option.option.module and has_modules)]
    modules = [f"CONFIG_{option.option.name}=m" for option in missing if option.is_module and option.option.module]
    if modules:
        raise Fault(f"the kernel has {', '.join(modules)}, and its modules are not known: give their directory with "
                    "--modules")
    needed = [str(option) for option in missing if option.option.rank == NEEDED]
    if needed:
        raise Fault(f"the kernel cannot run a guest: {', '.join(needed)}: {kernel.path}, according to {config.origin}")
    for one in drivers:
        option = lacks(kernel, config, given, one.driver)
        if option and option + "=m" in config.lines:
            raise Fault(f"{one.asked}: the kernel has {option} as a module: give its modules with --modules")
        if option:
            raise Fault(f"{one.asked}: the kernel lacks {option} ({one.driver.title}): {kernel.path}")
    return missing


# SPDX-License-Identifier: GPL-2.0-only
"""Directories of the host for the guest by virtiofs: the daemons (virtiofsd) that serve them, one for each.

There are two programs of this name: QEMU's own until 7.2 (options after -o), and its successor (--shared-dir), whose
newer releases can serve a directory read-only. To others readonly_tree.py shows a read-only tree, in a mount namespace,
and so the kernel refuses whatever the guest asks for. A daemon has the rights of the user who runs ktrun.

In:  what this machine has; KTRUN_VIRTIOFSD. Out: Virtiofsd; running daemons, each with a socket for QEMU.
Ends: a daemon ends when QEMU closes its socket; leaving the Jobs block kills it.
"""
from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import socket
import sys
from dataclasses import dataclass
from typing import NamedTuple, Optional, Sequence

from ..lib.jobs import CannotGoOn, Job, Jobs
from ..lib.text import Fault, decoded
from ..machine.topology import Topology, memory_files

_PLACES = ("/usr/libexec/virtiofsd", "/usr/lib/virtiofsd", "/usr/lib/qemu/virtiofsd")
# An overlay does not cross a mount point of its lower directory, which each file system of the host would be.
_NO_SUBMOUNTS = "--no-announce-submounts"
_LINE_MAX = 300
_LOG_MAX = 65536


class CannotServe(Exception):
    """The text says why."""


class Export(NamedTuple):
    """A directory of the host that the guest mounts by TAG."""
    tag: str
    directory: str
    is_writable: bool
    is_fixed: bool = False  # nobody minds what the host changes in it


@dataclass(frozen=True)
class Virtiofsd:
    path: str
    is_qemus: bool  # until 7.2
    has_readonly: bool
    words: tuple[str, ...]  # that it always gets
    namespace: tuple[str, ...]  # the command in which it must run; empty: none

    def command(self, export: Export, tree: str, listener: int) -> list[str]:
        """TREE: an empty directory, where a read-only tree can be mounted."""
        directory = export.directory
        words = list(self.namespace)
        if not export.is_writable and not self.has_readonly:
            words += [sys.executable, "-IS", f"{os.path.dirname(__file__)}/readonly_tree.py", directory, tree]
            directory = tree
        if self.is_qemus:
            escaped = re.sub(r"([\\,])", r"\\\1", directory)
            return [*words, self.path, "-f", f"--fd={listener}", "--rlimit-nofile=0", "-o",
                    f"sandbox=chroot,log_level=err,{_cache(export)},source={escaped}"]
        return [*words, self.path, *self.words, f"--fd={listener}", f"--{_cache(export)}", f"--shared-dir={directory}",
                *(["--readonly"] if not export.is_writable and self.has_readonly else [])]


def _cache(export: Export) -> str:
    """What the guest has seen of a fixed directory it need not ask for again: half of the time that a program takes to
    start twice. Of another one it sees what the host changes."""
    return f"cache={'always' if export.is_fixed else 'auto'}"


def find_virtiofsd(jobs: Jobs) -> Virtiofsd:
    """The one of this machine, as this user can run it. Raises CannotServe, and Fault for a bad KTRUN_VIRTIOFSD."""
    path = _find_program()
    says = jobs.tool([path, "--help"])
    text = decoded(says.output + says.errors)
    is_qemus = "--shared-dir" not in text
    if is_qemus and "source=PATH" not in text:
        raise CannotServe(f"{path} is no virtiofsd: {says.first_error}")
    has_readonly = "--readonly" in text
    words = ("--rlimit-nofile=0", "--sandbox=none", "--log-level=error",
             *(word for word in (_NO_SUBMOUNTS,) if word in text))
    return Virtiofsd(path, is_qemus, has_readonly, words, () if has_readonly else _find_namespace(is_qemus, jobs))


def _find_program() -> str:
    given = os.environ.get("KTRUN_VIRTIOFSD", "")
    if given == "none":
        raise CannotServe("KTRUN_VIRTIOFSD is none")
    if given:
        if not os.access(given, os.X_OK) or os.path.isdir(given):
            raise Fault(f"KTRUN_VIRTIOFSD: neither none nor a program: {given}")
        return os.path.abspath(given)
    found = shutil.which("virtiofsd") or next((path for path in _PLACES if os.access(path, os.X_OK)), None)
    if not found:
        raise CannotServe("no virtiofsd: is the package virtiofsd (or qemu-system-common of QEMU 7.2) installed?")
    return found


def _find_namespace(is_qemus: bool, jobs: Jobs) -> tuple[str, ...]:
    """For root, a mount namespace; a user needs a user namespace for that. In one, QEMU's own opens no file of another
    user for an overlay (O_NOATIME), and can't leave its groups."""
    if os.geteuid() != 0 and is_qemus:
        raise CannotServe("the virtiofsd of QEMU 7.2 serves only root: a user needs a newer one")
    words = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    tried = jobs.tool([*words, "true"])
    if tried.status != 0:
        raise CannotServe(f"virtiofsd gets no mount namespace: {tried.first_error}")
    return tuple(words)


class Servers:
    """The daemons of a run."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.sockets: list[socket.socket] = []  # QEMU's ends
        self._ram: list[int] = []
        self._log = ""

    def start(self, daemon: Virtiofsd, exports: Sequence[Export], work: str, jobs: Jobs) -> None:
        self._log = f"{work}/virtiofsd.log"
        with open(self._log, "ab") as log:
            for export in exports:
                tree = f"{work}/{export.tag}"
                os.mkdir(tree)
                listener, client = _connected(work)
                with listener:
                    self.sockets.append(client)
                    command = daemon.command(export, tree, listener.fileno())
                    self.jobs.append(jobs.start(command, stdout=log, stderr=log, keep=[listener.fileno()],
                                                prepare=_allow_many_files))

    def make_ram(self, topology: Topology, memory_mib: int, work: str) -> None:
        """The guest's memory, which QEMU shares with the daemons: WORK/ram/NAME leads to a file that is in memory only.
        It has its size already: QEMU may not make files so large (RLIMIT_FSIZE). Raises CannotGoOn."""
        os.mkdir(f"{work}/ram")
        for name, size_mib in memory_files(topology, memory_mib):
            descriptor = os.memfd_create(f"ktbox-{name}")
            self._ram.append(descriptor)
            try:
                os.ftruncate(descriptor, size_mib << 20)
            except OSError as error:
                raise CannotGoOn(f"unable to make the guest's memory, {size_mib} MiB that virtiofsd shares: "
                                 f"{error.strerror}") from error
            os.symlink(f"/proc/{os.getpid()}/fd/{descriptor}", f"{work}/ram/{name}")

    def stop(self) -> None:
        for job in self.jobs:
            job.send(signal.SIGKILL)
            job.reap()
        self.close_sockets()
        for descriptor in self._ram:
            os.close(descriptor)
        self._ram = []

    def close_sockets(self) -> None:
        """When QEMU has its own."""
        for one in self.sockets:
            one.close()
        self.sockets = []

    def describe_end(self, job: Job) -> str:
        with open(self._log, "rb") as file:
            lines = [decoded(line).strip() for line in file.read(_LOG_MAX).split(b"\n")]
        said = next((line for line in lines if line), "")[:_LINE_MAX]
        return f"virtiofsd, which serves the host's files, has ended, status {job.status}" + (f": {said}" if said
                                                                                              else "")


def _connected(work: str) -> tuple[socket.socket, socket.socket]:
    """A listening socket and one that is connected to it: so QEMU need not wait until the daemon listens. By the
    directory's descriptor, since a socket's path is short (108 bytes)."""
    listener, client = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    directory = os.open(work, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        listener.bind(f"/proc/self/fd/{directory}/virtiofsd")
        listener.listen(1)
        client.connect(f"/proc/self/fd/{directory}/virtiofsd")
        os.unlink(f"{work}/virtiofsd")
    finally:
        os.close(directory)
    return listener, client


def _allow_many_files() -> None:
    """It holds a descriptor for each file that the guest knows."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

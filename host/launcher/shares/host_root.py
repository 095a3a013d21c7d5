# SPDX-License-Identifier: GPL-2.0-only
"""--host-root: the payload and the scheduler run in this machine's own root directory, read-only below an overlay.

In:  Options, the caller's environment, shell and directory. Out: how the guest gets the root (Directories), and the
texts for /init (rootfs/lib/ktbox/host_root.sh). Raises Fault for what does not go with it.
"""
from __future__ import annotations

import os
import pwd
import re
from typing import NamedTuple, Optional, Sequence

from ..kernel.config import Config
from ..kernel.image import Kernel
from ..kernel.modules import OVERLAY, VIRTIO_9P, VIRTIOFS, Wanted, lacks
from ..lib.jobs import Jobs
from ..lib.text import Fault
from ..options.options import Options
from ..options.values import Share
from .virtiofsd import CannotServe, Export, Virtiofsd, find_virtiofsd

ROOT_TAG = "ktbox-root"
GUEST_ROOT = "/run/ktbox/root"  # the guest's own root directory, as it is seen in the host's
COMMANDS = "/run/ktbox/bin"
_OPTION = "--host-root"
# The guest's own; the host's directories of these names are hidden.
_HIDDEN = ("/tmp", "/run", "/dev/shm")
_HIDING = ("/proc", "/dev", "/sys", "/run", "/tmp")
_SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
# What names a process, a socket or a terminal of the host, has a meaning for ktbox itself, or is the guest's business.
_NOT_TAKEN = re.compile(
    r"(KT|KTRUN|KTBOX|KTSTR|SSH|GPG|DBUS|XDG_SESSION|TMUX|SYSTEMD|LISTEN|WATCHDOG|FAKEROOT|FAKECHROOT)_.*"
    r"|FAKE(ROOT|CHROOT).*|LD_PRELOAD|LD_AUDIT|DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|XDG_(RUNTIME_DIR|SEAT|VTNR)|TMUX"
    r"|STY|WINDOW"
    r"|WINDOWID|INVOCATION_ID|JOURNAL_STREAM|NOTIFY_SOCKET|MANAGERPID|MAKEFLAGS|MFLAGS|MAKELEVEL|TERM|TERMCAP"
    r"|LINES|COLUMNS|TMPDIR|TEMP|TMP|SHLVL|_|OLDPWD|HOSTNAME|PATH")
_NAME = re.compile(r"[^=\0]+")


class Directories(NamedTuple):
    """How directories of the host come into the guest. DAEMON: by virtiofs; None: by virtio-9p."""
    daemon: Optional[Virtiofsd]
    exports: tuple[Export, ...]
    drivers: tuple[Wanted, ...]
    slower: str = ""  # why the host's root comes by virtio-9p, where that is nobody's choice

    @property
    def type(self) -> str:
        """As mount(8) has it."""
        return "virtiofs" if self.daemon else "9p"


NO_DIRECTORIES = Directories(None, (), ())


def check_host_root(options: Options, kernel: Kernel) -> None:
    if not options.host_root:
        return
    if options.includes:
        raise Fault(f"{_OPTION}: the guest has this machine's files, and -i has nothing to add: leave it out")
    if options.history:
        raise Fault(f"{_OPTION}: the shell is yours and keeps its own history: --history does not go with it")
    if os.uname().machine != kernel.arch.name:
        raise Fault(f"{_OPTION}: the guest is {kernel.arch.title}, and this machine's programs are for "
                    f"{os.uname().machine}")
    for directory in _HIDING:
        if os.path.islink(directory):
            raise Fault(f"{_OPTION}: {directory} is a symbolic link on this machine, and the guest needs a directory "
                        "there")
    directory = os.getcwd()
    if directory in ("/run", "/dev/shm") or f"{directory}/".startswith(("/proc/", "/sys/")):
        raise Fault(f"{_OPTION}: the current directory is {directory}, and the guest has its own {_top_of(directory)}")
    for path in (directory, *_paths(options)):
        if "\n" in path:
            raise Fault(f"{_OPTION}: a newline in a path: {path!r}")


def _top_of(directory: str) -> str:
    """The mount that the guest makes."""
    return next((top for top in ("/proc", "/sys") if f"{directory}/".startswith(f"{top}/")), directory)


def find_directories(options: Options, kernel: Kernel, config: Optional[Config], jobs: Jobs) -> Directories:
    """Raises Fault when the guest can't have the host's root."""
    shares = _exports(options.shares)
    if options.host_root:
        daemon, slower = _choose_daemon(options, kernel, config, jobs)
        wanted = (Wanted(VIRTIOFS if daemon else VIRTIO_9P, _OPTION), Wanted(OVERLAY, _OPTION))
        return Directories(daemon, (Export(ROOT_TAG, "/", False, is_fixed=True), *shares), wanted, slower)
    if not shares:
        return NO_DIRECTORIES
    daemon = _instead_of_9p(options, kernel, config, jobs)
    return Directories(daemon, shares, (Wanted(VIRTIOFS if daemon else VIRTIO_9P, "--ro/--rw"),))


def _exports(shares: Sequence[Share]) -> tuple[Export, ...]:
    return tuple(Export(f"ktbox{number}", share.host, share.is_writable) for number, share in enumerate(shares))


def _choose_daemon(options: Options, kernel: Kernel, config: Optional[Config],
                   jobs: Jobs) -> tuple[Optional[Virtiofsd], str]:
    """Or why there is none. virtiofs is faster, and virtio-9p needs nothing of this machine; only a guest with 9p can
    be saved (--warm)."""
    lacks_9p = lacks(kernel, config, options.modules, VIRTIO_9P)
    if options.warm and not lacks_9p:
        return None, ""
    lacks_virtiofs = lacks(kernel, config, options.modules, VIRTIOFS)
    try:
        if lacks_virtiofs:
            raise CannotServe(f"the kernel lacks {lacks_virtiofs}")
        return find_virtiofsd(jobs), ""
    except CannotServe as why:
        if lacks_9p:
            raise Fault(f"--host-root: no virtiofs: {why}; no virtio-9p: the kernel lacks {lacks_9p}") from why
        return None, "" if os.environ.get("KTRUN_VIRTIOFSD") == "none" else str(why)


def _instead_of_9p(options: Options, kernel: Kernel, config: Optional[Config], jobs: Jobs) -> Optional[Virtiofsd]:
    """For --ro and --rw. Without it, what is missed is virtio-9p."""
    if not lacks(kernel, config, options.modules, VIRTIO_9P) or lacks(kernel, config, options.modules, VIRTIOFS):
        return None
    try:
        return find_virtiofsd(jobs)
    except CannotServe:
        return None


def place_of_share(share: Share) -> str:
    """In the guest. A link on the way there would be followed outside of the host's root."""
    return os.path.realpath(share.guest)


def texts(options: Options, kind: str) -> dict[str, str]:
    """For /init. KIND: of the mount."""
    place = "/.ktbox/host_root"
    scheduler = os.path.realpath(options.scheduler) + "\n" if options.scheduler else ""
    return {
        f"{place}/type": kind + "\n",
        f"{place}/directory": os.getcwd() + "\n",
        f"{place}/shown": "".join(path + "\n" for path in _shown(options)),
        f"{place}/shell": user_shell() + "\n",
        f"{place}/scheduler": scheduler,
    }


def user_shell() -> str:
    """SHELL of the environment, else that of the user database."""
    shell = os.environ.get("SHELL", "")
    if not _is_program(shell):
        try:
            shell = pwd.getpwuid(os.getuid()).pw_shell
        except KeyError:
            shell = ""
    return shell if _is_program(shell) else "/bin/sh"


def _is_program(path: str) -> bool:
    return path.startswith("/") and "\n" not in path and os.access(path, os.X_OK)


def _paths(options: Options) -> list[str]:
    """Programs that were named by a path."""
    named = [options.scheduler] if options.scheduler else []
    named += [word for word in options.arguments[:1] if "/" in word]
    return [os.path.realpath(path) for path in named]


def _shown(options: Options) -> list[str]:
    """What of the host's hidden directories the guest must have: the current directory, and those of the programs. A
    program that lies in a hidden directory itself comes alone."""
    wanted = [os.getcwd()]
    for path in _paths(options):
        directory = os.path.dirname(path)
        wanted.append(path if directory in _HIDDEN else directory)
    hidden = {path for path in wanted if path == "/tmp" or path.startswith(tuple(f"{top}/" for top in _HIDDEN))}
    return sorted(path for path in hidden
                  if os.path.exists(path) and not any(path.startswith(f"{other}/") for other in hidden))


def variables() -> list[tuple[str, str]]:
    """The caller's environment, but for _NOT_TAKEN. PATH ends with the system's directories and the kt commands."""
    taken = [(name, text) for name, text in os.environ.items() if not _NOT_TAKEN.fullmatch(name)
             and _NAME.fullmatch(name)]
    path = [word for word in os.environ.get("PATH", "").split(":") if word]
    path += [word for word in _SYSTEM_PATH if word not in path]
    return [*taken, ("PATH", ":".join([*path, COMMANDS]))]

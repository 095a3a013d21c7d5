# SPDX-License-Identifier: GPL-2.0-only
"""Run a program for which PLACE is the tree SOURCE, read-only: python3 -IS readonly_tree.py SOURCE PLACE PROGRAM ARG...

Why: a virtiofsd without --readonly (that of QEMU 7.2) writes whatever the guest asks for. Here the kernel refuses that,
on every file system of the tree. Set-user-ID bits, devices and programs of the tree are of no use to it either.
In:  a mount namespace of our own, in which this may mount (unshare --mount). Needs mount_setattr(2), Linux 5.12.
Out: nothing but the mount; PROGRAM takes the place of this process.
Exit: PROGRAM's; 1 after a message.
"""
from __future__ import annotations

import ctypes
import os
import sys
from typing import NoReturn

_BIND, _RECURSIVE = 0x1000, 0x4000  # MS_BIND, MS_REC of <sys/mount.h>
_MOUNT_SETATTR = 442  # on every architecture
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_READONLY_NOSUID_NODEV_NOEXEC = 0xf  # MOUNT_ATTR_* of <linux/mount.h>


def _fail(what: str) -> NoReturn:
    print(f"unable to {what}: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
    sys.exit(1)


def _make_tree(source: str, place: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = (ctypes.c_uint64 * 4)(_READONLY_NOSUID_NODEV_NOEXEC, 0, 0, 0)  # struct mount_attr
    if libc.mount(os.fsencode(source), os.fsencode(place), None, ctypes.c_ulong(_BIND | _RECURSIVE), None) != 0:
        _fail(f"mount {source} on {place}")
    if libc.syscall(ctypes.c_long(_MOUNT_SETATTR), _AT_FDCWD, os.fsencode(place), ctypes.c_uint(_AT_RECURSIVE),
                    ctypes.byref(attributes), ctypes.c_size_t(ctypes.sizeof(attributes))) != 0:
        _fail(f"make {source} read-only")


def main(arguments: list[str]) -> NoReturn:
    source, place, *command = arguments
    _make_tree(source, place)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"unable to run {command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])

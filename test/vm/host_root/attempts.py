#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""attempts.py DIR: try to change everything in DIR, as the root of a guest may.

Out: a line "done NAME" or "refused NAME ERRNO" for each attempt. DIR has the files that host_root_test.sh makes.
"""
from __future__ import annotations

import errno
import os
import stat
import sys
from typing import Callable


def write(path: str, flags: int) -> None:
    os.write(os.open(path, flags, 0o644), b"from the guest")


def attempts(top: str) -> dict[str, Callable[[], object]]:
    file, made = f"{top}/file", f"{top}/made"
    return {
        "write": lambda: write(file, os.O_WRONLY),
        "append": lambda: write(file, os.O_RDWR | os.O_APPEND),
        "empty": lambda: os.open(file, os.O_WRONLY | os.O_TRUNC),
        "truncate": lambda: os.truncate(file, 1),
        "write-open": lambda: write(f"{top}/open", os.O_WRONLY),
        "write-by-link": lambda: write(f"{top}/link", os.O_WRONLY),
        "write-outside": lambda: write(f"{top}/outside", os.O_WRONLY),
        "create": lambda: write(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL),
        "mkdir": lambda: os.mkdir(f"{made}-directory"),
        "fifo": lambda: os.mkfifo(f"{made}-fifo"),
        "device": lambda: os.mknod(f"{made}-device", stat.S_IFCHR | 0o666, os.makedev(1, 3)),
        "hardlink": lambda: os.link(file, f"{made}-hardlink"),
        "symlink": lambda: os.symlink("file", f"{made}-symlink"),
        "chmod": lambda: os.chmod(file, 0o777),
        "setuid": lambda: os.chmod(f"{top}/program", 0o4755),
        "chown": lambda: os.chown(file, 12, 34),
        "utime": lambda: os.utime(file, (1, 1)),
        "setxattr": lambda: os.setxattr(file, "user.test", b"x"),
        "rename": lambda: os.rename(f"{top}/second", f"{made}-name"),
        "unlink": lambda: os.unlink(f"{top}/third"),
        "rmdir": lambda: os.rmdir(f"{top}/empty"),
    }


for name, attempt in attempts(sys.argv[1]).items():
    try:
        attempt()
        print("done", name)
    except OSError as error:
        print("refused", name, errno.errorcode.get(error.errno or 0, error.errno))

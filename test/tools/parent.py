#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""parent.py HOW PROG ARG...: a parent of PROG, so that a test can watch a process that is not its own.

HOW is "reap" (at once, when PROG ends) or "keep" (never: PROG stays a zombie). Prints PROG's process id, and
ends when stdin does. PROG's stdin is the fifo or file "go".
"""
from __future__ import annotations

import signal
import subprocess
import sys


def main(how: str, *command: str) -> None:
    if how == "reap":
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    with open("go", "rb") as stdin:
        child = subprocess.Popen(command, stdin=stdin)
    print(child.pid, flush=True)
    sys.stdin.read()
    child.returncode = 0  # nothing to wait for


if __name__ == "__main__":
    main(*sys.argv[1:])

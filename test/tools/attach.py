#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""attach.py BUSYBOX FILE COPIES TAKES: kttty on a terminal of its own, to which a guest sends FILE so often.

TAKES: 1, the guest takes what it gets; 0, it takes nothing. In the end the user presses Ctrl-]. Prints the status of
kttty, and whether the terminal is as it was before. The current directory gets the FIFOs.
"""
from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
import time

CEILING = 100


def main(busybox: str, file: str, copies: str, takes: str) -> None:
    os.mkfifo("tty.in")
    os.mkfifo("tty.out")
    to_guest = os.open("tty.in", os.O_RDWR | os.O_NONBLOCK)
    to_host = os.open("tty.out", os.O_RDWR | os.O_NONBLOCK)
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    kttty = subprocess.Popen([busybox, "kttty", "-t", "-e", "]", "tty"], stdin=slave, stdout=slave)
    left = open(file, "rb").read() * int(copies)
    deadline = time.monotonic() + CEILING
    pressed = False
    while kttty.poll() is None and time.monotonic() < deadline:
        readable = [master] + ([to_guest] if takes == "1" else [])
        ready = select.select(readable, [to_host] if left else [], [], 0.05)
        for descriptor in ready[0]:
            os.read(descriptor, 65536)
        if ready[1]:
            left = left[os.write(to_host, left[:65536]):]
        if not left and not pressed and not select.select([to_host], [], [], 0)[0]:
            os.write(master, b"\x1d")
            pressed = True
    print(kttty.poll(), "restored" if termios.tcgetattr(slave) == before else "raw")
    kttty.kill()


if __name__ == "__main__":
    main(*sys.argv[1:])

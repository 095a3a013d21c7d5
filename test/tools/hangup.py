#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""hangup.py FIFO COMMAND...: runs the command on a terminal of its own, which goes away when FIFO gets a writer.

What the command prints on stderr is not the terminal's. Exit: the command's; 99 when it does not end.
"""
import fcntl
import os
import pty
import subprocess
import sys
import termios

END_SECS = 60


def take_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def main(fifo: str, *command: str) -> int:
    os.mkfifo(fifo)
    master, slave = pty.openpty()
    process = subprocess.Popen(command, stdin=slave, stdout=slave, preexec_fn=take_terminal)
    os.close(slave)
    with open(fifo, "rb") as began:
        began.read()
    os.close(master)
    try:
        return process.wait(END_SECS)
    except subprocess.TimeoutExpired:
        process.kill()
        return 99


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

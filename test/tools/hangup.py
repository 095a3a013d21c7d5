#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""hangup.py FILE COMMAND...: runs it on a terminal of its own, which goes away as soon as FILE is there.

What the command prints on stderr is not the terminal's. Exit: that of the command; 99 when it does not end.
"""
import fcntl
import os
import pty
import subprocess
import sys
import termios
import time


def take_terminal():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


master, slave = pty.openpty()
process = subprocess.Popen(sys.argv[2:], stdin=slave, stdout=slave, preexec_fn=take_terminal)
os.close(slave)
end = time.monotonic() + 60
while not os.path.exists(sys.argv[1]) and time.monotonic() < end:
    time.sleep(0.05)
os.close(master)
try:
    sys.exit(process.wait(60))
except subprocess.TimeoutExpired:
    process.kill()
    sys.exit(99)

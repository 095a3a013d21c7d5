#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""on_terminal.py COMMAND...: runs it with stdout and stderr on a terminal of its own, and prints what that got.
Exit: that of the command."""
import os
import pty
import subprocess
import sys

master, slave = pty.openpty()
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave)
os.close(slave)
while True:
    try:
        data = os.read(master, 65536)
    except OSError:  # how Linux tells that all ends of the other side are closed
        break
    sys.stdout.buffer.write(data)
sys.exit(process.wait())

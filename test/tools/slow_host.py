#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A host that reads the bulk port slowly, through a socket: it stands for QEMU in front of the real one.

In:   ktrun's arguments for QEMU. KT_RATE: bytes a second; KT_STALL_AT: after so many bytes it reads nothing
      at all, for KT_STALL seconds, or until QEMU has gone where that is "gone".
Out:  bulk.bin, where ktrun wanted it, written as slowly as the socket is read.
Ends: when QEMU has gone and the socket is empty. Exit: QEMU's status.
"""
from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from typing import BinaryIO

PIECE = 4096


def through_socket(arguments: list[str], path: str) -> tuple[list[str], str]:
    """The arguments with the socket in place of the file, and the file."""
    bulk = next(word for word in arguments if word.startswith("file,id=bulk,path="))
    file = bulk.split("path=", 1)[1].replace(",,", ",")
    return [f"socket,id=bulk,path={path}" if word == bulk else word for word in arguments], file


def stall(qemu: subprocess.Popen[bytes]) -> None:
    if os.environ["KT_STALL"] == "gone":
        qemu.wait()
    else:
        time.sleep(float(os.environ["KT_STALL"]))


def read_slowly(connection: socket.socket, file: BinaryIO, qemu: subprocess.Popen[bytes]) -> None:
    """Paced by deadlines, so that the rate holds whatever a single wait takes."""
    rate, stall_at = int(os.environ["KT_RATE"]), int(os.environ["KT_STALL_AT"])
    received, due = 0, time.monotonic()
    while piece := connection.recv(PIECE):
        file.write(piece)
        file.flush()
        received += len(piece)
        due += len(piece) / rate
        if received - len(piece) < stall_at <= received:
            stall(qemu)
            due = time.monotonic()
        time.sleep(max(0, due - time.monotonic()))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(folder + "/bulk")
        listener.listen()
        arguments, path = through_socket(sys.argv[1:], folder + "/bulk")
        qemu = subprocess.Popen(["qemu-system-x86_64", *arguments])
        connection, _ = listener.accept()
        with open(path, "ab") as file:
            read_slowly(connection, file, qemu)
    return qemu.wait()


sys.exit(main())

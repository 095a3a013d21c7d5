#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""split_dump.py BUSYBOX TRACE: a dump for ktpipe in two pieces, cut at every byte.

In:   TRACE, a real dump. The pieces are separate reads: the second is written when the first has come out.
Out:  one line a violation; "N cuts" at the end.
Claims: after the first piece, dump_started is set exactly when the start marker is whole, and dump_complete
is not set; after the second both are; what comes out is what went in.
"""
from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import Iterator

START = b"sched_ext_dump:"


def read_exactly(fd: int, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = os.read(fd, count - len(data))
        if not piece:
            break
        data += piece
    return data


class Pipe:
    """A ktpipe of its own, between two fifos."""

    def __init__(self, busybox: str, folder: str) -> None:
        self.busybox, self.env = busybox, dict(os.environ, KT_RUN_DIR=folder + "/run")
        names = [folder + "/" + name for name in ("in", "console")]
        for name in names:
            os.mkfifo(name)
        self.console = os.open(names[1], os.O_RDWR)
        command = [busybox, "ktpipe", "-i", names[0], "-e", folder + "/enable", "-o", names[1]]
        self.process = subprocess.Popen(command, env=self.env, stderr=subprocess.DEVNULL)
        self.trace = os.open(names[0], os.O_WRONLY)

    def feed(self, data: bytes) -> bytes:
        os.write(self.trace, data)
        return read_exactly(self.console, len(data))

    def latch(self, *words: str) -> bool:
        return subprocess.run([self.busybox, "ktlatch", *words], env=self.env, check=False).returncode == 0

    def end(self) -> None:
        os.close(self.trace)
        self.process.wait(20)
        os.close(self.console)


def cut_at(busybox: str, data: bytes, at: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/enable", "wb"):
            pass
        pipe = Pipe(busybox, folder)
        try:
            started = START in data[:at]
            if pipe.feed(data[:at]) != data[:at]:
                yield "first piece changed"
            if started and not pipe.latch("wait", "-t", "20", "dump_started"):
                yield "not started"
            if not started and pipe.latch("test", "dump_started"):
                yield "started too early"
            if pipe.latch("test", "dump_complete"):
                yield "complete too early"
            if pipe.feed(data[at:]) != data[at:]:
                yield "second piece changed"
            if not pipe.latch("wait", "-t", "20", "dump_started", "dump_complete"):
                yield "not complete"
        finally:
            pipe.end()


def main(busybox: str, trace: str) -> None:
    with open(trace, "rb") as file:
        lines = file.read().splitlines(keepends=True)
    heading = next(line for line in lines if line.endswith(b": Event counters\n"))
    data = lines[0] + heading + lines[-1]  # short enough for one read
    cuts = range(1, len(data))
    for at in cuts:
        for wrong in cut_at(busybox, data, at):
            print("cut at %d: %s" % (at, wrong))
    print("%d cuts" % len(cuts))


if __name__ == "__main__":
    main(*sys.argv[1:])

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""arrivals.py FILE: when the dumps of a run arrive on the host.

In: bulk.bin, while it grows (looked at every millisecond). Out: a line a dump: milliseconds from its first
frame to its end frame. Ends: at the exit frame. Exit: 0.
"""
import os
import struct
import sys
import time

DUMP, END, EXIT = b"DXCS", b"EXCS", b"TIXE"


def frames(path):
    with open(path, "rb", buffering=0) as file:
        buffer, at = b"", 0
        while True:
            more = file.read(1 << 20)
            now = time.monotonic()
            if not more:
                time.sleep(0.001)
                continue
            buffer = buffer[at:] + more
            at = 0
            while len(buffer) - at >= 16:
                length = struct.unpack_from("<I", buffer, at + 4)[0]
                tag = buffer[at:at + 4]
                if len(buffer) - at < 16 + length:
                    break
                at += 16 + length
                yield tag, now


def main():
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
    first = None
    for tag, now in frames(sys.argv[1]):
        if tag == DUMP and first is None:
            first = now
        if tag == END and first is not None:
            print("%.0f" % ((now - first) * 1000))
            first = None
        if tag == EXIT:
            return


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""expect.py SECS TEXT TRANSCRIPT: read stdin up to TEXT; what is read is added to TRANSCRIPT.

It waits in select(2), reads nothing beyond TEXT, and ends with 1 when SECS are over or the input has ended.
"""
from __future__ import annotations

import os
import select
import sys
import time


def main(secs: str, text: str, transcript: str) -> int:
    want = text.encode()
    seen = b""
    deadline = time.monotonic() + float(secs)
    with open(transcript, "ab", buffering=0) as log:
        while not seen.endswith(want):
            ready = select.select([0], [], [], max(0, deadline - time.monotonic()))[0]
            byte = os.read(0, 1) if ready else b""
            if not byte:
                return 1
            seen += byte
            log.write(byte)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""forged_figures.py DIRECTORY: files of stats frames as a program of the guest may write them to the port: of a run
with 7654321 context switches, with a token that is not ktwatch's.

Out: DIRECTORY/forged-begin and DIRECTORY/forged-end, each less than the 32768 bytes of one write(2).
"""
import struct
import sys

from frames import frame, tag_of


def stats_frame(kind: str, number: int, ms: int, switches: int) -> bytes:
    sections = {"stat": f"cpu0 1 0 0 1 0 0 0 0 0 0\nctxt {switches}\nprocs_running 1\n",
                "scx_ops": "forged\n", "scx_events": f"SCX_EV_FORGED {switches}\n"}
    text = f"{kind} {number} 00112233445566aa\n" + "".join(f"@{name} {len(text)}\n{text}\n"
                                                         for name, text in sections.items())
    return frame(tag_of("stats"), struct.pack("<Q", ms) + text.encode())


def main(directory: str) -> None:
    for name, frames in {"begin": [stats_frame("ready", 1, 1, 0), stats_frame("begin", 2, 2, 0)],
                         "end": [stats_frame("sample", 3, 60001, 7654321),
                                 stats_frame("end", 4, 60002, 7654321)]}.items():
        with open(f"{directory}/forged-{name}", "wb") as file:
            file.write(b"".join(frames))


main(sys.argv[1])

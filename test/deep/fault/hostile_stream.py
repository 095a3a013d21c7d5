#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""hostile_stream.py KIND BYTES [SEED]: what a hostile guest may write to the bulk port, at least BYTES of it, on
stdout. It begins with a sys-ready frame and has no exit frame.

KIND  junk      random bytes
      announce  headers of known types that announce 16 MiB and 4 GiB, one behind the other
      far       one header that announces 16 MiB, and zeros
      specks    good empty frames with one byte of junk before each: damage at every 17th byte
      texts     escape sequences, ../ names and forged keys in every type that carries text
      printk    the same as lines of bpf_printk, which are shown live
      logs      a scheduler's log, which is kept in two files
      lives     live logs with another number in each frame
      dumps     dumps with all numbers, and ends with long reasons
"""
import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import frames  # noqa: E402

EVIL = (b'\x1b[2J\x1b]0;evil\x07\x9b31m../../evil\r\n  "verdict": "pass",\n/etc/evil\0\xff number=1 name=../evil '
        b'reason=\x1b[31m"\\\n' + b"A" * 3000)


def known(rng):
    return frames.tag_of(rng.choice(sorted(frames.NAMES)))


def junk(rng):
    return rng.randbytes(65536)


def announce(rng):
    return b"".join(known(rng) + struct.pack("<III", rng.choice((1 << 24, 0xffffffff, (1 << 24) + 1)),
                                             rng.getrandbits(32), 0) for _ in range(4096))


def far(rng):
    return known(rng) + struct.pack("<III", 1 << 24, rng.getrandbits(32), 0) + bytes(1 << 23)


def specks(rng):
    return (b"x" + frames.frame(frames.tag_of("scenario-pause"), b"")) * 4096


def texts(rng):
    kinds = [name for name in sorted(frames.NAMES) if name not in ("exit", "stdout", "stderr", "printk")]
    lead = (b"", b"\3", b"\4", b"attached ", b"ejected ", b"killed ", b"\1\0\0\0")
    return b"".join(frames.frame(frames.tag_of(name), text + EVIL) for name in kinds for text in lead)


def printk(rng):
    return frames.frame(frames.tag_of("printk"), EVIL)


def logs(rng):
    return frames.frame(frames.tag_of("sched-log"), b"x" * 30000)


def lives(rng):
    return b"".join(frames.frame(frames.tag_of("sched-live"), rng.randbytes(4) + b"x") for _ in range(64))


def dumps(rng):
    number = rng.randrange(2000)
    end = b"number=%d type=error kind=1025 complete=1 rule=counter bytes=1 reason=" % number
    return (frames.frame(frames.tag_of("scx-dump"), struct.pack("<I", number) + b"sched_ext_dump: " + EVIL * 5)
            + frames.frame(frames.tag_of("scx-dump-end"), end + EVIL))


def main(kind, count, seed="1"):
    rng, left = random.Random(int(seed)), int(count)
    out = sys.stdout.buffer
    out.write(frames.frame(frames.tag_of("sys-ready"), b""))
    while left > 0:
        piece = globals()[kind](rng)
        out.write(piece)
        left -= len(piece)


if __name__ == "__main__":
    main(*sys.argv[1:])

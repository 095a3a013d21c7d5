#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The tests' own encoder and decoder of frame streams, written from the wire facts, not from the applets.

encode ITEM...    write a stream to stdout. ITEM is one of
                  TYPE  TYPE=TEXT (python escapes)  TYPE@FILE  TYPE*COUNT (of the byte x)
                  TYPE#i32:N  TYPE#u64:N  TYPE#phase:N:REASON  TYPE#stamp:MS:TEXT      TYPE is a name or 0xTAG
                  raw:HEX  raw@FILE  zero:COUNT
                  badcrc:ITEM  badbyte:ITEM (the last one)
                  length:N:ITEM  pad:N:ITEM (in the header)  cut:COUNT:ITEM
decode FILE       a line a frame: its name, length and what it says; exit 1 with a message at the first damage
payload TYPE FILE the payloads of this type, one behind the other
oracle FILE       what a reader must make of a stream that may be damaged: a JSON object a line
compare FILE JSON ktrecv -j's lines against the oracle; prints and exits 1 at a difference
fuzz BUSYBOX SEED COUNT  random streams with random damage, ktrecv -j against the oracle
"""
from __future__ import annotations

import json
import random
import struct
import subprocess
import sys
import zlib
from typing import Any, Iterable, Iterator

NAMES = {
    "stimulus": "STIM", "scenario-start": "SCST", "scenario-end": "SCEN", "scenario-pause": "SCPP",
    "scenario-resume": "SCRR", "exit": "EXIT", "test-result": "TEST", "sched-exit": "SCDX", "crash": "CRSH",
    "payload-metrics": "PMET", "raw-payload-output": "RAWO", "profraw": "PRAW",
    "stdout": "SOUT", "stderr": "SERR",
    "sched-log": "SCLG", "lifecycle": "LIFE", "exec-exit": "EXCX", "dmesg": "DMSG", "probe-output": "PROB",
    "snapshot-request": "SNRQ", "snapshot-reply": "SNRP", "kernel-op-request": "KORQ",
    "kernel-op-reply": "KORP",
    "sys-ready": "SRDY", "kern-addrs": "KADR",
    "sched-state": "SSTA", "init-error": "IERR",  # ktbox's own
    "scx-dump": "SCXD", "scx-dump-end": "SCXE", "sched-live": "SLIV", "printk": "PRTK", "kmsg": "KMSG", "fin": "FINI",
    "history": "HIST", "barrier": "BARR", "mark": "MARK", "test-case": "TCAS", "stats": "STAT", "metric": "METR",
    "file": "FILE", "file-data": "FDAT", "file-end": "FEND",
    "stdin": "STDI", "window-size": "WINS",  # on the port ktbox-ctl
    "tty-begin": "TBEG", "tty-output": "TOUT", "tty-end": "TEND", "tty-ack": "TACK",
}
TAGS = {tag: name for name, tag in NAMES.items()}
LENGTH_MAX = 16 * 1024 * 1024


def tag_of(name: str) -> bytes:
    if name.startswith("0x"):
        return struct.pack("<I", int(name, 16))
    return NAMES[name].encode()[::-1]


def name_of(tag: bytes) -> str:
    letters = tag[::-1].decode("latin1")
    return TAGS.get(letters) or "0x%08x" % struct.unpack("<I", tag)[0]


def frame(tag: bytes, payload: bytes, length: int | None = None, crc: int | None = None, pad: int = 0) -> bytes:
    length = len(payload) if length is None else length
    crc = zlib.crc32(payload) if crc is None else crc
    return tag + struct.pack("<III", length, crc, pad) + payload


def parse_plain(item: str) -> tuple[bytes, bytes]:
    """(tag, payload) of an ITEM that is a whole frame."""
    for mark in "=@#*":
        name, found, rest = item.partition(mark)
        if found and not set(name) & set("=@#*"):
            break
    else:
        return tag_of(item), b""
    if mark == "=":
        return tag_of(name), rest.encode().decode("unicode_escape").encode("latin1")
    if mark == "@":
        with open(rest, "rb") as file:
            return tag_of(name), file.read()
    if mark == "*":
        return tag_of(name), b"x" * int(rest)
    kind, value = rest.split(":", 1)
    if kind == "i32":
        return tag_of(name), struct.pack("<i", int(value))
    if kind == "u64":
        return tag_of(name), struct.pack("<Q", int(value))
    if kind == "stamp":
        ms, _, text = value.partition(":")
        return tag_of(name), struct.pack("<Q", int(ms)) + text.encode()
    phase, _, reason = value.partition(":")
    return tag_of(name), bytes([int(phase)]) + reason.encode()


def encode_item(item: str) -> bytes:
    word, _, rest = item.partition(":")
    if word == "raw":
        return bytes.fromhex(rest)
    if item.startswith("raw@"):
        with open(item[4:], "rb") as file:
            return file.read()
    if word == "zero":
        return bytes(int(rest))
    if word == "badcrc":
        tag, payload = parse_plain(rest)
        return frame(tag, payload, crc=zlib.crc32(payload) ^ 1)
    if word == "badbyte":
        whole = encode_item(rest)
        return whole[:-1] + bytes([whole[-1] ^ 0x80])
    if word in ("length", "pad", "cut"):
        number, inner = rest.split(":", 1)
        if word == "cut":
            return encode_item(inner)[:int(number)]
        tag, payload = parse_plain(inner)
        return frame(tag, payload, **{word: int(number)})
    tag, payload = parse_plain(item)
    return frame(tag, payload)


def header_at(data: bytes, at: int) -> tuple[bytes, int, int] | None:
    """(tag, length, crc) of a plausible header, or None."""
    if at + 16 > len(data):
        return None
    tag = data[at:at + 4]
    if not all(0x21 <= byte <= 0x7e for byte in tag):
        return None
    length, crc, pad = struct.unpack_from("<III", data, at + 4)
    if pad or length > LENGTH_MAX:
        return None
    return tag, length, crc


def frame_at(data: bytes, at: int) -> tuple[bytes, bytes] | None:
    """(tag, payload) of a whole frame with a right checksum, or None."""
    header = header_at(data, at)
    if not header or at + 16 + header[1] > len(data):
        return None
    payload = data[at + 16:at + 16 + header[1]]
    return (header[0], payload) if zlib.crc32(payload) == header[2] else None


def report(at: int, header: tuple[bytes, int, int] | None, crc: str, **more: int) -> dict[str, Any]:
    tag, length = (name_of(header[0]), header[1]) if header else (None, None)
    return {"offset": at, "type": tag, "length": length, "crc": crc, **more}


def oracle(data: bytes) -> Iterator[dict[str, Any]]:
    at = 0
    while at < len(data):
        found = frame_at(data, at)
        header = header_at(data, at)
        if found:
            yield report(at, header, "ok")
            if found[0] == tag_of("exit") and len(found[1]) == 4:
                return
            at += 16 + len(found[1])
            continue
        behind = next((to for to in range(at + 1, len(data)) if frame_at(data, to)), None)
        left = len(data) - at
        if behind is None and (left < 16 or header and 16 + header[1] > left):
            yield report(at, header, "truncated", skipped=left)
            return
        behind = len(data) if behind is None else behind
        yield report(at, header, "bad", skipped=behind - at)
        at = behind


def says(name: str, payload: bytes) -> str:
    if name in ("exit", "sched-exit", "exec-exit") and len(payload) == 4:
        return str(struct.unpack("<i", payload)[0])
    if name == "scenario-end" and len(payload) == 8:
        return str(struct.unpack("<Q", payload)[0])
    if name == "lifecycle" and payload:
        return "%d %s" % (payload[0], payload[1:].decode("latin1"))
    if name == "mark" and len(payload) >= 8:
        return "%d %s" % (struct.unpack_from("<Q", payload)[0], payload[8:].decode("latin1"))
    if len(payload) > 200:
        return "crc32:%08x" % zlib.crc32(payload)
    return payload.decode("latin1").encode("unicode_escape").decode()


def frames_of(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        found = frame_at(data, at)
        if not found:
            sys.exit("damage at %d of %d: %r" % (at, len(data), data[at:at + 40]))
        yield found
        at += 16 + len(found[1])


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def differences(data: bytes, lines: Iterable[str | bytes]) -> list[tuple[Any, Any]]:
    keys = ("offset", "type", "length", "crc", "skipped")
    got = [{key: got[key] for key in keys if key in got} for got in map(json.loads, lines)]
    want = list(oracle(data))
    return [pair for pair in zip(want + [None] * len(got), got + [None] * len(want)) if pair[0] != pair[1]]


def random_frame(rng: random.Random) -> bytes:
    name = rng.choice(["stdout", "stderr", "sched-log", "dmesg", "sys-ready", "stimulus", "0x5a5a5a5a"])
    size = rng.choice([0, 1, 15, 16, 17, rng.randrange(300), rng.randrange(5000)])
    return frame(tag_of(name), rng.randbytes(size))


def random_stream(rng: random.Random) -> bytes:
    parts = [random_frame(rng) for _ in range(rng.randrange(1, 9))]
    if rng.random() < 0.3:  # frames inside a frame's payload: they count only when it is damaged
        parts.insert(rng.randrange(len(parts)), frame(tag_of("stdout"), b"".join(parts[:3])))
    if rng.random() < 0.5:
        parts.append(frame(tag_of("exit"), struct.pack("<i", rng.randrange(-5, 300))))
    data = bytearray(b"".join(parts))
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(5)
        if kind == 0 and at < len(data):  # a byte, anywhere
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:  # bytes lost
            del data[at:at + rng.randrange(1, 40)]
        elif kind == 2:  # bytes between
            data[at:at] = rng.randbytes(rng.randrange(1, 40))
        elif kind == 3:  # the end lost
            del data[at:]
        else:  # a length, damaged
            start = sum(len(part) for part in parts[:rng.randrange(len(parts))])
            length = rng.choice([0, 3, 4000, 70000, 2**24, 2**24 + 1, 2**32 - 1])
            data[start + 4:start + 8] = struct.pack("<I", length)
    return bytes(data)


def fuzz(busybox: str, seed: int, count: int) -> None:
    for case in range(count):
        rng = random.Random(seed * 1000003 + case)
        data = random_stream(rng)
        run = subprocess.run([busybox, "ktrecv", "-j"], input=data, capture_output=True, timeout=30,
                             check=False)
        wrong = differences(data, run.stdout.splitlines())
        want = [line["crc"] for line in oracle(data)]
        has_exit = any(line["type"] == "exit" and line["crc"] == "ok" for line in oracle(data))
        status = 2 if "bad" in want else 0 if has_exit else 1
        if wrong or run.returncode != status:
            with open("case.bin", "wb") as file:
                file.write(data)
            sys.exit("seed %d case %d (case.bin): status %d, not %d; first difference, wanted and got: %s"
                     % (seed, case, run.returncode, status, wrong[:1]))
    print("%d cases" % count)


def main(verb: str, *args: str) -> None:
    if verb == "encode":
        for item in args:
            sys.stdout.buffer.write(encode_item(item))
    elif verb == "decode":
        for tag, payload in frames_of(read(args[0])):
            print(("%s %d %s" % (name_of(tag), len(payload), says(name_of(tag), payload))).rstrip())
    elif verb == "payload":
        for tag, payload in frames_of(read(args[1])):
            if name_of(tag) == args[0]:
                sys.stdout.buffer.write(payload)
    elif verb == "oracle":
        for line in oracle(read(args[0])):
            print(json.dumps(line))
    elif verb == "compare":
        with open(args[1], encoding="utf-8") as lines:
            wrong = differences(read(args[0]), lines)
        if wrong:
            sys.exit("wanted and got: %s" % wrong[:3])
    elif verb == "fuzz":
        fuzz(args[0], int(args[1]), int(args[2]))


if __name__ == "__main__":
    main(*sys.argv[1:])

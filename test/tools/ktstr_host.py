#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A host as the reference's is, for tests: it knows the wire facts only, none of ktbox's own words or frames,
and shares no code with the applets.

usage: ktstr_host.py FOLDER KERNEL INITRAMFS [scheduler=FILE] [sched_args=TEXT] [exec_cmd=TEXT]
                     [wake=HEX[,HEX]...] [word=KERNEL-WORD] [stats] [accessor]
In:   guest files are put at the root of a second cpio archive, as the reference does; `wake` bytes are sent one
      by one, each after a line "ready" of the payload's output; `stats` asks the relay once it is sys-ready,
      `accessor` answers kern-addrs with wake byte 0xAC.
Out:  FOLDER: serial.log, and stdout: a line a frame, "NAME TEXT"; frames of other tags are left out and counted.
Ends: with the exit frame; with a sched-exit frame too, as the reference's host does; or after LIMIT seconds.
Exit: 0 exit or sched-exit came; 1 neither; 2 the stream is damaged.
"""
from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from typing import Iterator

LIMIT = 90
MAX_LENGTH = 16 * 1024 * 1024
KNOWN = {"STIM", "SCST", "SCEN", "SCPP", "SCRR", "EXIT", "TEST", "SCDX", "PMET", "RAWO", "PRAW", "SOUT", "SERR",
         "SCLG", "LIFE", "EXCX", "DMSG", "PROB", "SNRQ", "SNRP", "KORQ", "KORP", "SRDY", "KADR"}


def cpio_entry(name: str, data: bytes, mode: int) -> bytes:
    head = "070701" + "".join("%08X" % n for n in (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0))
    entry = head.encode() + name.encode() + b"\0"
    entry += b"\0" * (-len(entry) % 4) + data
    return entry + b"\0" * (-len(entry) % 4)


def archive(options: dict[str, str]) -> bytes:
    out = b""
    if "scheduler" in options:
        with open(options["scheduler"], "rb") as file:
            out += cpio_entry("scheduler", file.read(), 0o100755)
    for name in ("sched_args", "exec_cmd"):
        if name in options:
            out += cpio_entry(name, options[name].encode(), 0o100644)
    return out + cpio_entry("TRAILER!!!", b"", 0)


def start_qemu(folder: str, kernel: str, initramfs: str, options: dict[str, str]) -> subprocess.Popen[bytes]:
    with open(initramfs, "rb") as base, open(folder + "/initramfs", "wb") as both:
        both.write(base.read() + archive(options))
    command = ["qemu-system-x86_64", "-accel", "tcg,thread=single", "-machine", "q35", "-cpu", "max", "-smp", "2",
               "-m", "512", "-nodefaults", "-display", "none", "-no-reboot", "-kernel", kernel,
               "-initrd", folder + "/initramfs", "-serial", "file:" + folder + "/serial.log", "-serial", "null",
               "-append", " ".join(["console=ttyS0 panic=-1 cryptomgr.notests KTSTR_GUEST=1", options.get("word", "")]),
               "-device", "virtio-serial-pci"]
    if open(kernel, "rb").read(4) == b"\x7fELF":
        command += ["-bios", "qboot.rom"]
    for number, name in enumerate(("console", "bulk", "stats")):
        kind = "virtconsole" if name == "console" else "virtserialport"
        command += ["-chardev", "socket,id=%s,path=%s/%s.sock,server=on,wait=off" % (name, folder, name),
                    "-device", "%s,chardev=%s,name=ktstr-%s,nr=%d" % (kind, name, name, number)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL)


def connect(path: str, qemu: subprocess.Popen[bytes]) -> socket.socket:
    while qemu.poll() is None:
        link = socket.socket(socket.AF_UNIX)
        try:
            link.connect(path)
            return link
        except OSError:
            link.close()
            time.sleep(0.02)
    sys.exit("ktstr_host: QEMU has ended")


def frames(link: socket.socket) -> Iterator[tuple[str, bytes]]:
    """(tag, payload) of each frame; ValueError at damage."""
    data = b""
    while True:
        while len(data) >= 16:
            number, length, crc, pad = struct.unpack_from("<IIII", data)
            if length > MAX_LENGTH or pad:
                raise ValueError("a header that is none")
            if len(data) < 16 + length:
                break
            payload, data = data[16:16 + length], data[16 + length:]
            if zlib.crc32(payload) != crc:
                raise ValueError("a wrong checksum")
            yield struct.pack(">I", number).decode("latin1"), payload
        more = link.recv(65536)
        if not more:
            return
        data += more


def text_of(tag: str, payload: bytes) -> str:
    if tag in ("EXIT", "SCDX", "EXCX"):
        return str(struct.unpack("<i", payload)[0])
    if tag == "SCEN":
        return str(struct.unpack("<Q", payload)[0])
    if tag == "KADR":
        return "%x %x %x" % struct.unpack("<QQQ", payload)
    if tag == "LIFE":
        return "%d %s" % (payload[0], payload[1:].decode())
    return payload.decode("latin1").replace("\n", "\\n")


def ask_stats(link: socket.socket) -> None:
    link.sendall(b"{}\n")
    answer = b""
    while not answer.endswith(b"\n"):
        piece = link.recv(4096)
        if not piece:
            break
        answer += piece
    print("stats", answer.decode("latin1").rstrip("\n"), flush=True)


def main() -> int:
    folder, kernel, initramfs = sys.argv[1:4]
    options = dict(word.partition("=")[::2] for word in sys.argv[4:])
    wakes = [bytes([int(byte, 16)]) for byte in options.get("wake", "").split(",") if byte]
    qemu = start_qemu(folder, kernel, initramfs, options)
    links = [connect("%s/%s.sock" % (folder, name), qemu) for name in ("console", "bulk", "stats")]
    timer = threading.Timer(LIMIT, qemu.kill)
    timer.start()
    unknown, status = 0, 1
    try:
        for tag, payload in frames(links[1]):
            if tag not in KNOWN:
                unknown += 1
                continue
            print(tag, text_of(tag, payload), flush=True)
            if tag == "SRDY" and "stats" in options:
                threading.Thread(target=ask_stats, args=(links[2],), daemon=True).start()
            if tag == "KADR" and "accessor" in options:
                links[0].sendall(b"\xac")
            if tag == "SOUT" and b"ready" in payload and wakes:
                links[0].sendall(wakes.pop(0))
            if tag in ("EXIT", "SCDX"):
                status = 0
                break
    except ValueError as damage:
        print("damage", damage)
        status = 2
    timer.cancel()
    qemu.kill()
    qemu.wait()
    print("unknown", unknown)
    return status


sys.exit(main())

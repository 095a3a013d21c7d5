#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""command_line.py BUSYBOX LIB BOUND SEED: random kernel command lines for /init's reader in LIB.

In:   BUSYBOX, whose ash reads them, by hundreds in a shell (command_lines.sh); BOUND: seconds, or -LINES.
      The same SEED gives the same lines.
Out:  the count of lines. A line for which variables and messages are not those of the model below, which is
      written from docs/internals/boot.md, is shown with the first difference. The folder that the shell stands in has
      files for a * to find, and must not get others.
Exit: 0 nothing found; 1 something was.
"""
import itertools
import os
import random
import re
import subprocess
import sys
import tempfile
import time

BATCH = 200
LINE_MAX = 4096  # of any architecture's COMMAND_LINE_SIZE
PHASES = ("realtime_priority modules bulk_port wake_bytes announce kernel_log ktstr_host trace run_files printk"
          " shell_history host_root shares flight_recorder stats bpf scheduler payload teardown").split()
FLAGS = {
    b"KTSTR_MODE=shell": ("MODE", b"shell"), b"ktbox.expect_death=1": ("EXPECT_DEATH", b"1"),
    b"ktbox.dmesg=1": ("SEND_DMESG", b"1"), b"ktbox.printk=1": ("SEND_PRINTK", b"1"),
    b"ktbox.live_log=1": ("LIVE_LOG", b"1"), b"ktbox.ack=1": ("ACK", b"1"),
    b"ktbox.host=ktrun": ("HOST_IS_KTRUN", b"1"), b"ktbox.rescue=1": ("RESCUE", b"1"),
    b"ktbox.ctl=1": ("CTL_PORT", b"1"), b"ktbox.files=port": ("FILES_PORT", b"1"), b"ktbox.log_tty=0": ("LOG_TTY", b""),
    b"ktbox.record_pass=1": ("RECORD_PASS", b"1"),
    b"ktbox.stats=windows": ("STATS", b"windows"), b"ktbox.stats=all": ("STATS", b"all"),
}
NUMBERS = {b"ktbox.attach_timeout": "ATTACH_TIMEOUT", b"ktbox.trace_kb": "KT_TRACE_KB", b"ktbox.hold": "HOLD_SECONDS",
           b"ktbox.record_kb": "RECORD_KB"}
NAMES = ("MODE ATTACH_TIMEOUT KT_TRACE_KB EXPECT_DEATH SEND_DMESG SEND_PRINTK LIVE_LOG ACK HOST_IS_KTRUN"
         " CTL_PORT FILES_PORT LOG_TTY HOLD_SECONDS BREAK_AT RESCUE TERM RECORD_EVENTS RECORD_KB RECORD_PASS STATS").split()
DEFAULTS = {"MODE": b"test", "ATTACH_TIMEOUT": b"30", "LOG_TTY": b"1", "TERM": b"linux", "RECORD_KB": b"8192"}

WORDS = list(FLAGS) + [
    b"console=ttyS0", b"quiet", b"KTSTR_GUEST=1", b"ktbox.attach_timeout=5", b"ktbox.trace_kb=64",
    b"ktbox.hold=7", b"ktbox.hold=", b"ktbox.record=a/b,c/d", b"ktbox.record_kb=9", b"ktbox.record=", b"ktbox.files=1",
    b"ktbox.term=vt100", b"ktbox.attach_timeout=", b"ktbox.trace_kb=1x", b"ktbox.", b"ktbox", b"break=",
    b"ktbox.dmesg=0", b"ktbox.nothing", b"xktbox.dmesg=1", b"KTSTR_MODE=test", b"break=mounts",
] + [b"break=" + phase.encode() for phase in PHASES]
PIECES = [
    b"*", b"?", b"[a-z]*", b"ktbox.*", b"{a,b}", b"~", b"~root", b"$(echo>made)", b"`echo>made`", b"$((1+1))",
    b"${HOME}", b"$TERM", b"$IFS", b">made", b"<made", b"|", b"&", b";echo>made;", b"\\", b"\\n", b"\\c",
    b"'", b'"', b"#", b"!", b"-n", b"--", b"=", b"%s", b")", b"esac", b"\r", b"\x81", b"\x88", b"\xff",
    b"x" * 300,
]
CANARIES = ["ktbox.dmesg=1", "ktbox.ack=1", "KTSTR_MODE=shell", "break=payload", "a", "b"]


def word(rng):
    """A known word, one that is nearly so, or nothing of the kind."""
    text = bytearray(rng.choice(WORDS) if rng.random() < 0.8 else b"")
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 5))):
        at = rng.randint(0, len(text))
        if rng.random() < 0.7:
            text[at:at] = rng.choice(PIECES)
        else:
            text[at:at + rng.randint(0, 1)] = bytes([rng.randint(1, 255)])
    return bytes(text)


def make_line(rng):
    count = 200 if rng.random() < 0.02 else rng.randint(0, 8)
    line = b"".join(word(rng) + rng.choice((b" ", b" ", b" ", b"  ", b"\t", b"\n")) for _ in range(count))
    return line[:LINE_MAX] + rng.choice((b"\n", b"\n", b""))


def model_word(text, values):
    """Changes the values; returns what is said of the word."""
    name, _, value = text.partition(b"=")
    if text in FLAGS:
        values[FLAGS[text][0]] = FLAGS[text][1]
    elif name in NUMBERS and b"=" in text:
        if not re.fullmatch(rb"[0-9]+", value):
            return b"not a number in '%s'" % text
        values[NUMBERS[name]] = value
    elif name == b"ktbox.term" and b"=" in text:
        values["TERM"] = value
    elif name == b"ktbox.record" and b"=" in text:
        values["RECORD_EVENTS"] = value
    elif name == b"break" and b"=" in text:
        if value.decode("latin-1") not in PHASES:
            return b"unknown phase in '%s'; the phases are: %s" % (text, " ".join(PHASES).encode())
        values["BREAK_AT"] = value
    elif text.startswith(b"ktbox."):
        return b"unknown word '%s'" % text
    return b""


def model(line):
    """All that is to come out for the line."""
    values = dict.fromkeys(NAMES, b"")
    values.update(DEFAULTS)
    said = [model_word(text, values) for text in re.split(rb"[ \t\n]+", line) if text]
    lines = [b"ktbox: command line: " + text for text in said if text]
    lines += [name.encode() + b"=" + values[name] for name in NAMES]
    return b"".join(text + b"\n" for text in lines)


class Reader:
    """/init's reader in a folder of its own, which has files for a * to find."""

    def __init__(self, busybox, lib, folder):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "command_lines.sh")
        self.command, self.folder = [busybox, "ash", script, lib], folder
        for name in CANARIES:
            with open(os.path.join(folder, name), "wb"):
                pass
        for number in range(BATCH):
            os.makedirs("%s/%d/proc" % (folder, number))
        self.there = set(os.listdir(folder))

    def answers(self, lines):
        for number, line in enumerate(lines):
            with open("%s/%d/proc/cmdline" % (self.folder, number), "wb") as file:
                file.write(line)
        env = {"PATH": "/nowhere", "LC_ALL": "C", "ASAN_OPTIONS": "detect_leaks=0"}
        result = subprocess.run(self.command + [str(len(lines))], cwd=self.folder, env=env, timeout=300,
                                check=False, stdin=subprocess.DEVNULL, capture_output=True)
        made = set(os.listdir(self.folder)) - self.there
        if result.returncode != 0 or result.stderr or made:
            sys.exit("command_line: status %d, made %s, said: %s, at the end: %s"
                     % (result.returncode, made, result.stderr[-2000:], result.stdout[-500:]))
        return re.split(rb"^== [0-9]+\n", result.stdout, flags=re.MULTILINE)[1:]


def compare(line, got, wanted):
    for this, that in itertools.zip_longest(got, wanted):
        if this != that:
            sys.exit("command_line: the reader and the model differ for %r:\ngot    %r\nwanted %r"
                     % (line, this, that))


def check(lines, answers):
    if len(answers) != len(lines):
        sys.exit("command_line: %d answers to %d lines" % (len(answers), len(lines)))
    for line, answer in zip(lines, answers):
        compare(line, answer.split(b"\n"), model(line).split(b"\n"))


def main(busybox, lib, bound, seed):
    rng = random.Random(int(seed))
    most = -int(bound) if bound.startswith("-") else sys.maxsize
    deadline = time.monotonic() + int(bound) if most == sys.maxsize else float("inf")
    done = 0
    with tempfile.TemporaryDirectory() as folder:
        reader = Reader(busybox, lib, folder)
        while done < most and time.monotonic() < deadline:
            lines = [make_line(rng) for _ in range(min(BATCH, most - done))]
            check(lines, reader.answers(lines))
            done += len(lines)
    print("%d lines without a finding" % done)


if __name__ == "__main__":
    main(*sys.argv[1:])

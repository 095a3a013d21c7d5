#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""stop_race.py BUSYBOX COUNT [SEED]: TERM to ktexitmon and the death of its scheduler at one instant.

Out:  one line a violation; then "N stopped, N sent".
Claims: it was stopped (no frame, no latch), or all was sent (latch sched_exited, one whole block, one
sched-exit frame, and a sched-state frame at the end); never both, never anything between. The status is the
scheduler's (3) or, stopped by TERM, 143.
"""
from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frames  # noqa: E402

START, END = b"===SCHED_OUTPUT_START===", b"===SCHED_OUTPUT_END==="


def spin(microseconds: float) -> None:
    until = time.perf_counter() + microseconds / 1e6
    while time.perf_counter() < until:
        pass


def verdict(stream: bytes, latch: bool) -> str:
    """"stopped", "sent", or what is wrong."""
    if not stream:
        return "latch without frames" if latch else "stopped"
    if not latch:
        return "frames without latch"
    found = list(frames.frames_of(stream))
    logs = [payload for tag, payload in found if tag == frames.tag_of("sched-log")]
    exits = [payload for tag, payload in found if tag == frames.tag_of("sched-exit")]
    if logs != [START, b"log\n", END]:
        return "log sent as %s" % logs
    last = [tag for tag, _ in found[-2:]]
    if exits != [b"\3\0\0\0"] or last != [frames.tag_of("sched-exit"), frames.tag_of("sched-state")]:
        return "exits %s" % exits
    return "sent"


def once(busybox: str, rng: random.Random) -> str:
    with tempfile.TemporaryDirectory() as folder:
        def path(name: str) -> str:
            return folder + "/" + name
        os.mkfifo(path("go"))
        os.mkfifo(path("ready"))
        script = 'echo log; echo $$ >"$0/ready"; read -r x <"$0/go"; exit 3'
        command = [busybox, "ktexitmon", "-p", path("port"), "-l", path("log"), "sh", "-c", script, folder]
        monitor = subprocess.Popen(command, env=dict(os.environ, KT_RUN_DIR=path("run")))
        with open(path("ready"), encoding="ascii") as ready:
            ready.readline()
        go = os.open(path("go"), os.O_WRONLY)
        offset = rng.uniform(-1500, 1500)
        if offset < 0:
            os.kill(monitor.pid, signal.SIGTERM)
            spin(-offset)
            os.close(go)
        else:
            os.close(go)
            spin(offset)
            os.kill(monitor.pid, signal.SIGTERM)
        status = monitor.wait(30)
        stream = frames.read(path("port")) if os.path.exists(path("port")) else b""
        found = verdict(stream, os.path.exists(path("run/sched_exited")))
        if status not in ((3,) if found == "sent" else (3, 143)):
            return "%s, but status %d" % (found, status)
        return found


def main(busybox: str, count: str, seed: str = "1") -> None:
    rng, tally = random.Random(int(seed)), {"stopped": 0, "sent": 0}
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    for _ in range(int(count)):
        found = once(busybox, rng)
        if found in tally:
            tally[found] += 1
        else:
            print(found)
    print("%d stopped, %d sent" % (tally["stopped"], tally["sent"]))


if __name__ == "__main__":
    main(*sys.argv[1:])

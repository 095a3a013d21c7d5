#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""peak.py REPORT COMMAND ARG...: runs COMMAND and tells the most memory that it and all that it started
held at one time, QEMU apart.

Out:  REPORT, one line "peak_kib=N largest_kib=N largest=NAME wall_ms=N": resident memory, that of the
      sum (sampled every 20 ms) and of the largest process ever seen (its own high-water mark).
Exit: COMMAND's status, 128+N for a signal.
"""
import os
import subprocess
import sys
import time

SAMPLE_SECS = 0.02


def field_kib(status, key):
    at = status.find(key)
    return int(status[at + len(key):].split(None, 1)[0]) if at >= 0 else 0


def children_of():
    """{parent: [pid...]} of all processes."""
    family = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % name, encoding="latin1") as stat:
                parent = int(stat.read().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        family.setdefault(parent, []).append(int(name))
    return family


def descendants(root):
    family, found, queue = children_of(), [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue.extend(family.get(pid, ()))
    return found


def sample(root, largest):
    """The sum now; keeps (high-water mark, name) of the largest."""
    total = 0
    for pid in descendants(root):
        try:
            with open("/proc/%d/status" % pid, encoding="latin1") as file:
                status = file.read()
        except OSError:
            continue
        name = status.split(None, 2)[1]
        if name.startswith("qemu"):
            continue
        total += field_kib(status, "VmRSS:")
        largest[0] = max(largest[0], (field_kib(status, "VmHWM:"), name))
    return total


def main(report, *command):
    begin, peak, largest = time.monotonic(), 0, [(0, "none")]
    child = subprocess.Popen(command)
    while child.poll() is None:
        peak = max(peak, sample(child.pid, largest))
        time.sleep(SAMPLE_SECS)
    with open(report, "w", encoding="ascii") as out:
        out.write("peak_kib=%d largest_kib=%d largest=%s wall_ms=%d\n"
                  % ((peak,) + largest[0] + (int((time.monotonic() - begin) * 1000),)))
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

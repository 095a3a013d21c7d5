# SPDX-License-Identifier: GPL-2.0-only
"""The file of --scenario: shell commands and their times, which the guest's kt-scenario runs beside the payload.

In:  lines "SECONDS STEP" (docs/use/scenario.md); ktrun reads the times only, a STEP is the guest's shell's. Out: the
     file's content, for the guest. Raises Fault with the line, before anything starts.
"""
from __future__ import annotations

import re

from ..lib.text import Fault
from ..lib.user_paths import check_file

GUEST_PLACE = "/.ktbox/scenario"
PROGRAM = "/usr/bin/kt-scenario"
STEPS_MAX = 10000
_SIZE_MAX = 1024 * 1024
_LINE = re.compile(rb"([0-9]{1,6}(?:\.[0-9]{1,6})?)[ \t]+[^ \t].*", re.DOTALL)


def read_scenario(path: str) -> bytes:
    check_file("--scenario", path)
    with open(path, "rb") as file:
        content = file.read(_SIZE_MAX + 1)
    if len(content) > _SIZE_MAX:
        raise Fault(f"--scenario: more than {_SIZE_MAX >> 20} MiB: {path}")
    steps = list(_steps(path, content))
    if not steps:
        raise Fault(f"--scenario: no step in it: {path}")
    return b"".join(step + b"\n" for step in steps)


def _steps(path: str, content: bytes) -> list[bytes]:
    steps: list[bytes] = []
    last = 0.0
    for number, line in enumerate(content.split(b"\n"), 1):
        line = line.strip(b" \t\r")
        if not line or line.startswith(b"#"):
            continue
        found = _LINE.fullmatch(line)
        if not found or b"\0" in line:
            raise Fault(f"--scenario: {path}, line {number}: not a time in seconds and a command")
        if float(found.group(1)) < last:
            raise Fault(f"--scenario: {path}, line {number}: its time is before that of the line above")
        last = float(found.group(1))
        steps.append(line)
    if len(steps) > STEPS_MAX:
        raise Fault(f"--scenario: more than {STEPS_MAX} steps: {path}")
    return steps

# SPDX-License-Identifier: GPL-2.0-only
"""The file of --hosts: the machines on which the cells of a matrix run.

In:  lines as GNU parallel's --sshloginfile has them: [N/][USER@]HOST, [N/]SSH OPTION... [USER@]HOST, or [N/]: for this
     machine. N: cells at once; without it as many as fit there. Out: Hosts. Raises Fault, which names the line.
"""
from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass
from typing import Optional, Sequence

from ..lib.text import Fault
from ..lib.user_paths import check_file

_SLOTS_MAX = 1000
_LOGIN = re.compile(r"([A-Za-z0-9._+-]+@)?[A-Za-z0-9._-]+", re.ASCII)
# A host that has gone away is noticed in a minute, and nobody is there to type a password. What the line itself says
# comes first, and ssh takes the first value of an option.
_SSH_OPTIONS = ("-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15", "-o",
                "ServerAliveCountMax=3")


@dataclass(frozen=True)
class Host:
    name: str  # without the user; of two hosts with one name the second is NAME-2
    slots: Optional[int]
    command: tuple[str, ...]  # reaches it; what the host's shell is to run follows


def read_hosts(path: str) -> list[Host]:
    check_file("--hosts", path)
    hosts: list[Host] = []
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        for number, line in enumerate(file.read().split("\n"), 1):
            text = line.strip(" \t\r")
            if text and not text.startswith("#"):
                try:
                    hosts.append(_read_line(text, [host.name for host in hosts]))
                except Fault as fault:
                    raise Fault(f"--hosts: {path}, line {number}: {fault}") from fault
    if not hosts:
        raise Fault(f"--hosts: no host in {path}")
    return hosts


def _read_line(text: str, names: Sequence[str]) -> Host:
    slots, rest = _slots(text)
    if "#" in rest:
        raise Fault(f"a comment needs a line of its own: {text}")
    if rest == ":":
        return Host(_new_name("localhost", names), slots, ("sh", "-c"))
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise Fault(f"{error}: {text}") from error
    login = words[-1] if words else ""
    if not _LOGIN.fullmatch(login) or login.startswith("-") or login.isdigit():
        raise Fault(f"not [USER@]HOST at its end (a port is an option of ssh: ssh -p 2222 HOST): {text}")
    program = words[:-1] or ["ssh"]
    if not shutil.which(program[0]):
        raise Fault(f"no program {program[0]}, which is to reach the host: {text}")
    return Host(_new_name(login.rpartition("@")[2], names), slots, (*program, *_SSH_OPTIONS, login))


def _slots(text: str) -> tuple[Optional[int], str]:
    found = re.fullmatch(r"([0-9]+)/(.*)", text, re.ASCII)
    if not found:
        return None, text
    number = int(found.group(1)) if len(found.group(1)) < 5 else 0
    if not 1 <= number <= _SLOTS_MAX:
        raise Fault(f"not 1 to {_SLOTS_MAX} cells at once: {text}")
    return number, found.group(2)


def _new_name(name: str, names: Sequence[str]) -> str:
    """parallel knows a host by its name, and the job log and the reports name it."""
    count, new = 1, name
    while new in names:
        count += 1
        new = f"{name}-{count}"
    return new

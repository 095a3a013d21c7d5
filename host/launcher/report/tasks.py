# SPDX-License-Identifier: GPL-2.0-only
"""What the tasks of a guest did at the limit of its time.

In:  hang.txt, which has the kernel's answer to SysRq-t and SysRq-w (kernel/sched/core.c, sched_show_task). Out: lines:
the payload's processes first, each with what it waits for, then the scheduler's, kernel threads last.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterator

from ..judge.symbols import Symbols
from ..lib.text import printable_bytes, short_lines

SHOWN = 8
_TASKS_MAX = 20000
_TASK = re.compile(rb"task:([^ ]*) *state:(.) .*?pid:([0-9]{1,9}) .*?(?:ppid:([0-9]{1,9}) |$)")
# A sure one: the others have "? " before them.
_FRAME = re.compile(rb"\]  (([A-Za-z_][A-Za-z0-9_.]*)\+0x[0-9a-f]+/0x[0-9a-f]+)")
# The way to sleep, not its reason.
_SLEEPS = re.compile(rb"_*(io_)?schedule(_\w+)?(\.\w+)*|_*wait_for_common(\.\w+)*|do_nanosleep|context_switch"
                     rb"|__cond_resched")
_OWN = (b"kthvc", b"ktsend", b"ktpipe", b"ktdump", b"ktlatch", b"ktexec", b"ktexitmon", b"ktterm", b"ktlogin",
        b"ktstdin")
_KTHREADD = 2


@dataclass
class Task:
    name: bytes
    state: bytes
    pid: int
    parent: int
    waits_in: bytes = b""
    waits_at: bytes = b""  # its address, as the kernel prints it

    def describe(self, symbols: Symbols) -> str:
        name = printable_bytes(self.name) + f"[{self.pid}]"
        if self.state == b"R":
            return name + " runs"
        where = f" in {printable_bytes(self.waits_in)}" if self.waits_in else ""
        place = symbols.place_of(printable_bytes(self.waits_at))
        where += f" ({place})" if place else ""
        return name + (" waits, uninterruptible," if self.state == b"D" else " waits") + where


def read_tasks(path: str) -> dict[int, Task]:
    """By their pids. A task that is shown twice was seen first as it is here."""
    tasks: dict[int, Task] = {}
    task = None
    for line in short_lines(path):
        found = _TASK.search(line)
        if found and len(tasks) < _TASKS_MAX:
            name, state, pid, parent = found.groups()
            task = Task(name, state, int(pid), int(parent or 0))
            tasks.setdefault(task.pid, task)
        elif task and not task.waits_in:
            frame = _FRAME.search(line)
            if frame and not _SLEEPS.fullmatch(frame.group(2)):
                task.waits_at, task.waits_in = frame.groups()
    return tasks


def describe_tasks(tasks: dict[int, Task], symbols: Symbols) -> Iterator[str]:
    payload = _below(tasks, (b"ktexec", b"ktterm", b"ktlogin"))
    scheduler = _below(tasks, (b"ktexitmon",))
    known = {task.pid for task in (*payload, *scheduler)}
    others = [task for task in tasks.values() if task.pid not in known and task.name not in _OWN]
    threads = [task for task in others if _KTHREADD in (task.pid, task.parent)]
    rest = [task for task in others if task not in threads]
    for title, group in (("payload", payload), ("scheduler", scheduler), ("running", _in_state(rest, b"R")),
                         ("waiting in the kernel, uninterruptible", _in_state(rest, b"D")),
                         ("kernel threads that run", _in_state(threads, b"R")),
                         ("kernel threads that wait, uninterruptible", _in_state(threads, b"D"))):
        if group or title in ("payload", "running", "waiting in the kernel, uninterruptible"):
            yield f"     {title}: {len(group)}"
            yield from (f"       {task.describe(symbols)}" for task in group[:SHOWN])


def _in_state(tasks: list[Task], state: bytes) -> list[Task]:
    return [task for task in tasks if task.state == state]


def _below(tasks: dict[int, Task], roots: tuple[bytes, ...]) -> list[Task]:
    """The descendants of these, those that run or hang first."""
    below = {task.pid for task in tasks.values() if task.name in roots}
    found: list[Task] = []
    is_growing = True
    while is_growing:
        new = [task for task in tasks.values() if task.parent in below and task.pid not in below]
        below |= {task.pid for task in new}
        found += new
        is_growing = bool(new)
    return sorted(found, key=lambda task: b"RD".find(task.state) % 3)

# SPDX-License-Identifier: GPL-2.0-only
"""The recording as text that ui.perfetto.dev opens, "trace.systrace".

Of the formats that perfetto reads this is the shortest to write, and the only text of which it draws CPUs, threads and
their waiting as for its own: Chrome's JSON has no CPUs, and protobuf would need a table of field numbers. Its rules:
"# tracer" at the begin; a line TASK-PID [CPU] SECONDS: EVENT: ARGUMENTS; arguments are KEY=VALUE between blanks, so a
name has neither blanks nor "=" here.

In:  events by time, of any content. Out: lines, of plain ASCII.
"""
from __future__ import annotations

from typing import Iterable, Iterator, Optional

from .recording import DUMP, SWITCH, WAKING, Event, Task

HEAD = b"# tracer: nop\n#\n"
IDLE = b"<idle>"
NAMES_MAX = 65536  # of tasks; the others are <...>, as in the kernel's own text
_WORD = bytes(byte if 33 <= byte < 127 and byte not in b'=|<>"&' else ord("_") for byte in range(256))
_TEXT = bytes(byte if 32 <= byte < 127 and byte not in b'|<>"&' else ord("_") for byte in range(256))
_STATES = ((1, b"S"), (2, b"D"), (4, b"T"), (8, b"t"), (16, b"X"), (32, b"Z"), (64, b"P"), (128, b"I"),
           (256, b"R+"))  # another task preempted it
_TEXT_MAX = 200


def lines_of_events(events: Iterable[Event]) -> Iterator[bytes]:
    names: dict[int, bytes] = {0: IDLE}
    for event in events:
        for task in (event.task, event.next):
            if task and task.pid and (len(names) < NAMES_MAX or task.pid in names):
                names[task.pid] = _word(task.comm)
        name = names.get(event.pid, b"<...>")
        yield (b"%b-%d [%03d] %d.%09d: " % (name, event.pid, event.cpu, event.ns // 10 ** 9, event.ns % 10 ** 9)
               + _arguments(event) + b"\n")


def _arguments(event: Event) -> bytes:
    if event.name == SWITCH and event.task and event.next:
        return (b"sched_switch: prev_comm=%b prev_pid=%d prev_prio=%d prev_state=%b ==> next_comm=%b next_pid=%d "
                b"next_prio=%d" % (_comm(event.task), event.task.pid, event.prio, state_letter(event.state),
                                   _comm(event.next), event.next.pid, event.next_prio))
    if event.name in WAKING and event.task:  # perfetto knows the former of the two: the task is ready from then on
        return b"sched_waking: comm=%b pid=%d prio=%d target_cpu=%03d" % (
            _comm(event.task), event.task.pid, event.prio, event.state)
    text = event.name.encode() + (b": " + event.text[:_TEXT_MAX].translate(_TEXT) if event.name == DUMP else b"")
    return b"tracing_mark_write: I|%d|%b" % (event.pid, text)


def state_letter(state: int) -> bytes:
    return next((letter for bit, letter in _STATES if state & bit), b"R")


def _comm(task: Optional[Task]) -> bytes:
    return _word(task.comm) if task and task.pid else b"swapper"


def _word(comm: bytes) -> bytes:
    return comm.translate(_WORD) or b"_"

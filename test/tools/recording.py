#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The tests' own maker of recordings, written from the kernel's ring_buffer.h, not from the launcher.

stream CASE       the frames of the files that a guest's flight recorder sends (CASES below): to be put between others
rules FILE        check FILE by the rules of perfetto's importer of systrace text; prints "EVENTS CPUS"; 1 at a breach
same FILE REPORT  check that FILE has the events of trace-cmd's report (-t), by time, CPU and pid; prints the count
"""
from __future__ import annotations

import re
import struct
import sys
import zlib
from typing import Callable, Iterator, Sequence

TRACEFS = "/sys/kernel/tracing"
RING = TRACEFS + "/instances/ktbox-recorder/per_cpu"
PAGE = 4096
SWITCH, WAKING, WAKEUP_NEW, DUMP = 310, 313, 311, 345
COMMON = (("unsigned short common_type", 0, 2, 0), ("unsigned char common_flags", 2, 1, 0),
          ("unsigned char common_preempt_count", 3, 1, 0), ("int common_pid", 4, 4, 1))
FORMATS = {
    "sched/sched_switch": (SWITCH, (("char prev_comm[16]", 8, 16, 0), ("pid_t prev_pid", 24, 4, 1),
                                    ("int prev_prio", 28, 4, 1), ("long prev_state", 32, 8, 1),
                                    ("char next_comm[16]", 40, 16, 0), ("pid_t next_pid", 56, 4, 1),
                                    ("int next_prio", 60, 4, 1))),
    "sched/sched_waking": (WAKING, (("char comm[16]", 8, 16, 0), ("pid_t pid", 24, 4, 1), ("int prio", 28, 4, 1),
                                    ("int target_cpu", 32, 4, 1))),
    "sched/sched_wakeup_new": (WAKEUP_NEW, (("char comm[16]", 8, 16, 0), ("pid_t pid", 24, 4, 1),
                                            ("int prio", 28, 4, 1), ("int target_cpu", 32, 4, 1))),
    "sched_ext/sched_ext_dump": (DUMP, (("__data_loc char[] line", 8, 4, 0),)),
    "ftrace/print": (5, (("unsigned long ip", 8, 8, 0), ("char buf[]", 16, 0, 0))),
}
HEADER_PAGE = ("\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
               "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
               "\tfield: char overwrite;\toffset:8;\tsize:1;\tsigned:0;\n"
               "\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;\n")
HEADER_EVENT = ("# compressed entry header\n\ttype_len    :    5 bits\n\ttime_delta  :   27 bits\n"
                "\tarray       :   32 bits\n\n\tpadding     : type == 29\n\ttime_extend : type == 30\n"
                "\ttime_stamp : type == 31\n\tdata max type_len  == 28\n")
S = 10 ** 9

Event = tuple[int, bytes]  # nanoseconds, what it is
Files = dict[str, bytes]


def format_text(name: str) -> bytes:
    number, fields = FORMATS[name]
    lines = ["\tfield:%s;\toffset:%d;\tsize:%d;\tsigned:%d;" % field for field in COMMON]
    lines += [""] + ["\tfield:%s;\toffset:%d;\tsize:%d;\tsigned:%d;" % field for field in fields]
    return ("name: %s\nID: %d\nformat:\n%s\n\nprint fmt: \"\"\n"
            % (name.split("/")[1], number, "\n".join(lines))).encode()


def switch(ns: int, prev: tuple[bytes, int], state: int, next_: tuple[bytes, int]) -> Event:
    return ns, (struct.pack("<HBBi", SWITCH, 0, 0, prev[1]) + struct.pack("<16siiq", prev[0], prev[1], 120, state)
                + struct.pack("<16sii", next_[0], next_[1], 120))


def waking(ns: int, by: int, task: tuple[bytes, int], cpu: int, kind: int = WAKING) -> Event:
    return ns, struct.pack("<HBBi16siii", kind, 0, 0, by, task[0], task[1], 120, cpu)


def dump(ns: int, pid: int, line: bytes) -> Event:
    text = line + b"\0"
    return ns, struct.pack("<HBBiI", DUMP, 0, 0, pid, len(text) << 16 | 12) + text


def entry(delta: int, data: bytes) -> bytes:
    data += bytes(-len(data) % 4)
    extend = struct.pack("<II", 30 | (delta & 0x7FFFFFF) << 5, delta >> 27) if delta >> 27 else b""
    short = 0 if extend else delta
    if len(data) <= 112:
        return extend + struct.pack("<I", len(data) // 4 | short << 5) + data
    return extend + struct.pack("<II", short << 5, len(data) + 4) + data


def pages(events: Sequence[Event]) -> bytes:
    out, data, start, last = b"", b"", 0, 0
    for ns, what in events:
        if data and len(data) + len(what) + 16 > PAGE - 16:
            out += page(start, data)
            data = b""
        if not data:
            start = last = ns
        data += entry(ns - last, what)
        last = ns
    return out + (page(start, data) if data else b"")


def page(start: int, data: bytes) -> bytes:
    return (struct.pack("<QQ", start, len(data)) + data).ljust(PAGE, b"\0")


DEATH = b"sh[50] triggered exit kind 1026 on CPU 0:"
IDLE, SH, WORKER = (b"swapper/0", 0), (b"sh", 50), (b"worker", 77)


def stall(kind: int = WAKING) -> list[list[Event]]:
    """CPU 0 runs sh; CPU 1 wakes worker, which nobody runs; the kernel ejects the scheduler. KIND: of the waking."""
    first = [switch(1 * S, IDLE, 0, SH)]
    first += [event for at in range(40) for event in (switch(S + at * 10 ** 7 + 5, SH, 1, IDLE),
                                                      switch(S + at * 10 ** 7 + 9, IDLE, 0, SH))]
    first.append(dump(4 * S, 50, DEATH))
    return [first, [waking(2 * S, 0, WORKER, 1, kind)]]


def uneven() -> list[list[Event]]:
    """CPU 1 begins later: worker, which CPU 0 wakes before that, has run there; sh is on it when it begins, and CPU 0
    wakes it although it runs. Nobody runs late, which is woken last."""
    late = (b"late", 78)
    first = [switch(1 * S, IDLE, 0, (b"first", 51)), waking(19 * S // 10, 51, WORKER, 1),
             waking(32 * S // 10, 51, SH, 1), waking(35 * S // 10, 51, late, 1), dump(4 * S, 51, DEATH)]
    return [first, [waking(3 * S, 50, (b"other", 79), 0), switch(36 * S // 10, SH, 1, IDLE)]]


def in_time() -> list[list[Event]]:
    """The same, but with all that CPU 1 had before: two pages and more."""
    first, second = uneven()
    before = [event for at in range(20) for event in (switch(S + at * 10 ** 7, IDLE, 0, WORKER),
                                                      switch(S + at * 10 ** 7 + 9, WORKER, 1, IDLE))]
    before.append(switch(2 * S, IDLE, 0, SH))
    before += [waking(2 * S + at, 50, (b"other", 79), 0) for at in range(1, 60)]
    return [first, [*before, *second]]


def files(cpus: Sequence[bytes], overrun: Sequence[int] = range(1024), entries: Sequence[int] = (1,) * 1024) -> Files:
    """What a guest sends, in its order."""
    found = {TRACEFS + "/events/header_page": HEADER_PAGE.encode(),
             TRACEFS + "/events/header_event": HEADER_EVENT.encode()}
    for name in FORMATS:
        found["%s/events/%s/format" % (TRACEFS, name)] = format_text(name)
    found[TRACEFS + "/saved_cmdlines"] = b"50 sh\n77 worker\n"
    found[TRACEFS + "/printk_formats"] = b""
    for cpu, data in enumerate(cpus):
        found["%s/cpu%d/stats" % (RING, cpu)] = b"entries: %d\noverrun: %d\n" % (entries[cpu], overrun[cpu])
        found["%s/cpu%d/trace_pipe_raw" % (RING, cpu)] = data
    return found


def changed(path: str, data: bytes) -> Files:
    found = files([pages(events) for events in stall()])
    found[path] = data
    return found


def without(path: str) -> Files:
    found = files([pages(events) for events in stall()])
    del found[path]
    return found


def first_cpu(data: bytes) -> Files:
    return changed(RING + "/cpu0/trace_pipe_raw", data)


def many() -> Files:
    """More spans than a page shows, most of them on one CPU."""
    events = [switch(S, IDLE, 0, SH)]
    events += [event for at in range(9000) for event in (switch(S + at * 1000 + 500, SH, 1, IDLE),
                                                         switch(S + at * 1000 + 900, IDLE, 0, SH))]
    return files([pages(events)])


def hostile_names() -> Files:
    odd = (b"a b=<|\n\x1b[]", 78)
    forged = (b"x-1 [0] 1.0: e:", 79)
    return files([pages([switch(S, IDLE, 0, odd), switch(S + 5, odd, 0, forged), switch(S + 9, forged, 1, IDLE)])])


def random_page(seed: int) -> bytes:
    import random
    return random.Random(seed).randbytes(PAGE)


GOOD = [pages(events) for events in stall()]
LENGTHS = struct.pack("<II", 0, 0xFFFFFFF0)  # a long event, longer than any page
CASES: dict[str, Callable[[], Files]] = {
    "stall": lambda: files(GOOD),
    "uneven": lambda: files([pages(events) for events in uneven()]),
    "in-time": lambda: files([pages(events) for events in in_time()], overrun=(0, 0)),
    "idle-cpu": lambda: files([GOOD[0], GOOD[1], b""], entries=(1, 1, 0), overrun=(0, 0, 0)),
    "no-cpu": lambda: files([GOOD[0], GOOD[1], b""], entries=(1, 1, 9), overrun=(0, 0, 0)),
    "newborn": lambda: files([pages(events) for events in stall(WAKEUP_NEW)]),
    "many": many,
    "names": hostile_names,
    "garbage": lambda: first_cpu(b"".join(random_page(seed) for seed in range(20))),
    "cut": lambda: first_cpu(GOOD[0][:PAGE // 2]),
    "beyond": lambda: first_cpu(struct.pack("<QQ", S, 1 << 20) + entry(0, b"abcd") * 510),
    "length": lambda: first_cpu(page(S, LENGTHS)),
    "endless": lambda: first_cpu(page(S, struct.pack("<II", 29 | 1 << 5, 0))),
    "backwards": lambda: first_cpu(pages([switch(9 * S, IDLE, 0, SH)]) + pages([switch(1 * S, SH, 1, IDLE)])),
    "location": lambda: first_cpu(pages([(S, struct.pack("<HBBiI", DUMP, 0, 0, 1, 0xFFFFFFFF))])),
    "short": lambda: first_cpu(pages([(S, struct.pack("<H", SWITCH)), (S, struct.pack("<HBBi", SWITCH, 0, 0, 5))])),
    "unknown": lambda: first_cpu(pages([(S, struct.pack("<HBBi", 9999, 0, 0, 1))])),
    "million": lambda: changed(RING + "/cpu1000000/trace_pipe_raw", GOOD[0]),
    "big": lambda: first_cpu(bytes(PAGE) * 9000),
    "no-header": lambda: without(TRACEFS + "/events/header_page"),
    "bad-header": lambda: changed(TRACEFS + "/events/header_page", HEADER_PAGE.replace("4080", "0").encode()),
    "no-ftrace": lambda: without(TRACEFS + "/events/ftrace/print/format"),
    "bad-format": lambda: changed(TRACEFS + "/events/sched/sched_switch/format", b"name: sched_switch\nID: x\n"),
    "wide-format": lambda: changed(TRACEFS + "/events/sched/sched_switch/format",
                                   format_text("sched/sched_switch").replace(b"offset:24", b"offset:99999")),
}


def frame(tag: bytes, number: int, data: bytes) -> bytes:
    payload = struct.pack("<I", number) + data
    return tag[::-1] + struct.pack("<III", len(payload), zlib.crc32(payload), 0) + payload


def stream(found: Files) -> Iterator[bytes]:
    for path, data in found.items():
        yield frame(b"FILE", 1, b"kind=begin path=" + path.encode())
        yield frame(b"FILE", 1, b"kind=file path=" + path.encode())
        for at in range(0, len(data), 32000):
            yield frame(b"FDAT", 1, data[at:at + 32000])
        yield frame(b"FEND", 1, b"files=1 folders=0 bytes=%d failed=0 skipped=0" % len(data))


# What perfetto's importer of systrace text looks for in a line.
LINE = re.compile(r"(?P<task>\S+)-(?P<pid>\d+) \[(?P<cpu>\d+)\] (?P<secs>\d+\.\d{9}): (?P<event>[a-z_]+): "
                  r"(?P<rest>[ -~]+)")
ARGUMENTS = {
    "sched_switch": re.compile(r"prev_comm=[^ =]+ prev_pid=\d+ prev_prio=-?\d+ prev_state=(?:R\+?|[SDTtXZPI]) ==> "
                               r"next_comm=[^ =]+ next_pid=\d+ next_prio=-?\d+"),
    "sched_waking": re.compile(r"comm=[^ =]+ pid=\d+ prio=-?\d+ target_cpu=\d+"),
    "tracing_mark_write": re.compile(r"I\|\d+\|[^|]+"),
}


def rules(path: str) -> str:
    with open(path, encoding="ascii") as file:
        lines = file.read().split("\n")
    assert lines[0].startswith("# tracer"), "the first line"
    assert lines[-1] == "", "the last line has no end"
    cpus: set[str] = set()
    last = 0.0
    count = 0
    for line in lines[:-1]:
        if line.startswith("#"):
            continue
        found = LINE.fullmatch(line)
        assert found, "not a line of systrace: " + line
        assert ARGUMENTS[found["event"]].fullmatch(found["rest"]), "arguments: " + line
        assert float(found["secs"]) >= last, "time goes back: " + line
        last = float(found["secs"])
        cpus.add(found["cpu"])
        count += 1
    return "%d %d" % (count, len(cpus))


def same(path: str, report: str) -> str:
    """Of events at the same time on different CPUs the order is free."""
    with open(path, encoding="ascii") as file:
        lines = file.read().split("\n")
    ours = [(found["secs"], int(found["cpu"]), int(found["pid"])) for found in map(LINE.fullmatch, lines) if found]
    with open(report, encoding="ascii", errors="replace") as file:
        theirs = [(found[3], int(found[2]), int(found[1])) for found in
                  map(re.compile(r"\s*.*?-(\d+)\s+\[(\d+)\]\s+(\d+\.\d{9}): ").match, file) if found]
    assert theirs == sorted(theirs, key=lambda event: float(event[0])), "trace-cmd's report is not in order of time"
    assert sorted(ours) == sorted(theirs), "%d events here, %d in trace-cmd's report" % (len(ours), len(theirs))
    return str(len(ours))


def main() -> int:
    what, *words = sys.argv[1:]
    if what == "stream":
        for data in stream(CASES[words[0]]()):
            sys.stdout.buffer.write(data)
        return 0
    try:
        print(rules(words[0]) if what == "rules" else same(words[0], words[1]))
        return 0
    except AssertionError as error:
        print(error)
        return 1


if __name__ == "__main__":
    sys.exit(main())

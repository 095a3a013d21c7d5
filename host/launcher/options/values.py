# SPDX-License-Identifier: GPL-2.0-only
"""The syntax of option values. Each function takes the option's name and the word, and returns the value.

Raises Fault with the option and the word. What must exist on the host is for plan.py.
"""
from __future__ import annotations

from typing import NamedTuple, Optional

import os
import re

from ..lib.user_paths import absolute
from ..lib.text import Fault, Unbuilt

GET_PATH_MAX = 1024
# What shows who ran where, who waited, and the death. The guest says which of them its kernel lacks.
TRACE_EVENTS = ("sched/sched_switch", "sched/sched_waking", "sched/sched_wakeup_new", "sched/sched_migrate_task",
                "sched_ext/sched_ext_event", "sched_ext/sched_ext_bypass_lb", "sched_ext/sched_ext_dump")
_EVENTS_MAX = 100
_GATE = re.compile(r"([A-Za-z][A-Za-z0-9_.+-]{0,127})(<=?"
                   r"|>=?)(-?[0-9]{1,15}(?:\.[0-9]{1,9})?)([A-Za-z%][A-Za-z%/_.-]{0,31})?",
                   re.ASCII)
EMITS = ("jobs", "github")
# rootfs/lib/ktbox/command_line.sh reads them.
_OWN_WORD = re.compile(r"ktbox\.((attach_timeout|hold|trace_kb|record_kb|bpf)=[0-9]+|(record|term)=.*|log_tty=0"
                       r"|(expect_death|dmesg|printk|live_log|record_pass|ack|rescue|ctl)=1|stats=(windows|all)"
                       r"|host=ktrun|files=port)", re.ASCII)
_UNITS = {"": 1, "K": 1024, "M": 1024 ** 2, "G": 1024 ** 3}
# The guest itself stands on these.
_GUEST_DIRECTORIES = re.compile(
    r"/((\.ktbox|bin|sbin|lib|lib64|etc|dev|proc|sys|run|include-files|usr/bin|usr/sbin|usr/lib|usr/lib64|var/run)/.*"
    r"|(tmp|usr|var)/)?", re.DOTALL)

# What /init mounts, reads or is. That of the base initramfs is known when the files are put together.
_GUEST_PLACES = re.compile(
    r"/(\.ktbox|dev|proc|sys|lib/ktbox|init|scheduler|payload|args|exec_cmd|sched_args|sched_enable|sched_disable|tests"
    r"|(var/)?run/kt|tmp/sched\.log|tmp/dump\.txt)/"
    r"|/(tmp|run|include-files|bin|sbin|lib|etc|usr|var|root|mnt)/$")


class Size(NamedTuple):
    word: str  # as it was given: it is for people, too
    kib: int


GDB_ANY, GDB_WAIT, GDB_ON_PANIC = "", "wait", "on-panic"


class Gdb(NamedTuple):
    """When the guest waits for a debugger, and where QEMU listens."""
    when: str  # GDB_ANY, GDB_WAIT or GDB_ON_PANIC
    port: Optional[int]  # None: the first free one


class Headline(NamedTuple):
    name: str
    direction: str  # empty: the one that compare/directions.py knows


class Include(NamedTuple):
    source: str
    guest: str  # where it goes; empty: to /include-files


class Share(NamedTuple):
    is_writable: bool
    host: str
    guest: str


def parse_path(option: str, value: str) -> str:
    if not value:
        raise Fault(f"{option}: an empty path")
    return absolute(value)


def parse_report_path(option: str, value: str) -> str:
    """A path, or - for stdout."""
    return value if value == "-" else parse_path(option, value)


def parse_record_path(option: str, value: str) -> str:
    """Of a file that is read before it grows."""
    if value == "-":
        raise Fault(f"{option}: a record is a file, not stdout")
    return parse_path(option, value)


def parse_kernel(option: str, value: str) -> str:
    """A path, or a release or the begin of one, if no file here has that name."""
    path = parse_path(option, value)
    return value if is_release(value) and not os.path.lexists(path) else path


def is_release(text: str) -> bool:
    """It may be one of a kernel, or the begin of one."""
    return re.fullmatch(r"[0-9][0-9A-Za-z.+~_-]{0,127}", text, re.ASCII) is not None


def parse_architecture(option: str, value: str) -> str:
    """What follows --kernel-config: nothing, or "=" and the name."""
    name = value[1:] if value else "x86_64"
    if name not in ("x86_64", "aarch64"):
        raise Fault(f"{option}: neither x86_64 nor aarch64: {name or repr(name)}")
    return name


def parse_emit(option: str, value: str) -> str:
    if value not in EMITS:
        raise Fault(f"{option}: neither {' nor '.join(EMITS)}: {value}")
    return value


def parse_number(option: str, value: str, least: int, most: int) -> int:
    if not re.fullmatch(r"0|[1-9][0-9]{0,8}", value, re.ASCII) or not least <= int(value) <= most:
        raise Fault(f"{option}: not a number from {least} to {most}: {value}")
    return int(value)


def parse_seconds(option: str, value: str) -> int:
    """5 or 5s"""
    return parse_number(option, value[:-1] if re.fullmatch(r"[0-9]+s", value, re.ASCII) else value, 1, 99999999)


def parse_events(option: str, value: str) -> tuple[str, ...]:
    """What follows --trace: nothing, or "=" and SYSTEM:NAME or SYSTEM/NAME, with commas between."""
    if not value:
        return TRACE_EVENTS
    events: list[str] = []
    for word in value[1:].split(","):
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}[:/][A-Za-z0-9_-]{1,64}", word, re.ASCII):
            raise Fault(f"{option}: not an event, SYSTEM:NAME: {word[:200] or repr(word)}")
        event = word.replace(":", "/")
        if event not in events:
            events.append(event)
    if len(events) > _EVENTS_MAX:
        raise Fault(f"{option}: {len(events)} events, and at most {_EVENTS_MAX} can be recorded")
    return tuple(events)


def parse_gdb(option: str, value: str) -> Gdb:
    """What follows --gdb: nothing, or "=" and WHEN, :PORT or WHEN:PORT."""
    when, _, port = value.removeprefix("=").partition(":")
    if when not in (GDB_ANY, GDB_WAIT, GDB_ON_PANIC) or value in ("=", "=:") or (":" in value and not port):
        raise Fault(f"{option}: not {GDB_WAIT}, {GDB_ON_PANIC} or nothing, with :PORT or without: {value[1:][:200]}")
    return Gdb(when, parse_number(option, port, 1, 65535) if port else None)


def parse_percent(option: str, value: str) -> float:
    found = re.fullmatch(r"([0-9]{1,3}(\.[0-9]{1,3})?)%?", value, re.ASCII)
    if not found or not 0 < float(found.group(1)) <= 100:
        raise Fault(f"{option}: not a share above 0% up to 100%, such as 5%: {value}")
    return float(found.group(1))


def parse_headline(option: str, value: str) -> Headline:
    """NAME[:lower|higher]"""
    name, colon, direction = value.partition(":")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,99}", name, re.ASCII):
        raise Fault(f"{option}: not the name of a metric: {value}")
    if colon and direction not in ("lower", "higher"):
        raise Fault(f"{option}: neither lower nor higher after the colon: {value}")
    return Headline(name, direction)


def parse_label(option: str, value: str) -> str:
    if not value or len(value) > 200 or _has_controls(value):
        raise Fault(f"{option}: not a text of 1 to 200 characters without control characters: {value}")
    return value


def parse_words(option: str, value: str) -> str:
    """Of the kernel's command line. Those of ktbox are checked: /init would go on without one that it does not
    know."""
    for word in value.split():
        if word.startswith("ktbox.") and not _OWN_WORD.fullmatch(word):
            raise Fault(f"{option}: not a word of ktbox's, or not with such a value: {word} (docs/internals/boot.md)")
    return value


def parse_size(option: str, value: str) -> Size:
    found = re.fullmatch(r"([1-9][0-9]{0,6})([KMG]?)", value, re.ASCII)
    kib = int(found.group(1)) * _UNITS[found.group(2)] // 1024 if found else 0
    if kib < 1024:
        raise Fault(f"{option}: not a size from 1M to 9999999G, such as 500M or 2G: {value}")
    return Size(value, kib)


def parse_variable(option: str, value: str) -> tuple[str, str]:
    """NAME=VALUE"""
    name, equals, text = value.partition("=")
    if not equals:
        raise Fault(f"{option}: not NAME=VALUE: {value or repr(value)}")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name, re.ASCII):
        raise Fault(f"{option}: not a variable's name before the =: {value[:200]}")
    return name, text


def parse_escape(option: str, value: str) -> str:
    """A character that makes a key with Ctrl; "none" gives an empty string."""
    if value == "none":
        return ""
    if not re.fullmatch(r"[A-Za-z\[\\\]^_]", value, re.ASCII):
        raise Fault(f"{option}: neither none nor a character that makes a key with Ctrl: {value}")
    return value


def parse_line(option: str, value: str) -> str:
    if "\n" in value:
        raise Fault(f"{option}: a newline in the value: {value}")
    return value


def parse_guest_path(option: str, value: str) -> str:
    """A path of --get. The guest reads it as a line, so it has no control character."""
    path = value.lstrip("/")
    if not path:
        raise Fault(f"{option}: not a file or directory of the guest: {value}")
    if {".", ".."} & set(path.split("/")):
        raise Fault(f"{option}: a path with . or .. in it: {value}")
    if _has_controls(value):
        raise Fault(f"{option}: a path with a control character in it: {value}")
    if len(os.fsencode(path)) > GET_PATH_MAX:
        raise Fault(f"{option}: a path of more than {GET_PATH_MAX} bytes: {value}")
    return "/" + path


def _has_controls(text: str) -> bool:
    return any(ord(char) < 32 or ord(char) == 127 for char in text)


def parse_include(option: str, value: str) -> Include:
    """PATH[:GUEST]. A file with such a name wins."""
    found = None if os.path.lexists(parse_path(option, value)) else re.fullmatch(r"(.+):(/.*)", value, re.DOTALL)
    if not found:
        return Include(_file_or_command(option, parse_line(option, value), "include"), "")
    source, place = _file_or_command(option, found.group(1), "include"), found.group(2)
    if place.endswith("/"):
        place += os.path.basename(source.rstrip("/"))
    return Include(source, _include_place(option, place))


def _include_place(option: str, path: str) -> str:
    parts = path.split("/")[1:]
    if {"", ".", ".."} & set(parts) or _has_controls(path):
        raise Fault(f"{option}: not a path for the guest: {path}")
    if _GUEST_PLACES.match(path + "/"):
        raise Fault(f"{option}: the guest needs its own {path}: give another place, PATH:GUEST")
    return path


def parse_scheduler(option: str, value: str) -> str:
    return _file_or_command(option, value, "scheduler")


def parse_runner(option: str, value: str) -> str:
    return _file_or_command(option, parse_line(option, value), f"{option}: runner")


def _file_or_command(option: str, value: str, what: str) -> str:
    """A path, or a command by its bare name. What lies in the current directory wins over such a command."""
    path = parse_path(option, value)
    if "/" in value or os.path.lexists(path):
        return path
    import shutil  # costs more than all else here
    found = shutil.which(value)
    if not found or not os.path.isfile(found):
        raise Unbuilt(f"{what} not found: {value} is neither a file here nor a command in PATH")
    return absolute(found)


def parse_share(option: str, value: str) -> Share:
    """DIR[:GUEST]"""
    words = parse_line(option, value).split(":")
    if len(words) > 2:
        raise Fault(f"{option}: more than one colon: {value}")
    host = parse_path(option, words[0])
    if not os.path.isdir(host):
        raise Fault(f"{option}: not a directory: {host}")
    host = os.path.realpath(host)
    if ":" in host or "\n" in host:
        raise Fault(f"{option}: a colon or a newline in the directory's real path: {host}")
    is_writable = option == "--rw"
    if is_writable and not os.access(host, os.W_OK):
        raise Fault(f"{option}: not writable: {host}")
    return Share(is_writable, host, _guest_directory(option, words[-1] if len(words) == 2 and words[1] else host))


def _guest_directory(option: str, path: str) -> str:
    parts = path.rstrip("/").split("/")[1:]
    if not path.startswith("/") or {"", ".", ".."} & set(parts) or _has_controls(path) or ":" in path \
            or path.endswith("//"):
        raise Fault(f"{option}: not a path for the guest: {path}")
    if _GUEST_DIRECTORIES.fullmatch(path.rstrip("/") + "/"):
        raise Fault(f"{option}: the guest needs its own {path}: give another place, DIR:GUEST")
    return path


class Gate(NamedTuple):
    text: str
    name: str  # of the metric
    operator: str
    limit: float
    unit: str  # empty: that of the metric

    def keeps(self, value: float, limit: float) -> bool:
        return {"<": value < limit, "<=": value <= limit, ">": value > limit, ">=": value >= limit}[self.operator]


def parse_gate(option: str, text: str) -> Gate:
    """Raises Fault."""
    found = _GATE.fullmatch(text)
    if not found:
        raise Fault(f"{option}: not a metric, one of < <= > >=, and a number with an optional unit, like "
                    f"wake_p99<5ms: {text}")
    name, operator, limit, unit = found.groups()
    return Gate(text, name, operator, float(limit), unit or "")

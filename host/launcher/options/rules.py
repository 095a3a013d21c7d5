# SPDX-License-Identifier: GPL-2.0-only
"""Which options of ktrun go together.

In:  what the parser has made of the words, and the options that were named, in their order. Out: nothing; raises Fault,
which names the option that does not go with another.
"""
from __future__ import annotations

import argparse
from typing import Sequence

from ..judge.bisection import check_sides
from ..lib.text import Fault
from .values import GDB_ON_PANIC, GDB_WAIT

# What goes with --replay and with --matrix; the other options ask something of a run.
_WITH_REPLAY = {"-q", "-h", "--help", "--replay", "--json", "--junit", "--tap", "--report", "--summary"}
_WITH_MATRIX = {"-q", "-h", "--help", "--version", "--matrix", "--hosts", "--emit", "-o", "--warm", "--cold", "--junit",
                "--report", "--summary"}
_WITH_REPEAT = {"-q", "-v", "-h", "--help", "--repeat", "--gdb", "-t"}
# A replay log has neither files of the host nor what a debugger does; QEMU's other devices are not known to be in it.
_NOT_WITH_RECORD_REPLAY = {"shares": "--ro or --rw", "host_root": "--host-root", "gdb": "--gdb",
                           "vmcore": "--vmcore", "qemu_args": "--qemu-arg"}
_MEASURES = {"gates": "--gate", "compare": "--compare"}
_ALONE = ("--warm-list", "--warm-clear", "--kernels", "--kernel-config")
_WITH_HISTORY_OF = {"-q", "--history-of", "--report"}
# Of a comparison itself; the other options go to its runs.
OF_COMPARISON = {"--compare", "--runs", "--until", "--seed", "--metric", "--fail-if-worse", "--markdown", "--json",
                 "--summary", "--report", "-o", "-q", "-v"}
_ONLY_WITH_COMPARE = ("--runs", "--until", "--seed", "--metric", "--fail-if-worse", "--markdown")
_NOT_WITH_COMPARE = ("--shell", "--replay", "--repeat", "--matrix", "-n", "--gdb", "--history", "--kselftest",
                     "--junit", "--tap")
_NOT_WITH_BISECT = {"matrix": "--matrix", "compare": "--compare", "replay": "--replay", "repeat": "--repeat",
                    "history_of": "--history-of", "gdb": "--gdb", "dry_run": "-n", "warm_list": "--warm-list",
                    "warm_clear": "--warm-clear"}
# Not in KTRUN_OPTS.
_ON_COMMAND_LINE = {"replay": "--replay", "repeat": "--repeat", "compare": "--compare", "history_of": "--history-of",
                    "bisect": "--bisect", "check": "--check", "kernels": "--kernels",
                    "kernel_config": "--kernel-config", "warm_list": "--warm-list", "warm_clear": "--warm-clear"}


def check_options(namespace: argparse.Namespace, seen: Sequence[str], has_command: bool) -> None:
    """Of the command line. What KTRUN_OPTS names is a default: it does not count as "another option"."""
    _check_replay_and_matrix(namespace, seen)
    _check_comparison(namespace, seen)
    _check_history_of(namespace, seen)
    _check_bisect(namespace)
    _check_alone(namespace, seen)
    _check_record_replay(namespace, seen, has_command)
    if namespace.label and not namespace.record:
        raise Fault("--label: there is no record that it could name: give --record")
    if namespace.retries and (namespace.gdb or (namespace.shell and not has_command)):
        raise Fault("--retries: a run that somebody attends is not run again: neither --gdb nor --shell without a "
                    "command goes with it")
    if "--history" in seen and not namespace.shell:
        raise Fault("--history: only a shell has a history: give --shell")


def check_defaults(namespace: argparse.Namespace) -> None:
    """Of KTRUN_OPTS."""
    for dest, name in _ON_COMMAND_LINE.items():
        if getattr(namespace, dest):
            raise Fault(f"{name} belongs on the command line")


def has_nothing_to_do(namespace: argparse.Namespace) -> bool:
    """Somebody at a terminal then wants to look at the guest."""
    return not any(getattr(namespace, name) for name in (
        "scheduler", "enable", "disable", "tests", "scenario", "kselftest", "replay", "repeat", "matrix", "compare",
        "history_of", "bisect", "gets", "gates", "record", "json", "junit", "tap", "report", "summary", "check",
        "kernels", "kernel_config", "warm_list", "warm_clear", "gdb", "retries"))


def _check_replay_and_matrix(namespace: argparse.Namespace, seen: Sequence[str]) -> None:
    other = [word for word in seen if word not in _WITH_REPLAY]
    if namespace.replay and other:
        raise Fault(f"--replay judges a run as it was, no option but -q and reports goes with it: {other[-1]}")
    other = [word for word in seen if word not in _WITH_MATRIX]
    if namespace.matrix and other:
        raise Fault("--matrix: what is asked of a cell stands in the file, only -o, -q, --hosts, --emit, --warm, "
                    f"--cold, --junit, --report and --summary go with it: {other[-1]}")
    for option, value in (("--hosts", namespace.hosts), ("--emit", namespace.emit)):
        if value and not namespace.matrix:
            raise Fault(f"{option}: only for a matrix: give --matrix")
    if namespace.emit and not namespace.output:
        raise Fault("--emit: the commands need the directory of their results: give -o")
    if namespace.emit and (namespace.hosts or namespace.junit or namespace.report or namespace.summary):
        raise Fault("--emit runs nothing: neither --hosts nor a report goes with it")


def _check_comparison(namespace: argparse.Namespace, seen: Sequence[str]) -> None:
    if namespace.compare:
        other = next((word for word in _NOT_WITH_COMPARE if word in seen), None)
        if other:
            raise Fault(f"--compare: not for many runs, or not for a comparison: {other}")
        names = [headline.name for headline in namespace.metrics]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise Fault(f"--metric: {twice} is named twice")
    else:
        other = next((word for word in _ONLY_WITH_COMPARE if word in seen), None)
        if other:
            raise Fault(f"{other}: only for a comparison: give --compare")


def _check_history_of(namespace: argparse.Namespace, seen: Sequence[str]) -> None:
    other = next((word for word in seen if word not in _WITH_HISTORY_OF), None)
    if namespace.history_of and other:
        raise Fault(f"--history-of: only -q and --report go with it: {other}")


def _check_bisect(namespace: argparse.Namespace) -> None:
    """An exit code of 0 that is no verdict would make a commit good."""
    if namespace.bisect:
        other = next((name for dest, name in _NOT_WITH_BISECT.items() if getattr(namespace, dest)), None)
        if other:
            raise Fault(f"--bisect: judges one run, which nobody has to attend: {other}")
        check_sides("--bisect", namespace.bisect)


def _check_alone(namespace: argparse.Namespace, seen: Sequence[str]) -> None:
    alone = next((word for word in _ALONE if word in seen), None)
    if alone and len(seen) > 1:
        raise Fault(f"{alone}: no other option goes with it: {next(word for word in seen if word != alone)}")
    other = [word for word in seen if word not in ("-k", "--check")]
    if namespace.check and other:
        raise Fault(f"--check: only -k goes with it: {other[-1]}")


def _check_record_replay(namespace: argparse.Namespace, seen: Sequence[str], has_command: bool) -> None:
    other = [word for word in seen if word not in _WITH_REPEAT]
    if namespace.repeat and other:
        raise Fault(f"--repeat runs a guest as it was, only -q, -v, -t and --gdb go with it: {other[-1]}")
    if namespace.repeat and namespace.gdb and namespace.gdb.when == GDB_ON_PANIC:
        raise Fault(f"--repeat: a replay log ends where the guest ends: --gdb or --gdb={GDB_WAIT}, "
                    f"not --gdb={GDB_ON_PANIC}")
    if not namespace.record_replay or namespace.repeat or namespace.replay:
        return
    found = next((name for dest, name in _NOT_WITH_RECORD_REPLAY.items() if getattr(namespace, dest)), None)
    if found:
        raise Fault(f"--record-replay: QEMU can't record a run with this option: {found}")
    measured = next((name for dest, name in _MEASURES.items() if getattr(namespace, dest)), None)
    if measured:
        raise Fault(f"--record-replay: no figure of a recorded run says how fast anything is: {measured}")
    if namespace.shell and not has_command:
        raise Fault("--record-replay: what is typed can't be recorded: --shell without a command does not go with it")

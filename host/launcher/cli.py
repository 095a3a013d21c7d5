# SPDX-License-Identifier: GPL-2.0-only
"""The command line of ktrun: one table of options.

In:  KTRUN_OPTS, then the arguments. Out: Options. The parser, --help, the manual page and the completion follow from
     the table. Exit: Fault for a bad option; 0 for --help and --version.
"""
from __future__ import annotations

import argparse
import dataclasses
import os
import shlex
import sys
import textwrap
from typing import Any, Callable, NoReturn, Optional, Sequence

from .options import Options
from .text import Fault, print_text, shell_word
from .topology import Topology, parse_topology
from .values import (Size, parse_cpus, parse_escape, parse_guest_path, parse_include, parse_line, parse_number,
                     parse_path, parse_report_path, parse_share, parse_size, parse_variable)
from .verdicts import help_lines

USAGE = """ktrun [options] [-- COMMAND...]
       ktrun [-q] [reports] --replay DIR
       ktrun [-q] [-o DIR] [--junit FILE] [--report FILE] --matrix FILE"""
ABOUT = """Boots a kernel in a throw-away VM, attaches a sched_ext scheduler, runs COMMAND, and reports what happened.
Stdin goes to COMMAND: in a `while read` loop, ktrun takes the loop's lines unless it has </dev/null."""
ENVIRONMENT = """environment
  KTRUN_KERNEL      the kernel, without -k
  KTRUN_OPTS        options that come before those of the command line: words, split as a shell splits them, with
                    quotes and backslashes; nothing is expanded or run
  NO_COLOR          if not empty, passed on to the guest's programs; ktrun itself prints no colours
  KTRUN_QEMU        the QEMU program (default qemu-system-x86_64)
  KTRUN_ACCEL       kvm or tcg; without it ktrun tries KVM once and remembers the outcome (in build/, or
                    ~/.cache/ktbox/)

exit codes (the first that holds, see docs/use/verdicts.md)"""
LIMIT_SECS = 120
# What goes with --replay and with --matrix; the other options ask something of a run.
_WITH_REPLAY = {"-q", "-h", "--help", "--replay", "--json", "--junit", "--tap", "--report"}
_WITH_MATRIX = {"-q", "-h", "--help", "--version", "--matrix", "-o", "--junit", "--report"}
_HELP_COLUMN, _HELP_WIDTH = 20, 112


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Fault(f"{message} (see ktrun --help)")

    def print_help(self, file: object = None) -> None:
        print_text(self.format_help().encode())

    def format_help(self) -> str:
        lines = [f"usage: {USAGE}", "", ABOUT, ""]
        for group in self._action_groups:
            actions = [action for action in group._group_actions if action.help != argparse.SUPPRESS]
            lines += [group.title or "", *(_help_of(action) for action in actions)] if actions else []
        return "\n".join([*lines, "", ENVIRONMENT, *help_lines(), ""])


def _help_of(action: argparse.Action) -> str:
    """An option and its help on one line where there is room; more lines begin at a fixed column."""
    head = f"  {action.option_strings[0]}" + (f" {action.metavar}" if action.metavar else "")
    head = head.ljust(_HELP_COLUMN - 2) + "  "
    mark = "\0" * (len(head) - _HELP_COLUMN)  # the first line is shorter by what the option takes of it
    lines = textwrap.wrap(mark + (action.help or ""), _HELP_WIDTH - _HELP_COLUMN, break_on_hyphens=False)
    return head + ("\n" + " " * _HELP_COLUMN).join(lines).lstrip("\0")


def _typed(option: str, parse: Callable[[str, str], object]) -> Callable[[str], object]:
    """argparse's form of a function of values.py."""
    return lambda value: parse(option, value)


def _number(least: int, most: int) -> Callable[[str, str], object]:
    return lambda option, value: parse_number(option, value, least, most)


def _plain(option: str, value: str) -> str:
    return value


def make_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="ktrun", add_help=False, allow_abbrev=False)
    guest = parser.add_argument_group("guest")
    machine = parser.add_argument_group("machine")
    run = parser.add_argument_group("run")

    def value(group: argparse._ArgumentGroup, option: str, metavar: str, dest: str, parse: Callable[[str, str], object],
              text: str, default: object = None, action: str = "store") -> None:
        group.add_argument(option, metavar=metavar, dest=dest, type=_typed(option, parse), help=text, action=action,
                           default=[] if action == "append" else default)

    def flag(group: argparse._ArgumentGroup, option: str, dest: str, text: str) -> None:
        group.add_argument(option, dest=dest, action="store_true", help=text)

    value(guest, "-k", "KERNEL", "kernel", parse_path, "bzImage or ELF vmlinux (default: $KTRUN_KERNEL, else "
          "build/kernel/image of the source tree, made by `make kernel`)")
    value(guest, "-s", "SCHEDULER", "scheduler", parse_path, "program or script; its shared libraries come along")
    value(guest, "-a", '"ARGS"', "scheduler_args", _plain, "arguments of the scheduler, split at white space", "")
    value(guest, "--enable", "FILE", "enable", parse_path, "ktsh-lite script to run before the scheduler")
    value(guest, "--disable", "FILE", "disable", parse_path, "ktsh-lite script to run after the scheduler")
    value(guest, "-i", "PATH", "includes", parse_include, "copy a file, directory, or command by its bare name to "
          "/include-files/ (on the guest's PATH), with its shared libraries; repeatable", action="append")
    value(guest, "--ro", "DIR[:GUEST]", "shares", parse_share, "show a directory of the host in the guest, at GUEST or "
          "at its own path, by virtio-9p; repeatable", action="append")
    value(guest, "--rw", "DIR[:GUEST]", "shares", parse_share, "the same, and the guest may write there",
          action="append")
    value(guest, "--modules", "DIR", "modules", parse_path, "the kernel's modules (default: beside it, else "
          "/lib/modules/VERSION): ktrun packs and loads what ktbox needs and is not built in")
    value(guest, "-e", "NAME=VALUE", "variables", parse_variable, "environment of scheduler and payload; repeatable",
          action="append")
    value(guest, "--test", "FILE...", "tests", _test_path, "run shunit2 scripts instead of COMMAND; ktrun reports each "
          "test, and a failed one fails the run", action="append")
    flag(guest, "--shell", "shell", "open a shell in the guest on this terminal; without a terminal it reads its "
         "commands from stdin; with COMMAND, run that command instead of a shell")
    value(guest, "--history", "FILE", "history", parse_path, "keep the guest shell's history in FILE (created if "
          "missing)")
    value(guest, "--escape", "CHAR", "escape", parse_escape, "end the VM from the shell with Ctrl-CHAR (default ]); "
          "none: no key does", "]")
    flag(guest, "--expect-death", "expect_death", "fail the run unless the scheduler dies")
    flag(guest, "--fail-on-warn", "fail_on_warn", "fail the run if the kernel logs a WARN, lockdep splat, lockup, hung "
         "task, KASAN report, BUG or the like")
    value(machine, "-m", "MIB", "memory_mib", _number(1, 1048576), "memory (default 512, at least 128)", 512)
    value(machine, "-c", "CPUS", "topology", parse_cpus, "number of CPUs (default 2): one node, one last-level cache",
          Topology(1, 1, 2, 1, is_named=False))
    value(machine, "--topology", "N,L,C,T", "topology", parse_topology, "NUMA nodes, last-level caches per node, cores "
          "per cache, threads per core; the nodes share the memory, a remainder goes to the first",
          Topology(1, 1, 2, 1, is_named=False))
    value(machine, "--append", "WORDS", "append", _plain, "add words to the kernel's command line; repeatable",
          action="append")
    value(machine, "--qemu-arg", "ARG", "qemu_args", parse_line, "add one argument for QEMU; repeatable",
          action="append")
    flag(machine, "--gdb", "gdb", "wait for a debugger on port 1234 before the first instruction")
    value(run, "-t", "SECS", "limit_secs", _number(1, 99999999), "wall-clock limit (default 120; none for a shell on a "
          "terminal or --gdb)")
    value(run, "-o", "DIR", "output", parse_path, "the run directory (default: a new one under build/runs/ of the "
          "source tree; of an installed ktrun, under ~/.local/state/ktbox/runs/)")
    value(run, "--max-output", "SIZE", "max_output", parse_size, "end the run when the guest sends or prints more than "
          "its share of SIZE, the disk space for all artifacts (default 1G). Each stream has an eighth, see "
          "docs/use/artifacts.md", Size("1G", 1048576))
    value(run, "--get", "GUEST_PATH", "gets", parse_guest_path, "bring a file or directory of the guest back, at its "
          "end, into DIR/get/; repeatable", action="append")
    flag(run, "--dmesg", "dmesg", "keep the kernel's log as the artifact `dmesg`")
    flag(run, "--printk", "printk", "show the global trace (bpf_printk) live on stderr, prefixed, and keep it as "
         "`printk`")
    flag(run, "--plain", "plain", "write dump files without the trace's prefix")
    value(run, "--replay", "DIR", "replay", parse_path, "judge the finished run in DIR once more, without a VM: "
          "summary, output and exit code are those of the run. ktrun makes the files anew in DIR itself: give a copy "
          "to keep the old ones")
    value(run, "--json", "FILE", "json", parse_report_path, "write the content of result.json")
    value(run, "--junit", "FILE", "junit", parse_report_path, "write JUnit XML: the run is a test case")
    value(run, "--tap", "FILE", "tap", parse_report_path, "write the same as TAP 13")
    value(run, "--report", "FILE", "report", parse_report_path, "write one HTML page: verdict, timeline, dump and logs "
          "with the lines that matter marked. The FILE of one report may be -, stdout; then ktrun keeps the payload's "
          "stdout and does not print it")
    value(run, "--matrix", "FILE", "matrix", parse_path, "run kernels x topologies x schedulers x payloads, a VM each, "
          "as many at once as fit; see docs/use/matrix.md. With the same -o DIR a stopped matrix goes on")
    flag(run, "-n", "dry_run", "print the QEMU command and stop: nothing is started, nothing is kept")
    flag(run, "-q", "quiet", "print no summary if the run passed")
    flag(run, "-v", "verbose", "show the QEMU command and, live, the console on stderr")
    run.add_argument("-h", action="help", help=argparse.SUPPRESS)
    run.add_argument("--help", action="help", help="print this text")
    flag(run, "--version", "version", "print the version of ktbox")
    return parser


def _test_path(option: str, value: str) -> str:
    return parse_path(option, parse_line(option, value))


def parse(words: Sequence[str], version: str, stdin: str) -> Options:
    """In: the arguments without the program's name; the file behind stdin; KTRUN_OPTS and NO_COLOR."""
    parser = make_parser()
    namespace = argparse.Namespace()
    _parse_environment(parser, namespace)
    seen, command = _parse_words(parser, namespace, words)
    if namespace.version:
        print_text(f"ktrun {version}\n".encode())
        sys.exit(0)
    del namespace.version
    other = [word for word in seen if word not in _WITH_REPLAY]
    if namespace.replay and other:
        raise Fault(f"--replay judges a run as it was, no option but -q and reports goes with it: {other[-1]}")
    other = [word for word in seen if word not in _WITH_MATRIX]
    if namespace.matrix and other:
        raise Fault("--matrix: what is asked of a cell stands in the file, only -o, -q, --junit and --report go with "
                    f"it: {other[-1]}")
    options = Options(**vars(namespace), command=command, stdin=stdin)
    return _default_limit(_shell_from_stdin(options))


def _parse_environment(parser: argparse.ArgumentParser, namespace: argparse.Namespace) -> None:
    """KTRUN_OPTS holds defaults, so it does not count as "another option" beside --replay."""
    namespace.variables = [("NO_COLOR", "1")] if os.environ.get("NO_COLOR") else []
    try:
        words = environment_words(os.environ.get("KTRUN_OPTS", ""))
        _, command = _parse_words(parser, namespace, words)
        if command is not None:
            raise Fault("the guest's command belongs on the command line")
        if namespace.replay:
            raise Fault("--replay belongs on the command line")
    except Fault as fault:
        raise Fault(f"KTRUN_OPTS: {fault}") from fault


def environment_words(text: str) -> list[str]:
    """TEXT as words, the way a shell splits a command line, but nothing in it is expanded or run."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise Fault(f"{error}: {text}") from error


def _parse_words(parser: argparse.ArgumentParser, namespace: argparse.Namespace,
                 words: Sequence[str]) -> tuple[list[str], Optional[str]]:
    """The options that were named, and the guest's command."""
    parser.parse_args([], namespace)  # the defaults; argparse itself takes some values ("--") for its own words
    takes_value = {option: action.nargs is None for option, action in parser._option_string_actions.items()}
    seen: list[str] = []
    rest = list(words)
    command: Optional[str] = None
    while rest:
        word = rest.pop(0)
        option, equals, text = word.partition("=")
        if word == "--":
            command, rest = _guest_command(rest), []
            seen.append(word)
            continue
        if word == "--test":
            tests = _words_before_option(rest)
            del rest[:len(tests)]
            for test in tests:
                _take(parser, namespace, word, test)
        elif equals and option.startswith("--") and takes_value.get(option):
            _take(parser, namespace, option, text)
        elif takes_value.get(word):
            if not rest:
                raise Fault(f"{word} needs a value (see ktrun --help)")
            _take(parser, namespace, word, rest.pop(0))
        elif word in takes_value:
            _take(parser, namespace, word, None)
        elif word.startswith("-"):
            raise Fault(f"unknown option: {word} (see ktrun --help)")
        else:
            raise Fault(f"unexpected word: {word} (the guest's command goes after --)")
        seen.append(option if equals else word)
    return seen, command


def _take(parser: argparse.ArgumentParser, namespace: argparse.Namespace, option: str, text: Optional[str]) -> None:
    action = parser._option_string_actions[option]
    value: Any = action.type(text) if text is not None and callable(action.type) else []
    action(parser, namespace, value, option)


def _words_before_option(words: Sequence[str]) -> list[str]:
    end = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
    if end == 0:
        raise Fault("--test needs a script (see ktrun --help)")
    return list(words[:end])


def _guest_command(words: Sequence[str]) -> str:
    """Each argument in single quotes: the guest's `sh -c` gets exactly these bytes as exactly these words."""
    if not words:
        raise Fault("no command after --")
    return " ".join(shell_word(word) for word in words)


def _shell_from_stdin(options: Options) -> Options:
    """Without a terminal there is nobody to edit a line for: the shell reads its commands from stdin, to its end."""
    if options.is_interactive and options.stdin and not os.isatty(0):
        return dataclasses.replace(options, command="sh -l")
    return options


def _default_limit(options: Options) -> Options:
    """Unattended runs get a time limit; a shell on a terminal and --gdb do not."""
    if options.limit_secs is None and not options.is_interactive and not options.gdb:
        return dataclasses.replace(options, limit_secs=LIMIT_SECS)
    return options

# SPDX-License-Identifier: GPL-2.0-only
"""The command line of ktrun: words become Options.

In:  KTRUN_OPTS, then the arguments; the table of options (table.py), and which go together (rules.py).
Out: Options. Exit: Fault for a bad option; 0 for --help and --version.
"""
from __future__ import annotations

import argparse
import os
import shlex
import sys
import textwrap
from typing import Callable, NoReturn, Sequence

from ..judge.verdicts import help_lines
from ..lib.text import Fault, print_text, shell_word
from ..machine.topology import Topology
from .options import Options
from .rules import OF_COMPARISON, check_defaults, check_options, has_nothing_to_do
from .table import COUNTS, FLAGS, NEEDS, OPTIONAL, OPTIONS, WITH_VALUE, Option
from .values import TRACE_EVENTS

USAGE = """ktrun [options] [-- COMMAND...]
       ktrun [-q] [reports] --replay DIR
       ktrun [-q] [-v] [-t SECS] [--gdb[=wait]] --repeat DIR
       ktrun [-q] [-o DIR] [--warm] [--hosts FILE] [--junit FILE] [--report FILE] [--summary FILE] --matrix FILE
       ktrun -o DIR [--warm] --emit jobs|github --matrix FILE
       ktrun [options] [-o DIR] --compare A B [C...] [-- COMMAND...]
       ktrun [-q] [-o DIR] [reports] --compare FILE
       ktrun [--report FILE] --history-of METRIC FILE
       ktrun [-k KERNEL] --check
       ktrun --kernels | --kernel-config[=ARCH] | --warm-list | --warm-clear"""
ABOUT = """Boots a kernel in a throw-away VM, attaches a sched_ext scheduler, runs COMMAND, and reports what happened.
Stdin goes to COMMAND: in a `while read` loop, ktrun takes the loop's lines unless it has </dev/null."""
ENVIRONMENT = """environment
  KTRUN_KERNEL      the kernel, without -k
  KTRUN_OPTS        options that come before those of the command line: words, split as a shell splits them, with
                    quotes and backslashes; nothing is expanded or run
  NO_COLOR          if not empty, passed on to the guest's programs; ktrun itself prints no colours
  KTRUN_WARM_MAX    disk space for all saved guests of --warm (default 4G); the least recently used ones go first
  KTRUN_QEMU        the QEMU program (default qemu-system-x86_64)
  KTRUN_VIRTIOFSD   the virtiofsd program (default: the one of this machine); none: virtio-9p
  KTRUN_ACCEL       kvm or tcg; without it ktrun tries KVM once and remembers the outcome (in build/, or
                    ~/.cache/ktbox/)

exit codes (the first that holds, see docs/use/verdicts.md)"""
LIMIT_SECS = 120
REPEAT_LIMIT_SECS = 10 * LIMIT_SECS  # a replay takes two to four times as long as its run
_HELP_COLUMN, _HELP_WIDTH = 20, 112
_MARK = "="  # before each value: argparse takes a value that begins with - for an option, and drops a value "--"


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
    """An option and its help on one line where they fit; more lines begin at a fixed column."""
    head = f"  {action.option_strings[0]}" + _shown_value(action.metavar)
    head = head.ljust(_HELP_COLUMN - 2) + "  "
    mark = "\0" * (len(head) - _HELP_COLUMN)  # the first line is shorter by what the option takes of it
    lines = textwrap.wrap(mark + (action.help or ""), _HELP_WIDTH - _HELP_COLUMN, break_on_hyphens=False)
    return head + ("\n" + " " * _HELP_COLUMN).join(lines).lstrip("\0")


def _shown_value(metavar: object) -> str:
    """An optional value follows its "="."""
    text = str(metavar or "")
    return text if text.startswith("[=") else f" {text}" if text else ""


def make_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="ktrun", add_help=False, allow_abbrev=False)
    groups = {name: parser.add_argument_group(name) for name in ("guest", "machine", "run")}
    for option in OPTIONS:
        group = groups[option.group]
        if option.parse is None:
            group.add_argument(option.name, dest=option.dest, action="store_const", const=option.sets,
                               default="" if isinstance(option.sets, str) else False, help=option.text)
        else:
            group.add_argument(option.name, dest=option.dest, metavar=option.metavar, help=option.text,
                               action="append" if option.repeats else "store", type=_typed(option),
                               default=[] if option.repeats else option.default)
    groups["run"].add_argument("-h", action="help", help=argparse.SUPPRESS)
    groups["run"].add_argument("--help", action="help", help="print this text")
    return parser


def _typed(option: Option) -> Callable[[str], object]:
    """argparse's form of a function of values.py. argparse calls it for a default that is a string, too."""
    def typed(value: str) -> object:
        return option.parse(option.name, value.removeprefix(_MARK)) if option.parse else value
    return typed


def parse(words: Sequence[str], version: str, stdin: str, defaults: str) -> Options:
    """In: the arguments without the program's name; the file behind stdin; what KTRUN_OPTS holds; NO_COLOR."""
    parser = make_parser()
    namespace = argparse.Namespace()
    _parse_defaults(parser, namespace, defaults)
    seen, arguments = _parse_words(parser, namespace, words)
    if namespace.version:
        print_text(f"ktrun {version}\n".encode())
        sys.exit(0)
    del namespace.version
    namespace.shell = namespace.shell or (not arguments and has_nothing_to_do(namespace)
                                          and all(os.isatty(number) for number in (0, 1, 2)))
    _one_cpu_if_recorded(namespace, seen)
    _without_defaults_if_repeated(namespace, seen)
    check_options(namespace, seen, bool(arguments))
    command = " ".join(shell_word(word) for word in arguments) if arguments else None
    options = Options(**vars(namespace), command=command, arguments=arguments, stdin=stdin, words=tuple(words))
    return _default_limit(_with_figures(_default_events(_shell_from_stdin(options))))


def _one_cpu_if_recorded(namespace: argparse.Namespace, seen: Sequence[str]) -> None:
    """QEMU records no more than one. For a user who names another number it is an error."""
    if namespace.record_replay and not {"-c", "--topology"} & set(seen):
        namespace.topology = Topology(1, 1, 1, 1, is_named=False)


def _without_defaults_if_repeated(namespace: argparse.Namespace, seen: Sequence[str]) -> None:
    """KTRUN_OPTS is for runs: neither their debugger nor their limit is meant for a repetition."""
    if namespace.repeat and "--gdb" not in seen:
        namespace.gdb = None
    if namespace.repeat and "-t" not in seen:
        namespace.limit_secs = None


def _parse_defaults(parser: argparse.ArgumentParser, namespace: argparse.Namespace, defaults: str) -> None:
    namespace.variables = [("NO_COLOR", "1")] if os.environ.get("NO_COLOR") else []
    try:
        words = environment_words(defaults)
        _, arguments = _parse_words(parser, namespace, words)
        if arguments:
            raise Fault("the guest's command belongs on the command line")
        check_defaults(namespace)
    except Fault as fault:
        raise Fault(f"KTRUN_OPTS: {fault}") from fault


def is_bisect(words: Sequence[str]) -> bool:
    """Of a command line that can't be parsed further, since a file is missing."""
    options = words[:words.index("--")] if "--" in words else words
    return any(word == "--bisect" or word.startswith("--bisect=") for word in options)


def environment_words(text: str) -> list[str]:
    """TEXT as words, the way a shell splits a command line, but nothing in it is expanded or run."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise Fault(f"{error}: {text}") from error


def _parse_words(parser: argparse.ArgumentParser, namespace: argparse.Namespace,
                 words: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """The options that were named, and the guest's command, which has no words if there is none."""
    seen: list[str] = []
    marked: list[str] = []
    arguments: tuple[str, ...] = ()
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            if not rest:
                raise Fault("no command after --")
            arguments = tuple(rest)
            seen.append(word)
            break
        name, equals, glued = word.partition("=") if word.startswith("--") else (word, "", "")
        if name in OPTIONAL:
            marked += [name, _MARK + word[len(name):]]
            seen.append(name)
            continue
        values = _take_values(name, [glued, *rest] if equals else rest, bool(equals))
        del rest[:len(values) - bool(equals)]
        for value in values:
            marked += [name, _MARK + value]
        marked += [] if values else [name]
        seen.append(name)
    parser.parse_args(marked, namespace)
    return seen, arguments


def words_of_runs(words: Sequence[str]) -> list[str]:
    """WORDS without what a comparison does not pass on to its runs, and without the command."""
    kept: list[str] = []
    rest = list(words)
    while rest and rest[0] != "--":
        word = rest.pop(0)
        name, equals, glued = word.partition("=") if word.startswith("--") else (word, "", "")
        if name in OPTIONAL:
            kept.append(word)
            continue
        values = list(_take_values(name, [glued, *rest] if equals else rest, bool(equals)))
        del rest[:len(values) - bool(equals)]
        kept += [] if name in OF_COMPARISON else [name, *values]
    return kept


def _take_values(name: str, words: Sequence[str], is_glued: bool) -> Sequence[str]:
    """The values of an option, at the begin of WORDS. The first one may have been glued to it: --option=value."""
    if name in WITH_VALUE:
        count = COUNTS.get(name, 1)
        if count == 0:  # up to the next option
            count = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
        if count == 0 or len(words) < count:
            raise Fault(f"{name} needs {NEEDS.get(name, 'a value')} (see ktrun --help)")
        return words[:count]
    if name in FLAGS and not is_glued:
        return []
    if name.startswith("-"):
        raise Fault(f"unknown option: {name} (see ktrun --help)")
    raise Fault(f"unexpected word: {name} (the guest's command goes after --)")


def _shell_from_stdin(options: Options) -> Options:
    """Without a terminal there is nobody to edit a line for: the shell reads its commands from stdin, to its end."""
    if options.is_interactive and options.stdin and not os.isatty(0):
        if options.host_root:
            from ..shares.host_root import user_shell
            return options._replace(command=shell_word(user_shell()), arguments=(user_shell(),))
        return options._replace(command="sh -l", arguments=("/bin/sh", "-l"))
    return options


def _default_events(options: Options) -> Options:
    """--trace-last alone records, too."""
    if options.trace_last_secs is not None and options.trace is None:
        return options._replace(trace=TRACE_EVENTS)
    return options


def _with_figures(options: Options) -> Options:
    """A gate needs them."""
    return options._replace(stats="windows") if options.gates and not options.stats else options


def _default_limit(options: Options) -> Options:
    """Unattended runs get a time limit; a shell on a terminal and --gdb do not."""
    if options.limit_secs is None and not options.is_interactive and not options.gdb:
        return options._replace(limit_secs=REPEAT_LIMIT_SECS if options.repeat else LIMIT_SECS)
    return options

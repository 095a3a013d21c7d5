# SPDX-License-Identifier: GPL-2.0-only
"""The command line of ktrun: one table of options.

In:  KTRUN_OPTS, then the arguments. Out: Options. The parser, --help, the manual page and the completion follow from
     the table. Exit: Fault for a bad option; 0 for --help and --version.
"""
from __future__ import annotations

import argparse
import os
import shlex
import sys
import textwrap
from typing import Callable, NamedTuple, NoReturn, Optional, Sequence, Union

from .attempts import RETRIES_MAX
from .bisection import check_sides, parse_side
from .death import parse_death
from .host_root import user_shell
from .options import Options
from .text import Fault, print_text, shell_word
from .topology import Topology, parse_topology
from .values import (TRACE_EVENTS, Size, parse_architecture, parse_cpus, parse_emit, parse_escape, parse_events,
                     parse_gate, parse_gdb, parse_guest_path, parse_headline, parse_include, parse_kernel, parse_label,
                     parse_line, parse_number, parse_path, parse_percent, parse_report_path, parse_runner,
                     parse_scheduler, parse_seconds, parse_share, parse_size, parse_variable)
from .verdicts import help_lines

USAGE = """ktrun [options] [-- COMMAND...]
       ktrun [-q] [reports] --replay DIR
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
# What goes with --replay and with --matrix; the other options ask something of a run.
_WITH_REPLAY = {"-q", "-h", "--help", "--replay", "--json", "--junit", "--tap", "--report",
                "--summary"}
_WITH_MATRIX = {"-q", "-h", "--help", "--version", "--matrix", "--hosts", "--emit", "-o", "--warm", "--cold", "--junit",
                "--report", "--summary"}
_ALONE = ("--warm-list", "--warm-clear", "--kernels", "--kernel-config")
_WITH_HISTORY_OF = {"-q", "--history-of", "--report"}
# Of a comparison itself; the other options go to its runs.
OF_COMPARISON = {"--compare", "--runs", "--until", "--seed", "--metric", "--fail-if-worse", "--markdown", "--json",
                 "--summary", "--report", "-o", "-q", "-v"}
_ONLY_WITH_COMPARE = ("--runs", "--until", "--seed", "--metric", "--fail-if-worse", "--markdown")
_NOT_WITH_COMPARE = ("--shell", "--replay", "--matrix", "-n", "--gdb", "--history", "--kselftest", "--junit",
                     "--tap")
_NOT_WITH_BISECT = {"matrix": "--matrix", "compare": "--compare", "replay": "--replay", "history_of": "--history-of",
                    "gdb": "--gdb", "dry_run": "-n", "warm_list": "--warm-list", "warm_clear": "--warm-clear"}
_ON_COMMAND_LINE = {"replay": "--replay", "compare": "--compare", "history_of": "--history-of",
                    "bisect": "--bisect", "check": "--check", "kernels": "--kernels",
                    "kernel_config": "--kernel-config"}  # not in KTRUN_OPTS
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


class _Option(NamedTuple):
    group: str
    name: str
    dest: str  # the field of Options
    parse: Optional[Callable[[str, str], object]] = None  # of values.py; None: a flag
    metavar: str = ""
    text: str = ""
    default: object = None
    repeats: bool = False
    sets: Union[bool, str] = True  # the value of a flag; without it the field is False, or empty


def _number(least: int, most: int) -> Callable[[str, str], object]:
    return lambda option, value: parse_number(option, value, least, most)


def _plain(option: str, value: str) -> str:
    return value


def _test_path(option: str, value: str) -> str:
    return parse_path(option, parse_line(option, value))


_OPTIONS = (
    _Option("guest", "-k", "kernel", parse_kernel, "KERNEL",
            text="an image (bzImage, ELF vmlinux, arm64 Image), a directory with one, such as a build tree, or a "
                 "VERSION that --kernels lists, which is fetched from Debian if need be; see docs/use/kernels.md "
                 "(default: $KTRUN_KERNEL, else the build tree in which ktrun is started, else build/kernel/image of "
                 "ktbox's source tree, made by `make kernel`)"),
    _Option("guest", "-s", "scheduler", parse_scheduler, "SCHEDULER",
            text="program or script, or a command by its bare name; its shared libraries or its "
                 "interpreter come along"),
    _Option("guest", "-a", "scheduler_args", _plain, '"ARGS"', default="",
            text="arguments of the scheduler, split at white space"),
    _Option("guest", "--enable", "enable", parse_path, "FILE", text="ktsh-lite script to run before the scheduler"),
    _Option("guest", "--disable", "disable", parse_path, "FILE", text="ktsh-lite script to run after the scheduler"),
    _Option("guest", "-i", "includes", parse_include, "PATH[:GUEST]", repeats=True,
            text="copy a file, directory, or command by its bare name to /include-files/ (on the guest's PATH), or to "
                 "GUEST, with its shared libraries and its interpreter; repeatable"),
    _Option("guest", "--ro", "shares", parse_share, "DIR[:GUEST]", repeats=True,
            text="show a directory of the host in the guest, at GUEST or at its own path, by virtio-9p or virtiofs; "
                 "repeatable"),
    _Option("guest", "--rw", "shares", parse_share, "DIR[:GUEST]", repeats=True,
            text="the same, and the guest may write there"),
    _Option("guest", "--host-root", "host_root",
            text="run COMMAND and SCHEDULER in this machine's own root directory: read-only, and what the guest changes "
                 "is in its memory. They have your directory and environment, and --shell is your shell; see "
                 "docs/use/host-root.md"),
    _Option("guest", "--modules", "modules", parse_path, "DIR",
            text="the kernel's modules (default: beside it, else /lib/modules/VERSION): ktrun packs and loads what "
                 "ktbox needs and is not built in"),
    _Option("guest", "-e", "variables", parse_variable, "NAME=VALUE", repeats=True,
            text="environment of scheduler and payload; repeatable"),
    _Option("guest", "--test", "tests", _test_path, "FILE...", repeats=True,
            text="run shunit2 scripts instead of COMMAND; ktrun reports each test, and a failed one fails the run"),
    _Option("guest", "--kselftest", "kselftest", parse_runner, "RUNNER",
            text="run this program or script, with the words after -- as its arguments, and read the KTAP that it prints: "
                 "ktrun reports each test, and a failed one, or one that is missing, fails the run"),
    _Option("guest", "--scenario", "scenario", parse_path, "FILE",
            text="run the shell commands of FILE at their times, beside COMMAND, or alone; see docs/use/scenario.md"),
    _Option("guest", "--shell", "shell",
            text="open a shell in the guest on this terminal, as ktrun does there if it has nothing to run; without a "
                 "terminal it reads its commands from stdin; with COMMAND, run that command instead of a shell"),
    _Option("guest", "--history", "history", parse_path, "FILE",
            text="keep the guest shell's history in FILE (created if missing)"),
    _Option("guest", "--escape", "escape", parse_escape, "CHAR", default="]",
            text="end the VM from the shell with Ctrl-CHAR (default ]); none: no key does"),
    _Option("guest", "--expect-death", "expect_death", parse_death, "[=REGEX]",
            text="fail the run unless the scheduler dies; with REGEX (Python's), unless its death, as sched-died words it, "
                 "matches"),
    _Option("guest", "--allow-bad-exit", "allow_bad_exit",
            text="don't fail the run when the scheduler, asked to end, ends with an error or by another signal"),
    _Option("guest", "--fail-on-warn", "fail_on_warn",
            text="fail the run if the kernel logs a WARN, lockdep splat, lockup, hung task, KASAN report, BUG or "
                 "the like"),
    _Option("machine", "-m", "memory_mib", _number(1, 1048576), "MIB", default=512,
            text="memory (default 512, at least 128)"),
    _Option("machine", "-c", "topology", parse_cpus, "CPUS", default=Topology(1, 1, 2, 1, is_named=False),
            text="number of CPUs (default 2): one node, one last-level cache"),
    _Option("machine", "--topology", "topology", parse_topology, "N,L,C,T", default=Topology(1, 1, 2, 1, is_named=False),
            text="NUMA nodes, last-level caches per node, cores per cache, threads per core; the nodes share the "
                 "memory, a remainder goes to the first"),
    _Option("machine", "--append", "append", _plain, "WORDS", repeats=True,
            text="add words to the kernel's command line; repeatable"),
    _Option("machine", "--qemu-arg", "qemu_args", parse_line, "ARG", repeats=True,
            text="add one argument for QEMU; repeatable"),
    _Option("machine", "--gdb", "gdb", parse_gdb, "[=WHEN]",
            text="let a debugger attach at any time, on the first free port from 1234; with WHEN the guest waits for it: "
                 "wait, before the first instruction; on-panic, where it panics or resets. :PORT, or WHEN:PORT, is "
                 "another port; see docs/use/post-mortem.md"),
    _Option("machine", "--warm", "warm",
            text="don't boot, but resume a guest that was saved when it had booted; the first run for a kernel and a "
                 "machine saves it, see docs/use/warm-start.md"),
    _Option("machine", "--cold", "warm", sets=False, text="boot (the default); takes back --warm of KTRUN_OPTS"),
    _Option("machine", "--vmcore", "vmcore",
            text="keep the guest's memory as the artifact `vmcore`, for crash and drgn, if the guest panics, is lost or "
                 "reaches the limit of -t; see docs/use/post-mortem.md"),
    _Option("machine", "--pin", "pin",
            text="give each thread that runs CPUs of the guest a CPU of this machine for itself, of one last-level "
                 "cache, which no other ktrun --pin uses meanwhile; see docs/use/stats.md"),
    _Option("run", "-t", "limit_secs", _number(1, 99999999), "SECS",
            text="wall-clock limit (default 120; none for a shell on a terminal or --gdb)"),
    _Option("run", "--retries", "retries", _number(0, RETRIES_MAX), "N", default=0,
            text="run again, at most N times, what neither passes nor is an error of the host; a pass after a failure is "
                 "`flaky` in each report (and no failure). The payload's stdin is empty then; see docs/use/ci.md"),
    _Option("run", "-o", "output", parse_path, "DIR",
            text="the run directory (default: a new one under build/runs/ of the source tree; of an installed "
                 "ktrun, under ~/.local/state/ktbox/runs/)"),
    _Option("run", "--max-output", "max_output", parse_size, "SIZE", default=Size("1G", 1048576),
            text="end the run when the guest sends or prints more than its share of SIZE, the disk space for all "
                 "artifacts (default 1G). Each stream has an eighth, see docs/use/artifacts.md"),
    _Option("run", "--get", "gets", parse_guest_path, "GUEST_PATH", repeats=True,
            text="bring a file or directory of the guest back, at its end, into DIR/get/; repeatable"),
    _Option("run", "--dmesg", "dmesg", text="keep the kernel's log as the artifact `dmesg`"),
    _Option("run", "--printk", "printk",
            text="show the global trace (bpf_printk) live on stderr, prefixed, and keep it as `printk`"),
    _Option("run", "--trace", "trace", parse_events, "[=EVENTS]",
            text="record scheduling events, or EVENTS (SYSTEM:NAME of tracefs, with commas between), in a ring that "
                 "the kernel stops at the scheduler's death. Unless the run passes, it is kept as trace.dat, for "
                 "trace-cmd, and trace.systrace, for ui.perfetto.dev, see docs/use/trace.md"),
    _Option("run", "--trace-last", "trace_last_secs", parse_seconds, "SECS",
            text="the same, but keep the last SECS seconds of it only, and of a run that passes too"),
    _Option("run", "--plain", "plain", text="write dump files without the trace's prefix"),
    _Option("run", "--stats", "stats", sets="windows",
            text="measure how well the payload was scheduled: wakeup latency (in a window of 40 ms per second), waits, "
                 "CPU time, migrations, sched_ext's events; see docs/use/stats.md"),
    _Option("run", "--stats-all", "stats", sets="all",
            text="the same, and time all wakeups, for the maximum and short runs: that slows down a payload which only "
                 "switches by two thirds"),
    _Option("run", "--gate", "gates", parse_gate, "METRIC<LIMIT", repeats=True,
            text="fail the run unless a figure keeps its limit (<, <=, > or >=, with a unit: 'wake_p99<5ms'); measures as "
                 "--stats does; repeatable, see docs/use/stats.md"),
    _Option("run", "--replay", "replay", parse_path, "DIR",
            text="judge the finished run in DIR once more, without a VM: summary, output and exit code are those "
                 "of the run. ktrun makes the files anew in DIR itself: give a copy to keep the old ones"),
    _Option("run", "--json", "json", parse_report_path, "FILE", text="write the content of result.json"),
    _Option("run", "--junit", "junit", parse_report_path, "FILE", text="write JUnit XML: the run is a test case"),
    _Option("run", "--tap", "tap", parse_report_path, "FILE", text="write the same as TAP 13"),
    _Option("run", "--report", "report", parse_report_path, "FILE",
            text="write one HTML page: verdict, timeline, dump and logs with the lines that matter marked. The "
                 "FILE of one report may be -, stdout; then ktrun keeps the payload's stdout and does not print it"),
    _Option("run", "--summary", "summary", parse_report_path, "FILE",
            text="append a summary in Markdown to FILE, of a run, a matrix or a comparison: what CI shows below a job, "
                 "$GITHUB_STEP_SUMMARY for example; see docs/use/ci.md"),
    _Option("run", "--matrix", "matrix", parse_path, "FILE",
            text="run kernels x topologies x schedulers x payloads, a VM each, as many at once as fit; see "
                 "docs/use/matrix.md. With the same -o DIR a stopped matrix goes on"),
    _Option("run", "--hosts", "hosts", parse_path, "FILE",
            text="with --matrix: run the cells on the machines of FILE, lines [N/][USER@]HOST or [N/]ssh OPTIONS HOST; "
                 "they need ssh, QEMU and Python 3.9; see docs/use/matrix.md"),
    _Option("run", "--emit", "emit", parse_emit, "jobs|github",
            text="with --matrix -o DIR: print the command of each cell that is to run and stop, one per line for a batch "
                 "system, or all as one JSON object for a matrix of GitHub Actions; nothing runs"),
    _Option("run", "--compare", "compare", _plain, "SCHEDULER...", repeats=True,
            text="run two or more schedulers in turn, a VM for each run, and report which is better by which figure; "
                 "an operand is a scheduler with its arguments, none (the kernel's own), or KEY=VALUE (kernel, "
                 "topology, args, ...); FILE alone is a file of --matrix; see docs/use/compare.md"),
    _Option("run", "--runs", "runs", _number(1, 10000), "N",
            text="with --compare: runs of each side (default 10; with --until at most 40)"),
    _Option("run", "--until", "until", parse_percent, "PERCENT",
            text="with --compare: end when the difference of each headline metric is known to +-PERCENT"),
    _Option("run", "--seed", "seed", _number(0, 999999999), "N",
            text="with --compare: fix the order of the runs and the bootstrap's choices (default: a new one, which is "
                 "printed)"),
    _Option("run", "--metric", "metrics", parse_headline, "NAME[:lower|higher]", repeats=True,
            text="with --compare: make NAME a headline metric instead of the usual ones, better if lower or higher; "
                 "repeatable"),
    _Option("run", "--fail-if-worse", "fail_if_worse",
            text="with --compare: exit with 1 if a headline metric of a side is worse than the first side's"),
    _Option("run", "--markdown", "markdown", parse_report_path, "FILE",
            text="with --compare: write the table as Markdown, for a pull request"),
    _Option("run", "--record", "record", parse_path, "FILE",
            text="append the figures of the run (with --stats) and what was run to FILE, a line of JSON; see "
                 "docs/use/history.md"),
    _Option("run", "--label", "label", parse_label, "TEXT",
            text="with --record: what --history-of calls this run, a commit for example"),
    _Option("run", "--history-of", "history_of", _plain, "METRIC FILE", repeats=True,
            text="show METRIC over the runs in FILE (of --record) and stop; --report draws it"),
    _Option("run", "--bisect", "bisect", parse_side, "SIDE...", repeats=True,
            text="end as `git bisect run` wants it: with 0, 1, or 125 (skip); each SIDE is good=VERDICT,... (default "
                 "pass) or bad=VERDICT,...; other verdicts, and files that a commit lacks, skip it; see docs/use/bisect.md"),
    _Option("run", "--check", "check",
            text="with -k: print which options the kernel's configuration lacks, and what each is for; exit with 1 if "
                 "no guest or no scheduler runs without one. KERNEL may be a .config, too"),
    _Option("run", "--kernels", "kernels",
            text="list the kernels of this machine and of Debian, what -k takes for each, and whether it has "
                 "sched_ext"),
    _Option("run", "--kernel-config", "kernel_config", parse_architecture, "[=ARCH]",
            text="print the options that ktbox and sched_ext need, for the kernel's scripts/kconfig/merge_config.sh; "
                 "ARCH: x86_64 (the default) or aarch64"),
    _Option("run", "--warm-list", "warm_list", text="list the saved guests and stop"),
    _Option("run", "--warm-clear", "warm_clear", text="remove the saved guests that no run uses, and stop"),
    _Option("run", "-n", "dry_run", text="print the QEMU command and stop: nothing is started, nothing is kept"),
    _Option("run", "-q", "quiet", text="print no summary if the run passed"),
    _Option("run", "-v", "verbose", text="show the QEMU command and, live, the console on stderr"),
    _Option("run", "--version", "version", text="print the version of ktbox"),
)
_WITH_VALUE = {option.name for option in _OPTIONS if option.parse}
_FLAGS = {option.name for option in _OPTIONS if not option.parse} | {"-h", "--help"}
_OPTIONAL = {option.name for option in _OPTIONS if option.metavar.startswith("[=")}  # a value only after "="
_COUNTS = {"--test": 0, "--compare": 0, "--bisect": 0, "--history-of": 2}  # values of an option that has not one; 0: as many as follow
_NEEDS = {"--test": "a script", "--compare": "schedulers", "--history-of": "a metric and a file",
          "--bisect": "bad=VERDICT"}
_MARK = "="  # before each value: argparse takes a value that begins with - for an option, and drops a value "--"


def make_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="ktrun", add_help=False, allow_abbrev=False)
    groups = {name: parser.add_argument_group(name) for name in ("guest", "machine", "run")}
    for option in _OPTIONS:
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


def _typed(option: _Option) -> Callable[[str], object]:
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
    _check_comparison(namespace, seen)
    _check_bisect(namespace)
    alone = next((word for word in _ALONE if word in seen), None)
    if alone and len(seen) > 1:
        raise Fault(f"{alone}: no other option goes with it: {next(word for word in seen if word != alone)}")
    other = [word for word in seen if word not in ("-k", "--check")]
    if namespace.check and other:
        raise Fault(f"--check: only -k goes with it: {other[-1]}")
    command = " ".join(shell_word(word) for word in arguments) if arguments else None
    if namespace.retries and (namespace.gdb or (namespace.shell and not arguments)):
        raise Fault("--retries: a run that somebody attends is not run again: neither --gdb nor --shell without a command "
                    "goes with it")
    namespace.shell = namespace.shell or (not arguments and _has_nothing_to_do(namespace)
                                          and all(os.isatty(number) for number in (0, 1, 2)))
    if "--history" in seen and not namespace.shell:
        raise Fault("--history: only a shell has a history: give --shell")
    options = Options(**vars(namespace), command=command, arguments=arguments, stdin=stdin,
                      words=tuple(words))
    return _default_limit(_with_figures(_default_events(_shell_from_stdin(options))))


def _has_nothing_to_do(namespace: argparse.Namespace) -> bool:
    """Somebody at a terminal then wants to look at the guest."""
    return not any(getattr(namespace, name) for name in (
        "scheduler", "enable", "disable", "tests", "scenario", "kselftest", "replay", "matrix", "compare", "history_of",
        "bisect", "gets", "gates", "record", "json", "junit", "tap", "report", "summary", "check", "kernels",
        "kernel_config", "warm_list", "warm_clear", "gdb"))


def _check_comparison(namespace: argparse.Namespace, seen: Sequence[str]) -> None:
    if namespace.compare:
        other = next((word for word in _NOT_WITH_COMPARE if word in seen), None)
        if other:
            raise Fault(f"--compare: not for many runs, or not for a comparison: {other}")
    else:
        other = next((word for word in _ONLY_WITH_COMPARE if word in seen), None)
        if other:
            raise Fault(f"{other}: only for a comparison: give --compare")
    other = next((word for word in seen if word not in _WITH_HISTORY_OF), None)
    if namespace.history_of and other:
        raise Fault(f"--history-of: only -q and --report go with it: {other}")
    if namespace.label and not namespace.record:
        raise Fault("--label: there is no record that it could name: give --record")


def _check_bisect(namespace: argparse.Namespace) -> None:
    """An exit code of 0 that is no verdict would make a commit good."""
    if namespace.bisect:
        other = next((name for dest, name in _NOT_WITH_BISECT.items() if getattr(namespace, dest)), None)
        if other:
            raise Fault(f"--bisect: judges one run, which nobody has to attend: {other}")
        check_sides("--bisect", namespace.bisect)


def _parse_defaults(parser: argparse.ArgumentParser, namespace: argparse.Namespace, defaults: str) -> None:
    """A default does not count as "another option" beside --replay."""
    namespace.variables = [("NO_COLOR", "1")] if os.environ.get("NO_COLOR") else []
    try:
        words = environment_words(defaults)
        _, arguments = _parse_words(parser, namespace, words)
        if arguments:
            raise Fault("the guest's command belongs on the command line")
        for dest, name in _ON_COMMAND_LINE.items():
            if getattr(namespace, dest):
                raise Fault(f"{name} belongs on the command line")
        if namespace.warm_list or namespace.warm_clear:
            raise Fault("--warm-list and --warm-clear belong on the command line")
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
        if name in _OPTIONAL:
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
        if name in _OPTIONAL:
            kept.append(word)
            continue
        values = list(_take_values(name, [glued, *rest] if equals else rest, bool(equals)))
        del rest[:len(values) - bool(equals)]
        kept += [] if name in OF_COMPARISON else [name, *values]
    return kept


def _take_values(name: str, words: Sequence[str], is_glued: bool) -> Sequence[str]:
    """The values of an option, at the begin of WORDS. The first one may have been glued to it: --option=value."""
    if name in _WITH_VALUE:
        count = _COUNTS.get(name, 1)
        if count == 0:  # up to the next option
            count = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
        if count == 0 or len(words) < count:
            raise Fault(f"{name} needs {_NEEDS.get(name, 'a value')} (see ktrun --help)")
        return words[:count]
    if name in _FLAGS and not is_glued:
        return []
    if name.startswith("-"):
        raise Fault(f"unknown option: {name} (see ktrun --help)")
    raise Fault(f"unexpected word: {name} (the guest's command goes after --)")


def _shell_from_stdin(options: Options) -> Options:
    """Without a terminal there is nobody to edit a line for: the shell reads its commands from stdin, to its end."""
    if options.is_interactive and options.stdin and not os.isatty(0):
        if options.host_root:
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
        return options._replace(limit_secs=LIMIT_SECS)
    return options

# SPDX-License-Identifier: GPL-2.0-only
"""The options of ktrun: one row each.

The parser, --help, the manual page and the completion follow from this table (cli.py); rules.py says which
options go together. In: nothing. Out: OPTIONS, and what the parser asks of them.
"""
from __future__ import annotations

from typing import Callable, NamedTuple, Optional, Union

from ..judge.attempts import RETRIES_MAX
from ..judge.bisection import parse_side
from ..judge.death import parse_death
from ..machine.topology import Topology, parse_cpus, parse_topology
from .values import (TRACE_EVENTS, Size, parse_architecture, parse_emit, parse_escape, parse_events, parse_gate,
                     parse_gdb, parse_guest_path, parse_headline, parse_include, parse_kernel, parse_label, parse_line,
                     parse_number, parse_path, parse_percent, parse_record_path, parse_report_path, parse_runner,
                     parse_scheduler, parse_seconds, parse_share, parse_size, parse_variable, parse_words)


class Option(NamedTuple):
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


MAX_OUTPUT_KIB = 1048576  # without --max-output
OPTIONS = (
    Option("guest", "-k", "kernel", parse_kernel, "KERNEL",
            text="an image (bzImage, ELF vmlinux, arm64 Image), a directory with one, such as a build tree, or a "
                 "VERSION that --kernels lists, which is fetched from Debian if need be; see docs/use/kernels.md "
                 "(default: $KTRUN_KERNEL, else the build tree in which ktrun is started, else build/kernel/image of "
                 "ktbox's source tree, made by `make kernel`)"),
    Option("guest", "-s", "scheduler", parse_scheduler, "SCHEDULER",
            text="program or script, or a command by its bare name; its shared libraries or its "
                 "interpreter come along"),
    Option("guest", "-a", "scheduler_args", _plain, '"ARGS"', default="",
            text="arguments of the scheduler, split at white space"),
    Option("guest", "--enable", "enable", parse_path, "FILE", text="ktsh-lite script to run before the scheduler"),
    Option("guest", "--disable", "disable", parse_path, "FILE", text="ktsh-lite script to run after the scheduler"),
    Option("guest", "-i", "includes", parse_include, "PATH[:GUEST]", repeats=True,
            text="copy a file, directory, or command by its bare name to /include-files/ (on the guest's PATH), or to "
                 "GUEST, with its shared libraries and its interpreter; repeatable"),
    Option("guest", "--ro", "shares", parse_share, "DIR[:GUEST]", repeats=True,
            text="show a directory of the host in the guest, at GUEST or at its own path, by virtio-9p or virtiofs; "
                 "repeatable"),
    Option("guest", "--rw", "shares", parse_share, "DIR[:GUEST]", repeats=True,
            text="the same, and the guest may write there"),
    Option("guest", "--host-root", "host_root",
            text="run COMMAND and SCHEDULER in this machine's own root directory: read-only, and what the guest "
                 "changes is in its memory. They have your directory and environment, and --shell is your shell; see "
                 "docs/use/host-root.md"),
    Option("guest", "--modules", "modules", parse_path, "DIR",
            text="the kernel's modules (default: beside it, else /lib/modules/VERSION): ktrun packs and loads what "
                 "ktbox needs and is not built in"),
    Option("guest", "-e", "variables", parse_variable, "NAME=VALUE", repeats=True,
            text="environment of scheduler and payload; repeatable"),
    Option("guest", "--test", "tests", _test_path, "FILE...", repeats=True,
            text="run shunit2 scripts instead of COMMAND; ktrun reports each test, and a failed one fails the run"),
    Option("guest", "--kselftest", "kselftest", parse_runner, "RUNNER",
            text="run this program or script, with the words after -- as its arguments, and read the KTAP that it "
                 "prints: ktrun reports each test, and a failed one, or one that is missing, fails the run"),
    Option("guest", "--scenario", "scenario", parse_path, "FILE",
            text="run the shell commands of FILE at their times, beside COMMAND, or alone; see docs/use/scenario.md"),
    Option("guest", "--shell", "shell",
            text="open a shell in the guest on this terminal, as ktrun does there if it has nothing to run; without a "
                 "terminal it reads its commands from stdin; with COMMAND, run that command instead of a shell"),
    Option("guest", "--history", "history", parse_path, "FILE",
            text="keep the guest shell's history in FILE (created if missing)"),
    Option("guest", "--escape", "escape", parse_escape, "CHAR", default="]",
            text="end the VM from the shell with Ctrl-CHAR (default ]); none: no key does"),
    Option("guest", "--expect-death", "expect_death", parse_death, "[=REGEX]",
            text="fail the run unless the scheduler dies; with REGEX (Python's), unless its death, as sched-died "
                 "words it, matches"),
    Option("guest", "--allow-bad-exit", "allow_bad_exit",
            text="don't fail the run when the scheduler, asked to end, ends with an error or by another signal"),
    Option("guest", "--fail-on-warn", "fail_on_warn",
            text="fail the run if the kernel logs a WARN, lockdep splat, lockup, hung task, KASAN report, BUG or "
                 "the like"),
    Option("machine", "-m", "memory_mib", _number(1, 1048576), "MIB", default=512,
            text="memory (default 512, at least 128)"),
    Option("machine", "-c", "topology", parse_cpus, "CPUS", default=Topology(1, 1, 2, 1, is_named=False),
            text="number of CPUs (default 2): one node, one last-level cache"),
    Option("machine", "--topology", "topology", parse_topology, "N,L,C,T", default=Topology(1, 1, 2, 1, is_named=False),
            text="NUMA nodes, last-level caches per node, cores per cache, threads per core; the nodes share the "
                 "memory, a remainder goes to the first"),
    Option("machine", "--append", "append", parse_words, "WORDS", repeats=True,
            text="add words to the kernel's command line; repeatable"),
    Option("machine", "--qemu-arg", "qemu_args", parse_line, "ARG", repeats=True,
            text="add one argument for QEMU; repeatable"),
    Option("machine", "--gdb", "gdb", parse_gdb, "[=WHEN]",
            text="let a debugger attach at any time, on the first free port from 1234; with WHEN the guest waits for "
                 "it: wait, before the first instruction; on-panic, where it panics or resets. :PORT, or WHEN:PORT, "
                 "is another port; see docs/use/post-mortem.md"),
    Option("machine", "--warm", "warm",
            text="don't boot, but resume a guest that was saved when it had booted; the first run for a kernel and a "
                 "machine saves it, see docs/use/warm-start.md"),
    Option("machine", "--cold", "warm", sets=False, text="boot (the default); takes back --warm of KTRUN_OPTS"),
    Option("machine", "--vmcore", "vmcore",
            text="keep the guest's memory as the artifact `vmcore`, for crash and drgn, if the guest panics, is lost "
                 "or reaches the limit of -t; see docs/use/post-mortem.md"),
    Option("machine", "--record-replay", "record_replay",
            text="record the run so that --repeat runs its guest again, instruction by instruction: one CPU (the "
                 "default with this option), TCG; the payload's stdin is empty; see docs/use/record-replay.md"),
    Option("machine", "--pin", "pin",
            text="give each thread that runs CPUs of the guest a CPU of this machine for itself, of one last-level "
                 "cache, which no other ktrun --pin uses meanwhile; see docs/use/stats.md"),
    Option("run", "-t", "limit_secs", _number(1, 99999999), "SECS",
            text="wall-clock limit (default 120; none for a shell on a terminal or --gdb)"),
    Option("run", "--retries", "retries", _number(0, RETRIES_MAX), "N", default=0,
            text="run again, at most N times, what neither passes nor is an error of the host; a pass after a failure "
                 "is `flaky` in each report (and no failure). The payload's stdin is empty then; see docs/use/ci.md"),
    Option("run", "-o", "output", parse_path, "DIR",
            text="the run directory (default: a new one under build/runs/ of the source tree; of an installed "
                 "ktrun, under ~/.local/state/ktbox/runs/)"),
    Option("run", "--max-output", "max_output", parse_size, "SIZE", default=Size("1G", MAX_OUTPUT_KIB),
            text="end the run when the guest sends or prints more than its share of SIZE, the disk space for all "
                 "artifacts (default 1G). Each stream has an eighth, see docs/use/artifacts.md"),
    Option("run", "--get", "gets", parse_guest_path, "GUEST_PATH", repeats=True,
            text="bring a file or directory of the guest back, at its end, into DIR/get/; repeatable"),
    Option("run", "--dmesg", "dmesg", text="keep the kernel's log as the artifact `dmesg`"),
    Option("run", "--printk", "printk",
            text="show the global trace (bpf_printk) live on stderr, prefixed, and keep it as `printk`"),
    Option("run", "--trace", "trace", parse_events, "[=EVENTS]",
            text="record scheduling events, or EVENTS (SYSTEM:NAME of tracefs, with commas between), in a ring that "
                 "the kernel stops at the scheduler's death. Unless the run passes, it is kept as trace.dat, for "
                 "trace-cmd, and trace.systrace, for ui.perfetto.dev, see docs/use/trace.md"),
    Option("run", "--trace-last", "trace_last_secs", parse_seconds, "SECS",
            text="the same, but keep the last SECS seconds of it only, and of a run that passes too"),
    Option("run", "--bpf", "bpf",
            text="keep the scheduler's BPF maps as they were at its end, and count the calls of its programs, which "
                 "slows each down; see docs/use/post-mortem.md"),
    Option("run", "--plain", "plain", text="write dump files without the trace's prefix"),
    Option("run", "--stats", "stats", sets="windows",
            text="measure how well the payload was scheduled: wakeup latency (in a window of 40 ms per second), "
                 "waits, CPU time, migrations, sched_ext's events; see docs/use/stats.md"),
    Option("run", "--stats-all", "stats", sets="all",
            text="the same, and time all wakeups, for the maximum and short runs: that slows down a payload which "
                 "only switches by two thirds"),
    Option("run", "--gate", "gates", parse_gate, "METRIC<LIMIT", repeats=True,
            text="fail the run unless a figure keeps its limit (<, <=, > or >=, with a unit: 'wake_p99<5ms'); "
                 "measures as --stats does; repeatable, see docs/use/stats.md"),
    Option("run", "--replay", "replay", parse_path, "DIR",
            text="judge the finished run in DIR once more, without a VM: summary, output and exit code are those "
                 "of the run. ktrun makes the files anew in DIR itself: give a copy to keep the old ones"),
    Option("run", "--repeat", "repeat", parse_path, "DIR",
            text="run the guest of DIR, a run with --record-replay, once more, and compare what it writes byte by "
                 "byte; with --gdb[=wait] under a debugger; exit with 1 if it differs; see docs/use/record-replay.md"),
    Option("run", "--json", "json", parse_report_path, "FILE", text="write the content of result.json"),
    Option("run", "--junit", "junit", parse_report_path, "FILE", text="write JUnit XML: the run is a test case"),
    Option("run", "--tap", "tap", parse_report_path, "FILE", text="write the same as TAP 13"),
    Option("run", "--report", "report", parse_report_path, "FILE",
            text="write one HTML page: verdict, timeline, dump and logs with the lines that matter marked. The "
                 "FILE of one report may be -, stdout; then ktrun keeps the payload's stdout and does not print it"),
    Option("run", "--summary", "summary", parse_report_path, "FILE",
            text="append a summary in Markdown to FILE, of a run, a matrix or a comparison: what CI shows below a "
                 "job, $GITHUB_STEP_SUMMARY for example; see docs/use/ci.md"),
    Option("run", "--matrix", "matrix", parse_path, "FILE",
            text="run kernels x topologies x schedulers x payloads, a VM each, as many at once as fit; see "
                 "docs/use/matrix.md. With the same -o DIR a stopped matrix goes on"),
    Option("run", "--hosts", "hosts", parse_path, "FILE",
            text="with --matrix: run the cells on the machines of FILE, lines [N/][USER@]HOST or [N/]ssh OPTIONS "
                 "HOST; they need ssh, QEMU and Python 3.9; see docs/use/matrix.md"),
    Option("run", "--emit", "emit", parse_emit, "jobs|github",
            text="with --matrix -o DIR: print the command of each cell that is to run and stop, one per line for a "
                 "batch system, or all as one JSON object for a matrix of GitHub Actions; nothing runs"),
    Option("run", "--compare", "compare", _plain, "SCHEDULER...", repeats=True,
            text="run two or more schedulers in turn, a VM for each run, and report which is better by which figure; "
                 "an operand is a scheduler with its arguments, none (the kernel's own), or KEY=VALUE (kernel, "
                 "topology, args, ...); FILE alone is a file of --matrix; see docs/use/compare.md"),
    Option("run", "--runs", "runs", _number(1, 10000), "N",
            text="with --compare: runs of each side (default 10; with --until at most 40)"),
    Option("run", "--until", "until", parse_percent, "PERCENT",
            text="with --compare: end when the difference of each headline metric is known to +-PERCENT"),
    Option("run", "--seed", "seed", _number(0, 999999999), "N",
            text="with --compare: fix the order of the runs and the bootstrap's choices (default: a new one, which is "
                 "printed)"),
    Option("run", "--metric", "metrics", parse_headline, "NAME[:lower|higher]", repeats=True,
            text="with --compare: make NAME a headline metric instead of the usual ones, better if lower or higher; "
                 "repeatable"),
    Option("run", "--fail-if-worse", "fail_if_worse",
            text="with --compare: exit with 1 if a headline metric of a side is worse than the first side's"),
    Option("run", "--markdown", "markdown", parse_report_path, "FILE",
            text="with --compare: write the table as Markdown, for a pull request"),
    Option("run", "--record", "record", parse_record_path, "FILE",
            text="append the figures of the run (with --stats) and what was run to FILE, a line of JSON; see "
                 "docs/use/history.md"),
    Option("run", "--label", "label", parse_label, "TEXT",
            text="with --record: what --history-of calls this run, a commit for example"),
    Option("run", "--history-of", "history_of", _plain, "METRIC FILE", repeats=True,
            text="show METRIC over the runs in FILE (of --record) and stop; --report draws it"),
    Option("run", "--bisect", "bisect", parse_side, "SIDE...", repeats=True,
            text="end as `git bisect run` wants it: with 0, 1, or 125 (skip); each SIDE is good=VERDICT,... (default "
                 "pass) or bad=VERDICT,...; other verdicts, and files that a commit lacks, skip it; see "
                 "docs/use/bisect.md"),
    Option("run", "--check", "check",
            text="with -k: print which options the kernel's configuration lacks, and what each is for; exit with 1 if "
                 "no guest or no scheduler runs without one. KERNEL may be a .config, too"),
    Option("run", "--kernels", "kernels",
            text="list the kernels of this machine and of Debian, what -k takes for each, and whether it has "
                 "sched_ext"),
    Option("run", "--kernel-config", "kernel_config", parse_architecture, "[=ARCH]",
            text="print the options that ktbox and sched_ext need, for the kernel's scripts/kconfig/merge_config.sh; "
                 "ARCH: x86_64 (the default) or aarch64"),
    Option("run", "--warm-list", "warm_list", text="list the saved guests and stop"),
    Option("run", "--warm-clear", "warm_clear", text="remove the saved guests that no run uses, and stop"),
    Option("run", "-n", "dry_run", text="print the QEMU command and stop: nothing is started, nothing is kept"),
    Option("run", "-q", "quiet", text="print no summary if the run passed"),
    Option("run", "-v", "verbose", text="show the QEMU command and, live, the console on stderr"),
    Option("run", "--version", "version", text="print the version of ktbox"),
)
WITH_VALUE = {option.name for option in OPTIONS if option.parse}
FLAGS = {option.name for option in OPTIONS if not option.parse} | {"-h", "--help"}
OPTIONAL = {option.name for option in OPTIONS if option.metavar.startswith("[=")}  # a value only after "="
# Values of an option that has not one; 0: as many as follow.
COUNTS = {"--test": 0, "--compare": 0, "--bisect": 0, "--history-of": 2}
NEEDS = {"--test": "a script", "--compare": "schedulers", "--history-of": "a metric and a file",
          "--bisect": "bad=VERDICT"}

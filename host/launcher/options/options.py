# SPDX-License-Identifier: GPL-2.0-only
"""What the command line says, as one value."""
from __future__ import annotations

from typing import NamedTuple, Optional

from ..judge.bisection import Side
from ..machine.topology import Topology
from .values import GDB_ON_PANIC, Gate, Gdb, Headline, Include, Share, Size


class Options(NamedTuple):
    words: tuple[str, ...]  # the arguments, as typed
    # guest
    kernel: Optional[str]
    scheduler: Optional[str]
    scheduler_args: str
    enable: Optional[str]
    disable: Optional[str]
    includes: list[Include]
    shares: list[Share]
    host_root: bool
    modules: Optional[str]
    variables: list[tuple[str, str]]
    tests: list[str]
    kselftest: Optional[str]
    scenario: Optional[str]
    command: Optional[str]  # as a shell reads it
    arguments: tuple[str, ...]  # the same command: the program and its arguments as they are
    shell: bool
    history: Optional[str]
    escape: str  # empty: no key ends the VM
    expect_death: Optional[str]  # how, as a regular expression; empty: in any way; None: it must not die
    allow_bad_exit: bool
    fail_on_warn: bool
    stdin: str  # the file behind ktrun's stdin; empty: it was closed
    # machine
    memory_mib: int
    topology: Topology
    append: list[str]
    qemu_args: list[str]
    gdb: Optional[Gdb]
    warm: bool
    vmcore: bool
    record_replay: bool
    pin: bool
    # run
    limit_secs: Optional[int]
    retries: int
    output: Optional[str]
    max_output: Size
    gets: list[str]
    dmesg: bool
    printk: bool
    trace: Optional[tuple[str, ...]]  # SYSTEM/NAME of each event
    trace_last_secs: Optional[int]
    bpf: bool
    plain: bool
    gates: list[Gate]
    stats: str  # which wakeups are timed: "windows" or "all"; empty: no figures are wanted
    replay: Optional[str]
    repeat: Optional[str]
    json: Optional[str]
    junit: Optional[str]
    tap: Optional[str]
    report: Optional[str]
    summary: Optional[str]
    matrix: Optional[str]
    hosts: Optional[str]  # the file of --hosts
    emit: Optional[str]  # one of EMITS of values.py
    compare: list[str]  # the operands, as typed
    runs: Optional[int]
    until: Optional[float]  # percent
    seed: Optional[int]
    metrics: list[Headline]
    markdown: Optional[str]
    fail_if_worse: bool
    record: Optional[str]
    label: Optional[str]
    bisect: list[Side]
    history_of: list[str]  # a metric and a file
    check: bool
    kernels: bool
    kernel_config: Optional[str]  # the architecture
    warm_list: bool
    warm_clear: bool
    dry_run: bool
    quiet: bool
    verbose: bool

    @property
    def pauses_at_end(self) -> bool:
        """A guest that has ended is still there, until ktrun ends QEMU."""
        return self.vmcore or self.stops_at_panic

    @property
    def gets_files(self) -> bool:
        """The guest sends files of its own."""
        return bool(self.gets or self.trace or self.bpf)

    @property
    def counts_instructions(self) -> bool:
        """The guest's time goes by them, and QEMU's load says nothing about the host."""
        return self.record_replay or "-icount" in self.qemu_args

    @property
    def stops_at_panic(self) -> bool:
        """For a debugger."""
        return self.gdb is not None and self.gdb.when == GDB_ON_PANIC

    @property
    def streams_kib(self) -> int:
        """Disk space for all but the vmcore, or what a recording has besides its log."""
        return self.max_output.kib // 2 if self.vmcore or self.record_replay else self.max_output.kib

    @property
    def is_interactive(self) -> bool:
        """A shell on ktrun's own terminal."""
        return self.shell and self.command is None

    @property
    def reports(self) -> dict[str, Optional[str]]:
        return {"--json": self.json, "--junit": self.junit, "--tap": self.tap, "--report": self.report,
                "--markdown": self.markdown, "--summary": self.summary}

    @property
    def report_on_stdout(self) -> Optional[str]:
        """The option whose report takes ktrun's stdout, so that the payload's is only kept."""
        return next((option for option, path in self.reports.items() if path == "-"), None)

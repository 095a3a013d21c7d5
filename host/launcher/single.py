# SPDX-License-Identifier: GPL-2.0-only
"""One run from end to end: prepare, run, judge, report; or judge and report alone (--replay).

In:  Options. Out: the payload's stdout and stderr as ktrun's own, a summary on stderr, a run directory. Returns the
verdict's code.
"""
from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Callable, Optional

from .figures.run_records import append_record
from .figures.table import NAME as TABLE
from .files.include import name_of_include
from .files.initramfs import collect
from .files.shell_history import keep_history, read_history
from .judge.attempts import Attempt, attempt_of, is_run_again, name_of
from .judge.bisection import is_skip, report_commit
from .judge.result import NAME as RESULT
from .judge.result import result_bytes, write_result, write_table
from .judge.rules import Judgement, judge
from .judge.stream import decode, has_status
from .judge.verdicts import passes
from .lib.jobs import Interrupted, Jobs
from .lib.paths import Paths
from .lib.rundir import CONSOLE, RR_LOG, STREAM, RunDirectory
from .lib.text import Fault, note, print_text
from .lib.user_paths import check_file
from .lib.workdir import work_directory, work_path
from .machine.accelerator import choose_accelerator
from .machine.arguments import (Places, ReplayLog, Served, attach_timeout, frequency_word, kernel_words, qemu_command,
                                shown_command)
from .options.options import Options
from .plan import Plan, check_busybox, check_reports, make_plan
from .recorder.kept import has_files, ring_kib
from .report import failures_of, report_makers
from .report.summary import print_summary
from .run.guest import run_guest, write_hang
from .run.host import FORMAT, Asked, Ending, Host, Origin, read_host, write_host
from .run.origin import find_origin, now
from .run.symbolize import find_vmlinux, keep_symbols
from .run.terminal import restore_screen
from .warm.snapshot import limit_bytes
from .warm.start import Preparation, Start

if TYPE_CHECKING:
    from .hosts.kit import Recipe


@dataclass(frozen=True)
class _Known:
    """What the user knows of the run, wherever it runs."""
    kernel: str  # its path
    vmlinux: Optional[str]  # translates addresses; None: there is none, or it is on the machine that asked for the run
    find: Callable[[], Origin]  # when it starts


def prepare_and_run(options: Options, paths: Paths, jobs: Jobs) -> int:
    plan = make_plan(options, paths, jobs)
    words = kernel_words(plan)
    if options.warm:
        limit_bytes()  # before anything starts
    if options.dry_run:
        return _print_command(plan, words, jobs)
    with work_directory() as work:
        accel = choose_accelerator(plan, work, jobs)
        history = read_history(plan.options)
        ready = Preparation(plan, accel, words, collect(plan, history, work, jobs), work)
        known = _Known(plan.kernel.path, find_vmlinux(plan.kernel), lambda: find_origin(plan))
        return _run(ready, history, known, jobs)


def run_recipe(recipe: Recipe, plan: Plan, host: str, jobs: Jobs) -> int:
    """A run that another machine has prepared. PLAN: the recipe's, for this one, which the other calls HOST."""
    with work_directory() as work:
        accel = choose_accelerator(plan, work, jobs)
        ready = Preparation(plan, accel, recipe.words, recipe.run_files(plan, plan.paths.top, jobs), work)
        origin = replace(recipe.origin, hostname=host, qemu=plan.qemu_says)
        return _run(ready, b"", _Known(recipe.kernel, None, lambda: replace(origin, started=now())), jobs)


def translate(path: str, vmlinux: str) -> int:
    """The addresses in the run that another machine has made, by the VMLINUX of this one: its result is written again.
    PATH: its run directory. Returns 0, or 1 when it stays as it is."""
    try:
        with Jobs() as jobs, RunDirectory(path) as directory:
            directory.check_files("--hosts")
            unwritten = _conclude(directory, jobs, vmlinux)[2]
    except (Fault, Interrupted) as why:
        unwritten = [str(why)]
    for text in unwritten:
        note(text)
    return 1 if unwritten else 0


def _run(ready: Preparation, history: bytes, known: _Known, jobs: Jobs) -> int:
    plan = ready.plan
    if not plan.options.warm:
        ready.files.write_initramfs(f"{ready.work}/initramfs.cpio")
    with RunDirectory(plan.output) as directory:
        _run_attempts(ready, history, known, directory, jobs)
        if plan.has_terminal and not has_status(directory):
            restore_screen()
        return report(plan.options, directory, jobs, known.vmlinux)


def _run_attempts(ready: Preparation, history: bytes, known: _Known, directory: RunDirectory, jobs: Jobs) -> None:
    """All but the last one are kept below the directory."""
    options = ready.plan.options
    failed: tuple[Attempt, ...] = ()
    _run_once(ready, history, known, failed, directory, jobs)
    while len(failed) < options.retries:
        jobs.raise_at_once()
        judgement = _conclude(directory, jobs, known.vmlinux)[0]
        is_skipped = bool(options.bisect) and is_skip(judgement.verdict)
        if is_skipped or not is_run_again(judgement.verdict.word) or jobs.is_asked_to_end:
            break
        failed += (attempt_of(judgement.verdict, judgement.facts.ending.wall_ms),)
        note(f"attempt {len(failed)} of {options.retries + 1}: {failed[-1].text}; run again")
        directory.set_aside(name_of(len(failed)))
        jobs.accept()
        again = replace(ready, work=_work_below(ready.work, len(failed)))
        _run_once(again, history, known, failed, directory, jobs)


def _work_below(work: str, number: int) -> str:
    """The FIFOs of each attempt are new; the initramfs is the same."""
    path = f"{work}/{number}"
    os.mkdir(path, 0o700)
    if os.path.exists(f"{work}/initramfs.cpio"):
        os.symlink(f"{work}/initramfs.cpio", f"{path}/initramfs.cpio")
    return path


def _run_once(ready: Preparation, history: bytes, known: _Known, failed: tuple[Attempt, ...],
              directory: RunDirectory, jobs: Jobs) -> None:
    plan = ready.plan
    if not failed:
        directory.remove_attempts(bool(plan.options.retries))
    directory.prepare(plan.options.gets_files)
    origin = known.find()
    ending, start = run_guest(ready, directory, jobs)
    keep_history(plan.options, history, directory.file("history"))
    host = _host(plan, ready.accel, origin, ending, start)
    write_host(directory, replace(host, kernel=known.kernel, attempts=failed))


def _host(plan: Plan, accel: str, origin: Origin, ending: Ending, start: Start) -> Host:
    options = plan.options
    asked = Asked(options.scheduler, options.scheduler_args, options.command, options.shell,
                  options.expect_death is not None,
                  options.allow_bad_exit, options.fail_on_warn, options.plain, options.limit_secs,
                  attach_timeout(options.append), tuple(options.gets), scenario=bool(options.scenario),
                  kselftest=name_of_include(options.kselftest) if options.kselftest else None,
                  trace=options.trace or (), trace_last_secs=options.trace_last_secs,
                  trace_kib=ring_kib(options.memory_mib, options.streams_kib) if options.trace else None,
                  gates=tuple(gate.text for gate in options.gates), stats=options.stats, death=options.expect_death
                  or "",
                  vmcore=options.vmcore, record_replay=options.record_replay,
                  bpf=options.bpf, counts_instructions=options.counts_instructions)
    return Host(FORMAT, plan.paths.version, accel, plan.kernel.path, origin, asked, ending, start.kind,
                start.snapshot_age_secs)


def _conclude(directory: RunDirectory, jobs: Jobs, vmlinux: Optional[str]) -> tuple[Judgement, bytes, list[str]]:
    """The run's own files of its outcome. Returns also the content of result.json, and what could not be written."""
    judgement = judge(directory)
    if judgement.facts.host.asked.trace or has_files(directory):
        from .recorder.files import keep_recording
        judgement = replace(judgement, facts=keep_recording(judgement.facts, judgement.verdict.word, jobs))
    if judgement.facts.host.asked.bpf:
        from .bpf.files import keep_objects
        judgement = replace(judgement, facts=keep_objects(judgement.facts))
    if vmlinux and not passes(judgement.verdict.word):
        judgement = replace(judgement, facts=replace(judgement.facts, symbols=keep_symbols(vmlinux, directory, jobs)))
    result = result_bytes(judgement)
    unwritten = failures_of({RESULT: lambda: write_result(judgement, result), TABLE: lambda: write_table(judgement)})
    return judgement, result, unwritten


def report(options: Options, directory: RunDirectory, jobs: Jobs, vmlinux: Optional[str] = None) -> int:
    """Judge the run directory and tell what it says. A large console takes its time: a signal ends that too.

    VMLINUX: of a run, whose addresses it translates. What can't be written (a full disk) costs nothing else. Raises
    Fault with all of that.
    """
    jobs.raise_at_once()
    judgement, result, unwritten = _conclude(directory, jobs, vmlinux)
    lost = print_summary(judgement, options.quiet)
    makers = report_makers(options, judgement, result)
    if options.record:
        makers["--record"] = lambda: append_record(options, result)
    unwritten += failures_of(makers)
    if unwritten:
        raise Fault("; ".join(unwritten))
    if lost and not judgement.verdict.code:
        raise Fault(lost)
    if options.bisect:
        return report_commit(judgement.verdict, options.bisect, options.quiet)
    return judgement.verdict.code


def replay(options: Options, paths: Paths, jobs: Jobs) -> int:
    """The same summary, files and exit code as the run had, without QEMU, kernel and initramfs."""
    path = options.replay or ""
    check_busybox(paths)
    if not os.path.isdir(path):
        raise Fault(f"--replay: not a directory: {path}")
    for name in (STREAM, CONSOLE):
        check_file(f"--replay: {name}", f"{path}/{name}")
    if not os.access(path, os.W_OK):
        raise Fault(f"--replay: not writable: {path}")
    check_reports(options)
    with RunDirectory(path) as directory:
        directory.check_files("--replay")
        host = read_host(directory.file("host.json"))
        if not host:
            note(f"no host.json in {path}: judged by the frames alone")
        directory.claim_for_replay(host is not None)
        write_hang(directory, host.ending.hang_from if host else None)
        unwritten = decode(paths.busybox, directory, options, bool(host and host.asked.plain), jobs)
        code = report(options, directory, jobs)
        if unwritten and not code:
            raise Fault(f"--replay: {unwritten} could not be written")
        return code


def _print_command(plan: Plan, words: str, jobs: Jobs) -> int:
    """A dry run only names what it would make."""
    work = work_path("XXXXXX")
    accel = choose_accelerator(plan, work, jobs)
    served = Served(f"{work}/ram", tuple(f"path={work}/{export.tag}" for export in plan.directories.exports)) \
        if plan.directories.daemon else None
    replay_log = ReplayLog(f"{plan.output}/{RR_LOG}", is_replay=False) if plan.options.record_replay else None
    places = Places(plan.output, work, f"{work}/initramfs.cpio", served=served, replay_log=replay_log)
    command = qemu_command(plan, accel, frequency_word(plan, accel, jobs) + words, places)
    print_text(os.fsencode(shown_command(command)))
    note(f"a run makes {work}/initramfs.cpio and hvc0.in, and removes them at its end")
    return 0

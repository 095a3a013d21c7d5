# SPDX-License-Identifier: GPL-2.0-only
"""What a run directory says: it is judged, the outcome is written into it, and the user is told.

In:  the directory of a run that has ended, now or long ago (--replay). Out: result.json and the files beside it, a
summary on stderr, the reports that were asked for. Returns the verdict's code.

Most of the launcher is needed for this alone. A run imports it while its guest boots (single.py).
"""
from __future__ import annotations

import os
from dataclasses import replace
from typing import Optional

from .figures.run_records import append_record
from .figures.table import NAME as TABLE
from .judge.bisection import report_commit
from .judge.result import NAME as RESULT
from .judge.result import result_bytes, write_result, write_table
from .judge.rules import Judgement, judge
from .judge.stream import decode
from .judge.verdicts import passes
from .lib.jobs import Interrupted, Jobs
from .lib.paths import Paths
from .lib.rundir import CONSOLE, STREAM, RunDirectory
from .lib.text import Fault, note
from .lib.user_paths import check_file
from .options.options import Options
from .plan import check_busybox, check_reports
from .recorder.kept import has_files
from .report import failures_of, report_makers
from .report.summary import print_summary
from .run.guest import write_hang
from .run.host import read_host
from .run.symbolize import keep_symbols


def conclude(directory: RunDirectory, jobs: Jobs, vmlinux: Optional[str]) -> tuple[Judgement, bytes, list[str]]:
    """The run's own files of its outcome. VMLINUX: see report(). Returns also the content of result.json, and what
    could not be written."""
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
    judgement, result, unwritten = conclude(directory, jobs, vmlinux)
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


def translate(path: str, vmlinux: str) -> int:
    """The addresses in the run that another machine has made, by the VMLINUX of this one: its result is written again.
    PATH: its run directory. Returns 0, or 1 when it stays as it is."""
    try:
        with Jobs() as jobs, RunDirectory(path) as directory:
            directory.check_files("--hosts")
            unwritten = conclude(directory, jobs, vmlinux)[2]
    except (Fault, Interrupted) as why:
        unwritten = [str(why)]
    for text in unwritten:
        note(text)
    return 1 if unwritten else 0

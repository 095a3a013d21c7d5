# SPDX-License-Identifier: GPL-2.0-only
"""One run from end to end: prepare it, run it, and tell its outcome.

In:  Options. Out: the payload's stdout and stderr as ktrun's own, and what outcome.py says. Returns the verdict's code.

Until the guest runs, only what makes it run is imported: outcome.py, which has the other half of the launcher behind
it, comes while the guest boots.
"""
from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Callable, Optional

from .files.include import name_of_include
from .files.initramfs import collect
from .files.shell_history import keep_history, read_history
from .judge.attempts import Attempt, attempt_of, is_run_again, name_of
from .judge.bisection import is_skip
from .judge.stream import has_status
from .kernel.directory import find_vmlinux
from .lib.jobs import Jobs
from .lib.paths import Paths
from .lib.rundir import RR_LOG, RunDirectory
from .lib.text import note, print_text
from .lib.workdir import work_directory, work_path
from .machine.accelerator import choose_accelerator
from .machine.arguments import Places, ReplayLog, Served, attach_timeout, kernel_words, qemu_command, shown_command
from .machine.clock import Clock
from .options.options import Options
from .plan import Plan, make_plan
from .recorder.kept import ring_kib
from .run.guest import run_guest
from .run.host import FORMAT, Asked, Ending, Host, Origin, write_host
from .run.origin import find_origin, now
from .run.start import COLD, Preparation, Start
from .run.terminal import restore_screen

if TYPE_CHECKING:
    from .hosts.kit import Recipe


@dataclass(frozen=True)
class _Known:
    """What the user knows of the run, wherever it runs."""
    kernel: str  # its path
    vmlinux: Optional[str]  # translates addresses; None: there is none, or it is on the machine that asked for the run
    find: Callable[[], Origin]  # when it starts


def prepare_and_run(options: Options, paths: Paths, jobs: Jobs) -> int:
    clock = Clock(paths, jobs)
    if not options.warm:
        clock.measure()
    plan = make_plan(options, paths, jobs)
    words = kernel_words(plan)
    if options.warm:
        from .warm.snapshot import limit_bytes
        limit_bytes()  # before anything starts
    if options.dry_run:
        return _print_command(plan, words, clock, jobs)
    with work_directory() as work:
        accel = choose_accelerator(plan, work, jobs)
        history = read_history(plan.options)
        ready = Preparation(plan, accel, words, clock, collect(plan, history, work, jobs), work)
        known = _Known(plan.kernel.path, find_vmlinux(plan.kernel), lambda: find_origin(plan))
        return _run(ready, history, known, jobs)


def run_recipe(recipe: Recipe, plan: Plan, host: str, jobs: Jobs) -> int:
    """A run that another machine has prepared. PLAN: the recipe's, for this one, which the other calls HOST."""
    clock = Clock(plan.paths, jobs)
    with work_directory() as work:
        accel = choose_accelerator(plan, work, jobs)
        ready = Preparation(plan, accel, recipe.words, clock, recipe.run_files(plan, plan.paths.top, jobs), work)
        origin = replace(recipe.origin, hostname=host, qemu=plan.qemu_says)
        return _run(ready, b"", _Known(recipe.kernel, None, lambda: replace(origin, started=now())), jobs)


def _run(ready: Preparation, history: bytes, known: _Known, jobs: Jobs) -> int:
    plan = ready.plan
    if not plan.options.warm:
        ready.files.write_initramfs(f"{ready.work}/initramfs.cpio")
    with RunDirectory(plan.output) as directory:
        _run_attempts(ready, history, known, directory, jobs)
        if plan.has_terminal and not has_status(directory):
            restore_screen()
        from .outcome import report
        return report(plan.options, directory, jobs, known.vmlinux)


def _run_attempts(ready: Preparation, history: bytes, known: _Known, directory: RunDirectory, jobs: Jobs) -> None:
    """All but the last one are kept below the directory."""
    options = ready.plan.options
    failed: tuple[Attempt, ...] = ()
    start = _run_once(ready, history, known, failed, directory, jobs)
    if start.kind == COLD:
        ready = replace(ready, plan=_cold(ready.plan))
    from .outcome import conclude
    while len(failed) < options.retries:
        jobs.raise_at_once()
        judgement = conclude(directory, jobs, known.vmlinux)[0]
        is_skipped = bool(options.bisect) and is_skip(judgement.verdict)
        if is_skipped or not is_run_again(judgement.verdict.word) or jobs.is_asked_to_end:
            break
        failed += (attempt_of(judgement.verdict, judgement.facts.ending.wall_ms),)
        note(f"attempt {len(failed)} of {options.retries + 1}: {failed[-1].text}; run again")
        directory.set_aside(name_of(len(failed)))
        jobs.accept()
        again = replace(ready, work=_work_below(ready.work, len(failed)))
        _run_once(again, history, known, failed, directory, jobs)


def _cold(plan: Plan) -> Plan:
    """For further attempts: what was in the way of a warm one would take as long again."""
    return replace(plan, options=plan.options._replace(warm=False))


def _work_below(work: str, number: int) -> str:
    """The FIFOs of each attempt are new; the initramfs is the same."""
    path = f"{work}/{number}"
    os.mkdir(path, 0o700)
    if os.path.exists(f"{work}/initramfs.cpio"):
        os.symlink(f"{work}/initramfs.cpio", f"{path}/initramfs.cpio")
    return path


def _run_once(ready: Preparation, history: bytes, known: _Known, failed: tuple[Attempt, ...],
              directory: RunDirectory, jobs: Jobs) -> Start:
    plan = ready.plan
    if not failed:
        directory.remove_attempts(bool(plan.options.retries))
    directory.prepare(plan.options.gets_files)
    origin = known.find()
    ending, start = run_guest(ready, directory, _import_outcome, jobs)
    keep_history(plan.options, history, directory.file("history"))
    host = _host(plan, ready.accel, origin, ending, start)
    write_host(directory, replace(host, kernel=known.kernel, attempts=failed))
    return start


def _import_outcome() -> None:
    from . import outcome  # noqa: F401 (the next import of it costs nothing)


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


def _print_command(plan: Plan, words: str, clock: Clock, jobs: Jobs) -> int:
    """A dry run only names what it would make."""
    work = work_path("XXXXXX")
    accel = choose_accelerator(plan, work, jobs)
    served = Served(f"{work}/ram", tuple(f"path={work}/{export.tag}" for export in plan.directories.exports)) \
        if plan.directories.daemon else None
    replay_log = ReplayLog(f"{plan.output}/{RR_LOG}", is_replay=False) if plan.options.record_replay else None
    places = Places(plan.output, work, f"{work}/initramfs.cpio", served=served, replay_log=replay_log)
    command = qemu_command(plan, accel, clock.words(plan, accel) + words, places)
    print_text(os.fsencode(shown_command(command)))
    note(f"a run makes {work}/initramfs.cpio and hvc0.in, and removes them at its end")
    return 0

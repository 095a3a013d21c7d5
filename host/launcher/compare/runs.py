# SPDX-License-Identifier: GPL-2.0-only
"""--compare: schedulers (or anything else that a run can vary) against each other, in turn, on figures.

One run says little, and two hours later the machine is another one. In: Options. Out: in the directory: compare.plan,
runs.tsv, NNNNN.sh (a run's command), NNNNN/ (its run directory), NNNNN.err (its summary), compare.json; a table on
stdout. Exit: 0 all runs have passed; 1 one has not, or (--fail-if-worse) a side is worse than the first, or nobody
knows since no run has measured what --metric names.

Runs go one after the other: two VMs at once would measure each other. A run that did not pass is named and gives no
figures, unless only a gate failed: its figures count, and each side says how often. A stopped comparison goes on when
it is started again with the same sides and directory.
"""
from __future__ import annotations

import os
import shlex
import signal
import time
from dataclasses import dataclass, replace
from typing import Callable, Optional, Sequence

from ..figures.metrics import Value
from ..judge.result import Measured, read_measured
from ..judge.verdicts import has_figures, passes
from ..lib.jobs import Interrupted, Job, Jobs
from ..lib.paths import Paths
from ..lib.rundir import RunDirectory, check_output
from ..lib.text import Fault, note, one_line, print_text, without_controls, write_stderr
from ..lib.workdir import work_directory
from ..machine.accelerator import choose_accelerator
from ..matrix.cells import claim_directory, write_cell
from ..options.options import Options
from ..plan import check_reports, new_directory
from ..report import make_all, write_report
from ..report.compare import Comparison, Run, compare_json, compare_markdown, compare_summary, compare_table
from ..report.compare_page import compare_page
from .differences import NOISE_PERCENT, Metric, Rules, compare_runs, has_worse, widest
from .plan import (NAME, RUNS_UNTIL, RUNS_UNTIL_LEAST, Design, Turn, choose_seed, make_design, plan_bytes, turns,
                   words_of)

_GIVE_UP = 3  # runs of a side that have all failed


@dataclass
class _Progress:
    """The runs so far, by their names."""
    done: dict[Turn, Measured]
    started: float
    ran: int = 0


def run_comparison(options: Options, paths: Paths, jobs: Jobs) -> int:
    design, plan = make_design(options, paths, jobs)
    check_output(options.output or paths.runs, options.output)
    check_reports(options)
    design = replace(design, seed=choose_seed(options.output, options.seed))
    with work_directory() as work:
        accel = choose_accelerator(plan, work, jobs)
    with claim_directory(options.output or new_directory(paths), NAME, plan_bytes(design), "comparison") as directory:
        comparison = _run_all(directory, design, accel, options, paths, jobs)
        directory.replace("compare.json", compare_json(comparison))
    _report(options, comparison)
    is_passed = all(passes(run.verdict) for run in comparison.runs)
    is_worse = has_worse(comparison.payloads) or bool(_unmeasured(comparison.payloads, options))
    return 1 if not is_passed or (options.fail_if_worse and is_worse) else 0


def _unmeasured(payloads: Sequence[Sequence[Metric]], options: Options) -> list[str]:
    """What --metric names and no run has: whether it became worse is not known."""
    names = {metric.name for metrics in payloads for metric in metrics}
    return [headline.name for headline in options.metrics if headline.name not in names]


def _run_all(directory: RunDirectory, design: Design, accel: str, options: Options, paths: Paths,
             jobs: Jobs) -> Comparison:
    rounds = options.runs or (RUNS_UNTIL if options.until else design.runs)
    planned = list(turns(design, rounds))
    progress = _Progress({}, time.monotonic())
    if not options.quiet:
        most = "at most " if options.until else ""
        note(f"compare: {most}{rounds} runs of each of {len(design.sides)} sides; seed {design.seed}; "
             f"directory {directory.path}")
    end = ""
    for at, turn in enumerate(planned):
        if turn.round and turn.round != planned[at - 1].round:
            end = _why_enough(design, progress, turn.round, options)
            if end:
                break
        _run_one(directory, design, turn, accel, progress, len(planned), options, paths, jobs)
    _write_runs(directory, progress.done, design)
    return _collect(design, progress.done, end, directory.path, options)


def _run_one(directory: RunDirectory, design: Design, turn: Turn, accel: str, progress: _Progress, count: int,
             options: Options, paths: Paths, jobs: Jobs) -> None:
    """Unless it has finished already."""
    path = f"{directory.path}/{turn.name}"
    measured = _read(path, design, turn)
    if measured is None:
        side = design.sides[turn.side]
        write_cell(words_of(design, side, design.payloads[turn.payload]), directory.path, turn.name, accel, paths,
                   design.directory)
        job = jobs.start(["sh", f"{path}.sh"], keep=[directory.lock_fd], is_users=True, orphaned=signal.SIGTERM)
        _await(job, directory, design, turn, progress, count, options, jobs)
        progress.ran += 1
        measured = _read(path, design, turn)
        if measured is None:
            raise Fault(f"compare: {turn.name} ({side.letter}) could not run: {_first_line(path + '.err')}; "
                        f"go on with: {_again(options, directory.path)}")
    progress.done[turn] = measured


def _read(path: str, design: Design, turn: Turn) -> Optional[Measured]:
    """None: it is to be run, again if the host could not do its part. Another build of the scheduler is no such run."""
    measured, side = read_measured(path), design.sides[turn.side]
    if measured is None or not measured.outcome.is_finished:
        return None
    if measured.scheduler_sha256 != side.scheduler_sha256:
        raise Fault(f"compare: the scheduler of {side.letter} ({side.label}) is not the one with which the comparison "
                    f"began, see {path}: start a new comparison")
    return measured


def _await(job: Job, directory: RunDirectory, design: Design, turn: Turn, progress: _Progress, count: int,
           options: Options, jobs: Jobs) -> None:
    is_shown = os.isatty(2) and not options.quiet
    try:
        while not jobs.wait(job, secs=1 if is_shown else None):
            write_stderr(b"\r\033[K" + _progress_line(design, turn, progress, count))
    except Interrupted:  # the run ends its VM and is not finished
        jobs.shield()
        job.send(signal.SIGTERM)
        job.reap()
        _write_runs(directory, progress.done, design)
        note(f"compare: stopped after {len(progress.done)} runs; go on with: {_again(options, directory.path)}")
        raise
    finally:
        if is_shown:
            write_stderr(b"\r\033[K")


def _progress_line(design: Design, turn: Turn, progress: _Progress, count: int) -> bytes:
    done, side = len(progress.done), design.sides[turn.side]
    left = ""
    if progress.ran:
        secs = (time.monotonic() - progress.started) / (progress.ran + 0.5) * (count - done)
        left = f", at most {int(secs) + 1} s left"
    text = f"compare: {done} of {count} runs done{left}; running {turn.name} {side.letter} {side.label}"
    return without_controls(text[:max(0, (os.get_terminal_size(2).columns or 80) - 1)])


def _why_enough(design: Design, progress: _Progress, rounds: int, options: Options) -> str:
    """Between rounds. Empty: it goes on."""
    for at, side in enumerate(design.sides):
        mine = [measured.outcome.word for turn, measured in progress.done.items() if turn.side == at]
        if len(mine) >= _GIVE_UP and not any(map(has_figures, mine)):
            return f"ended early: all {len(mine)} runs of {side.letter} failed"
    if options.until is None or rounds % 2 or rounds < RUNS_UNTIL_LEAST:  # whole blocks of ABBA only
        return ""
    payloads = compare_runs(_samples(design, progress.done), _rules(design, options), only_headlines=True)
    widths = [widest(metrics) for metrics in payloads]
    if all(width is not None and width[1] <= options.until for width in widths):
        return f"ended after {rounds} runs of each side: each headline difference is known to +-{options.until:g}%"
    return ""


def _rules(design: Design, options: Options) -> Rules:
    return Rules(design.seed, options.until or NOISE_PERCENT,
                 {headline.name: headline.direction for headline in options.metrics})


def _samples(design: Design, done: dict[Turn, Measured]) -> list[list[list[dict[str, Value]]]]:
    return [[[measured.metrics for turn, measured in done.items()
              if (turn.payload, turn.side) == (payload, side) and has_figures(measured.outcome.word)]
             for side in range(len(design.sides))] for payload in range(len(design.payloads))]


def _collect(design: Design, done: dict[Turn, Measured], end: str, directory: str, options: Options) -> Comparison:
    runs = tuple(Run(turn.name, turn.round + 1, turn.payload, turn.side, measured.outcome.word,
                     one_line(measured.outcome.reason or ""), measured.accel, measured.kernel_release,
                     measured.outcome.started, measured.gates) for turn, measured in done.items())
    rules = _rules(design, options)
    payloads = compare_runs(_samples(design, done), rules)
    unknown = _unmeasured(payloads, options)
    if unknown and any(has_figures(run.verdict) for run in runs):
        end = "; ".join(filter(None, [end, f"no run has measured {', '.join(unknown)}"]))
    if options.until and not end:
        widths = [width for metrics in payloads if (width := widest(metrics))]
        width = max(widths, key=lambda pair: pair[1]) if widths else None
        end = (f"the maximum of runs was reached; the widest interval is that of {width[0]}, +-{width[1]:.3g}%" if width
               else "the maximum of runs was reached, and nothing was measured")
    return Comparison(design, runs, payloads, rules.noise_percent, end, directory)


def _write_runs(directory: RunDirectory, done: dict[Turn, Measured], design: Design) -> None:
    rows = [(turn.name, str(turn.round + 1), design.sides[turn.side].letter, design.payloads[turn.payload].name or "-",
             measured.outcome.word) for turn, measured in done.items()]
    text = "".join("\t".join(one_line(word) for word in row) + "\n" for row in rows)
    directory.replace("runs.tsv", os.fsencode("run\tround\tside\tpayload\tverdict\n" + text))


def _report(options: Options, comparison: Comparison) -> None:
    makers: dict[str, Callable[[], bytes]] = {"--json": lambda: compare_json(comparison),
                                              "--summary": lambda: compare_summary(comparison),
                                              "--markdown": lambda: compare_markdown(comparison),
                                              "--report": lambda: compare_page(comparison)}

    def maker(option: str, path: str) -> Callable[[], None]:
        return lambda: write_report(option, path, makers[option]())

    reports = {option: maker(option, path) for option, path in options.reports.items() if path}
    table = compare_table(comparison)
    if options.report_on_stdout:
        write_stderr(table)
    else:
        reports["the table"] = lambda: print_text(table)
    make_all(reports)


def _again(options: Options, directory: str) -> str:
    """The same command, with the directory that it has got."""
    words = list(options.words)
    at = words.index("--") if "--" in words else len(words)
    extra = [] if options.output else ["-o", directory]
    return shlex.join(["ktrun", *words[:at], *extra, *words[at:]])


def _first_line(path: str) -> str:
    if not os.path.exists(path):
        return "it has left no message"
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.readline(1000).rstrip("\n")

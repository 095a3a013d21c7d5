# SPDX-License-Identifier: GPL-2.0-only
"""--matrix: kernels x topologies x schedulers x payloads, a VM each, through GNU parallel.

A scheduler that passes once passes on one machine; a matrix asks all of them, repeatedly. In: Options; with --hosts the
cells run elsewhere (hosts/dispatch.py). Out: in the directory: matrix.txt (a copy of the file), cells.tsv,
NNNNN.sh (a cell's command), NNNNN/ (its run directory), NNNNN.err (its summary), joblog; a table on stdout.
Exit: 0 all cells have passed; 1 one has not.

A cell is finished when its result.json has a verdict other than "interrupted" and "error": a stopped matrix goes on
with the others when it is started again with the same directory. When ktrun is killed, parallel gets TERM and ends the
cells; they inherit the directory's lock, since that takes a moment.
"""
from __future__ import annotations

import itertools
import json
import os
import shlex
import shutil
import signal
import time
from dataclasses import dataclass, replace
from typing import Callable, Iterator, Mapping, Optional, Sequence

from ..figures.gates import check_units
from ..hosts.dispatch import check_for_hosts, run_on_hosts
from ..hosts.file import Host, read_hosts
from ..judge.result import Outcome, read_outcome
from ..judge.verdicts import passes
from ..kernel.directory import read_kernel_at
from ..lib.jobs import Interrupted, Job, Jobs
from ..lib.paths import Paths
from ..lib.rundir import RunDirectory, check_output
from ..lib.text import Fault, note, print_text, shell_word, without_controls, write_stderr
from ..lib.workdir import work_directory
from ..machine.accelerator import choose_accelerator
from ..machine.qemu_faults import ask_qemu
from ..options.cli import parse
from ..options.options import Options
from ..plan import (Plan, check_base, check_busybox, check_can_be_recorded, check_reports, check_scheduler_options,
                    find_qemu, new_directory)
from ..report import make_all, write_report
from ..report.markdown import matrix_markdown
from ..report.matrix import NOT_RUN, Cell, Row, matrix_junit, matrix_page, matrix_table, rows_of
from ..shares.host_root import NO_DIRECTORIES
from .cells import claim_directory, command_of, not_for_many, write_cell
from .file import Matrix, Payload, Scheduler, read_matrix, retry_words
from .slots import count_slots

_COLUMNS = 80  # of a terminal that does not know its width
_STOP_MS = 30000  # for a cell that is asked to end, to stop its QEMU and to report how far it came


@dataclass(frozen=True)
class Work:
    """A cell, and what it runs."""
    name: str
    kernel: str
    topology: str
    scheduler: Scheduler
    payload: Payload


def run_matrix(options: Options, paths: Paths, jobs: Jobs) -> int:
    matrix, plan = _check(options, paths, jobs)
    if options.emit:
        return _emit(list(_cells(matrix)), matrix, plan.output, options, paths)
    hosts = read_hosts(options.hosts) if options.hosts else []
    accel = os.environ.get("KTRUN_ACCEL", "")  # a host looks for itself
    if not hosts:
        with work_directory() as work:
            accel = choose_accelerator(plan, work, jobs)
    cells = list(_cells(matrix))
    with _lock(plan.output, options.matrix or "") as directory:
        _write_cells(directory.path, cells, matrix, accel, options.warm, paths)
        todo = [cell for cell in cells if _is_unfinished(directory.path, cell.name)]
        try:
            if todo and hosts:
                _run_on_hosts(directory, todo, hosts, matrix, options, paths, jobs)
            elif todo:
                _run_cells(directory, todo, len(cells), matrix, accel, options, jobs)
        except Interrupted:
            _report(options, cells, directory.path)
            raise
        return 0 if _report(options, cells, directory.path) else 1


def _report(options: Options, cells: Sequence[Work], directory: str) -> bool:
    """Of all cells, also of those that were not run. Whether all have passed. Raises Fault."""
    names = read_hosts_of(f"{directory}/joblog")
    results = [_collect(directory, cell, names.get(cell.name, "")) for cell in cells]
    rows = rows_of(results)
    reports = _reports(options, rows, results, directory)
    table = matrix_table(rows, results, directory, _again(options, directory))
    if options.report_on_stdout:
        write_stderr(table)
    else:
        reports["the table"] = lambda: print_text(table)
    make_all(reports)
    return all(passes(cell.verdict) for cell in results)


def _emit(cells: Sequence[Work], matrix: Matrix, output: str, options: Options, paths: Paths) -> int:
    """What has not finished. The directory is this matrix's from now on: with it, ktrun collects the results."""
    with _lock(output, options.matrix or "") as directory:
        todo = [cell for cell in cells if _is_unfinished(directory.path, cell.name)]
    # From this directory, for relative paths among the options; a line of a file of commands must not read the next.
    commands = {cell: f"cd {shell_word(os.getcwd())} && "
                      f"{command_of(_words(cell, matrix, options.warm), output, cell.name, paths)} </dev/null"
                for cell in todo}
    if options.emit == "jobs":
        print_text(b"".join(os.fsencode(f"{command}\n") for command in commands.values()))
    else:
        jobs = [{"cell": cell.name, "kernel": cell.kernel, "topology": cell.topology, "scheduler": cell.scheduler.name,
                 "payload": cell.payload.name, "command": command} for cell, command in commands.items()]
        print_text(json.dumps({"include": jobs}).encode("ascii") + b"\n")
    return 0


def _check(options: Options, paths: Paths, jobs: Jobs) -> tuple[Matrix, Plan]:
    if not shutil.which("parallel"):
        raise Fault("--matrix: no program parallel: is the package parallel installed?")
    check_busybox(paths)
    matrix = read_matrix(options.matrix or "", options, paths, jobs)
    cell = _check_cell_options(matrix.options, paths)
    if not all(scheduler.path for scheduler in matrix.schedulers):
        _check_options(check_scheduler_options, cell)
    kernel = read_kernel_at(matrix.kernels[0])
    check_base(paths, kernel)
    qemu = find_qemu(kernel)
    check_output(options.output or paths.runs, options.output)
    check_reports(options)
    options = options._replace(record_replay=cell.record_replay)
    plan = Plan(options, paths, kernel, qemu, os.environ.get("KTRUN_ACCEL") or None,
                options.output or new_directory(paths), ask_qemu(qemu, paths.cache, jobs), None, NO_DIRECTORIES, None)
    for topology in matrix.topologies:
        try:
            check_can_be_recorded(replace(plan, options=plan.options._replace(topology=topology)))
        except Fault as fault:
            raise Fault(f"--matrix: options of a cell: {fault}") from fault
    return matrix, plan


def _check_cell_options(words: Sequence[str], paths: Paths) -> Options:
    """Of a cell. Raises Fault for what would make each cell fail, or all write to one place."""
    try:
        cell = parse([*words, "--", "true"], paths.version, "/dev/null", defaults="")
    except Fault as fault:
        raise Fault(f"--matrix: options of a cell: {fault}") from fault
    except SystemExit:
        raise Fault(f"--matrix: options of a cell: not for a run: {' '.join(words)}") from None
    if cell.arguments != ("true",):
        raise Fault("--matrix: options of a cell: what it runs is its payload, not a command after --")
    wrong = not_for_many(cell)
    if wrong:
        raise Fault(f"--matrix: options of a cell: not for many runs: {wrong}")
    _check_options(lambda options: check_units(options.gates), cell)
    return cell


def _check_options(check: Callable[[Options], None], cell: Options) -> None:
    try:
        check(cell)
    except Fault as fault:
        raise Fault(f"--matrix: options of a cell: {fault}") from fault


def _cells(matrix: Matrix) -> Iterator[Work]:
    product = itertools.product(matrix.kernels, matrix.topologies, matrix.schedulers, matrix.payloads,
                                range(matrix.repeat))
    for number, (kernel, topology, scheduler, payload, _) in enumerate(product, 1):
        yield Work(f"{number:05d}", kernel, str(topology), scheduler, payload)


def _lock(path: str, file: str) -> RunDirectory:
    """The directory belongs to one matrix, which the copy of its file names."""
    try:
        with open(file, "rb") as source:
            wanted = source.read()
    except OSError as error:
        raise Fault(f"--matrix: unable to read {file}: {error.strerror}") from error
    return claim_directory(path, "matrix.txt", wanted, "matrix")


def _write_cells(directory: str, cells: Sequence[Work], matrix: Matrix, accel: str, is_warm: bool,
                 paths: Paths) -> None:
    with open(f"{directory}/cells.tsv", "wb") as table:
        for cell in cells:
            words = (cell.name, cell.kernel, cell.topology, cell.scheduler.name, cell.payload.name)
            table.write(os.fsencode("\t".join(words) + "\n"))
            write_cell(_words(cell, matrix, is_warm), directory, cell.name, accel, paths)


def _words(cell: Work, matrix: Matrix, is_warm: bool) -> list[str]:
    words = ["-k", cell.kernel, "--topology", cell.topology, "-m", str(matrix.memory_mib), "-t", str(matrix.limit_secs)]
    if cell.scheduler.path:
        words += ["-s", cell.scheduler.path, *(["-a", cell.scheduler.arguments] if cell.scheduler.arguments else [])]
    words += [*(["--warm"] if is_warm else []), *retry_words(matrix), *matrix.options]
    return words + (["--", "sh", "-c", cell.payload.command] if cell.payload.command else [])


def _is_unfinished(directory: str, name: str) -> bool:
    outcome = read_outcome(f"{directory}/{name}")
    return not outcome or not outcome.is_finished


def _run_on_hosts(directory: RunDirectory, todo: Sequence[Work], hosts: Sequence[Host], matrix: Matrix,
                  options: Options, paths: Paths, jobs: Jobs) -> None:
    """Cells that differ only in their number share a recipe."""
    recipes: dict[tuple[str, ...], str] = {}
    different: dict[str, Options] = {}
    of_cells: dict[str, str] = {}
    for cell in todo:
        words = _words(cell, matrix, options.warm)
        name = recipes.setdefault(tuple(words), cell.name)
        if name == cell.name:
            different[name] = parse(words, paths.version, "/dev/null", defaults="")
            check_for_hosts(different[name])
        of_cells[cell.name] = name
    progress = _Progress(todo, f"{directory.path}/joblog", directory.path)
    is_shown = os.isatty(2) and not options.quiet
    try:
        with work_directory() as work:
            run_on_hosts(directory, of_cells, different, hosts, lambda name: _is_unfinished(directory.path, name),
                         progress.show if is_shown else None, work, paths, jobs, options.quiet)
    except Interrupted:
        note(f"matrix: stopped; go on with: {_again(options, directory.path)}")
        raise


class _Progress:
    """Of cells whose result is in their directory, not in the job log."""

    def __init__(self, todo: Sequence[Work], joblog: str, directory: str) -> None:
        self._todo, self._joblog, self._directory = todo, joblog, directory
        self._begin = os.path.getsize(joblog) if os.path.exists(joblog) else 0
        self._started = time.monotonic()
        self._ends: dict[str, int] = {}

    def show(self) -> None:
        for name in read_ends(self._joblog, self._begin):
            if name not in self._ends:
                outcome = read_outcome(f"{self._directory}/{name}")
                self._ends[name] = 0 if outcome and passes(outcome.word) else 1
        columns = os.get_terminal_size(2).columns or _COLUMNS
        elapsed = time.monotonic() - self._started
        write_stderr(b"\r\033[K" + progress_line(self._todo, self._ends, 0, elapsed, columns))


def _run_cells(directory: RunDirectory, todo: Sequence[Work], count: int, matrix: Matrix, accel: str, options: Options,
               jobs: Jobs) -> None:
    """The list of what is not finished yet goes to parallel; a cell's failure is a result, not an error of it."""
    at_once = count_slots(matrix.memory_mib, max(topology.cpus for topology in matrix.topologies), accel)
    if not options.quiet:
        note(f"matrix: {len(todo)} of {count} cells to run, {at_once} at once; directory {directory.path}")
    listed = f"{directory.path}/unfinished"
    with open(listed, "wb") as file:
        file.write(b"".join(os.fsencode(f"{directory.path}/{cell.name}.sh\n") for cell in todo))
    command = ["parallel", "--will-cite", "--termseq", f"TERM,{_STOP_MS},KILL,25", "-j", str(at_once), "-a", listed,
               "--joblog", f"+{directory.path}/joblog"]
    parallel = jobs.start([*command, "sh", "{}"], keep=[directory.lock_fd], is_users=True, orphaned=signal.SIGTERM)
    try:
        _await(parallel, todo, at_once, f"{directory.path}/joblog", os.isatty(2) and not options.quiet, jobs)
    except Interrupted:  # each cell gets TERM, ends its VM and is not finished
        jobs.shield()
        parallel.send(signal.SIGTERM)
        parallel.reap()
        note(f"matrix: stopped; go on with: {_again(options, directory.path)}")
        raise
    finally:
        os.unlink(listed)


def _await(parallel: Job, todo: Sequence[Work], at_once: int, joblog: str, is_shown: bool, jobs: Jobs) -> None:
    """Until all cells have ended. On a terminal a line shows how far they are; the clock in it moves each second."""
    begin = os.path.getsize(joblog) if os.path.exists(joblog) else 0
    started = time.monotonic()
    while not jobs.wait(parallel, secs=1 if is_shown else None):
        ends = read_ends(joblog, begin)
        columns = os.get_terminal_size(2).columns or _COLUMNS
        write_stderr(b"\r\033[K" + progress_line(todo, ends, at_once, time.monotonic() - started, columns))
    if is_shown:
        write_stderr(b"\r\033[K")


def read_ends(joblog: str, begin: int) -> dict[str, int]:
    """Status by cell."""
    return {name: status for name, _, status in _lines_of(joblog, begin)}


def read_hosts_of(joblog: str) -> dict[str, str]:
    """The host of each cell; empty: this machine. A cell that ran again has a later line."""
    return {name: "" if host == ":" else host for name, host, _ in _lines_of(joblog, 0)}


def _lines_of(joblog: str, begin: int) -> Iterator[tuple[str, str, int]]:
    """Cell, host and status. A line of parallel's log ends with the command: "sh .../NNNNN.sh", or "./NNNNN.sh"."""
    if not os.path.exists(joblog):
        return
    with open(joblog, encoding="utf-8", errors="replace") as file:
        file.seek(begin)
        for line in file.read().split("\n")[:-1]:
            words = line.split("\t")
            if len(words) > 8 and words[6].lstrip("-").isdigit():
                yield os.path.basename(words[8]).removesuffix(".sh"), words[1], int(words[6])


def progress_line(todo: Sequence[Work], ends: Mapping[str, int], at_once: int, elapsed: float, columns: int) -> bytes:
    """parallel starts the cells in their order."""
    passed = sum(status == 0 for status in ends.values())
    rest = [cell for cell in todo if cell.name not in ends]
    left = f", about {int(elapsed / len(ends) * len(rest)) + 1} s left" if ends else ""
    running = ", ".join(f"{cell.name} {cell.scheduler.name}/{cell.payload.name}" for cell in rest[:at_once])
    text = (f"matrix: {len(ends)} of {len(todo)} cells done, {passed} passed, {len(ends) - passed} failed{left}"
            + (f"; running {running}" if running else ""))
    return without_controls(text[:max(0, columns - 1)])


def _again(options: Options, directory: str) -> str:
    given = {"--matrix": options.matrix, "--hosts": options.hosts, "-o": directory, **options.reports}
    words = [word for option, value in given.items() if value for word in (option, value)]
    return shlex.join(["ktrun", *words, *(["--warm"] if options.warm else [])])


def _collect(directory: str, cell: Work, host: str) -> Cell:
    outcome: Optional[Outcome] = read_outcome(f"{directory}/{cell.name}")
    if not outcome:
        outcome = Outcome(NOT_RUN, 0, _first_line(f"{directory}/{cell.name}.err"), "")
    return Cell(cell.name, cell.kernel, cell.topology, cell.scheduler.name, cell.payload.name, outcome.word,
                outcome.wall_ms, outcome.reason or "", outcome.started, outcome.attempts, host)


def _first_line(path: str) -> str:
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.readline(1000).rstrip("\n")


def _reports(options: Options, rows: list[Row], cells: list[Cell], directory: str) -> dict[str, Callable[[], None]]:
    makers: dict[str, Callable[[], None]] = {}
    if options.junit:
        junit = options.junit
        makers["--junit"] = lambda: write_report("--junit", junit, matrix_junit(cells))
    if options.report:
        page = options.report
        makers["--report"] = lambda: write_report("--report", page, matrix_page(rows, cells, directory))
    if options.summary:
        summary = options.summary
        makers["--summary"] = lambda: write_report("--summary", summary, matrix_markdown(rows, cells, directory))
    return makers

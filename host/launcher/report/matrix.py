# SPDX-License-Identifier: GPL-2.0-only
"""A matrix as a table, as JUnit XML and as a page. In: its cells. Out: bytes."""
from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import Iterator, Sequence

from ..judge.attempts import Attempt
from ..judge.verdicts import ERROR, FAILED, VERDICTS, passes
from ..lib.text import one_line, printable, without_controls, xml
from .cases import SKIPPED, Case, count
from .junit import DECLARATION, case_element, start_attributes
from .page import document, section

NOT_RUN = "not-run"
_WIDTH = 100
_MOST = (20, 10, 16, 16, 12, 8)  # characters of the columns before the last one; a longer text is cut


@dataclass(frozen=True)
class Cell:
    name: str
    kernel: str
    topology: str
    scheduler: str
    payload: str
    verdict: str
    wall_ms: int
    reason: str
    started: str  # empty: unknown
    attempts: tuple[Attempt, ...] = ()  # that failed before
    host: str = ""  # of --hosts; empty: this machine


@dataclass(frozen=True)
class Row:
    """The repeats of a cell."""
    kernel: str  # without the directory that all kernels share
    topology: str
    scheduler: str
    payload: str
    passed: int
    count: int
    mean_ms: float
    others: str  # the other verdicts and how often each came
    first: str  # the first cell that did not pass
    reason: str  # of that cell

    @property
    def percent(self) -> int:
        return 100 * self.passed // self.count


def rows_of(cells: Sequence[Cell]) -> list[Row]:
    """In the order of the file."""
    shared = _shared_directory([cell.kernel for cell in cells])
    groups: dict[tuple[str, ...], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.kernel, cell.topology, cell.scheduler, cell.payload), []).append(cell)
    return [_row(group, shared) for group in groups.values()]


def _shared_directory(paths: Sequence[str]) -> int:
    """The length of what all begin with, up to a slash."""
    return os.path.commonprefix([path[:path.rfind("/") + 1] for path in paths]).rfind("/") + 1


def _row(group: list[Cell], shared: int) -> Row:
    head = group[0]
    failed = [cell for cell in group if cell.verdict != "pass"]
    others = ", ".join(f"{count} {verdict}" for verdict, count in Counter(cell.verdict for cell in failed).items())
    return Row(head.kernel[shared:], head.topology, head.scheduler, head.payload, len(group) - len(failed), len(group),
               sum(cell.wall_ms for cell in group) / len(group), others, failed[0].name if failed else "",
               one_line(failed[0].reason) if failed else "")


def _count_passed(cells: Sequence[Cell]) -> int:
    return sum(cell.verdict == "pass" for cell in cells)


def matrix_table(rows: Sequence[Row], cells: Sequence[Cell], directory: str, again: str) -> bytes:
    """AGAIN: the command that goes on with cells that were not run."""
    table = [("KERNEL", "TOPOLOGY", "SCHEDULER", "PAYLOAD", "PASSED", "MEAN", "OTHERWISE")]
    for row in rows:
        otherwise = row.others + (f", first {row.first}" if row.first else "")
        table.append((row.kernel, row.topology, row.scheduler, row.payload, f"{row.passed}/{row.count} {row.percent}%",
                      f"{row.mean_ms / 1000:.2f} s", otherwise))
    not_run = sum(cell.verdict == NOT_RUN for cell in cells)
    unable = next((cell for cell in cells if cell.verdict == NOT_RUN and cell.reason), None)
    text = printable("\n".join(_lines_of(table))) + f"\n{count_text(cells)}; directory "
    lines = [text.encode("ascii") + without_controls(directory)]
    if unable:
        lines.append(without_controls(f"matrix: {unable.name} could not run: {one_line(unable.reason)}"))
    if not_run:
        lines.append(b"matrix: run the rest with: " + without_controls(again))
    return b"\n".join(lines) + b"\n"


def count_text(cells: Sequence[Cell]) -> str:
    counts = Counter(cell.verdict for cell in cells)
    passed, flaky, not_run = counts["pass"], counts["flaky"], counts[NOT_RUN]
    text = f"matrix: {passed} of {len(cells)} cells passed, {len(cells) - passed - flaky - not_run} failed"
    return text + (f", {flaky} flaky" if flaky else "") + (f", {not_run} not run" if not_run else "")


def _lines_of(table: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Each column is as wide as its texts, up to its most; the last one has the rest of the line."""
    widths = [min(most, max(len(row[at]) for row in table)) for at, most in enumerate(_MOST)]
    rest = _WIDTH - sum(widths) - len(widths)
    for row in table:
        yield " ".join(_cut(text, width).ljust(width) for text, width in zip(row, [*widths, rest])).rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[:width - 2] + ".."


def matrix_junit(cells: Sequence[Cell]) -> bytes:
    """A suite for each cell, since a time stamp belongs to a suite."""
    cases = [_case(cell) for cell in cells]
    lines = [f'<testsuites name="ktrun-matrix" {_counts(cases)}>', *map(_suite, cells, cases), "</testsuites>"]
    return (DECLARATION + "\n".join(lines) + "\n").encode("utf-8", "replace")


def _suite(cell: Cell, case: Case) -> str:
    name = f"{cell.name} {cell.kernel} {cell.topology} {cell.scheduler} {cell.payload}"
    return (f'<testsuite name="{xml(name)}" {_counts([case])} skipped="{count([case], SKIPPED)}"'
            f"{start_attributes(cell.started, cell.host)}>\n{case_element(case)}\n</testsuite>")


def _counts(cases: list[Case]) -> str:
    return (f'tests="{len(cases)}" failures="{count(cases, FAILED)}" errors="{count(cases, ERROR)}" '
            f'time="{sum(case.ms for case in cases) / 1000:.3f}"')


def _case(cell: Cell) -> Case:
    outcome = SKIPPED if cell.verdict == NOT_RUN else VERDICTS[cell.verdict].outcome
    return Case(outcome, cell.wall_ms, f"{cell.kernel} {cell.topology}",
                f"{cell.scheduler} {cell.payload} {cell.name}", one_line(cell.reason), cell.verdict,
                attempts=cell.attempts)


def matrix_page(rows: Sequence[Row], cells: Sequence[Cell], directory: str) -> bytes:
    passed = _count_passed(cells)
    tone = "good" if passed == len(cells) else "warn" if all(passes(cell.verdict) for cell in cells) else "bad"
    header = (f'<header class="{tone}">\n<p class="kicker">Matrix of ktrun</p>\n'
              f"<h1>{passed} of {len(cells)} passed</h1>\n</header>\n")
    heads = "".join(f"<th>{head}</th>" for head in ("Passed", "Scheduler", "Payload", "Topology", "Kernel", "Mean time",
                                                    "Otherwise"))
    table = (f'<div class="scroll"><table class="cells"><thead><tr>{heads}</tr></thead><tbody>\n'
             f"{''.join(map(_page_row, rows))}</tbody></table></div>\n")
    title = f"ktrun matrix: {passed} of {len(cells)} passed"
    return document(title, header + section("Cells", table) + _page_hosts(cells), directory).encode("utf-8", "replace")


def _page_hosts(cells: Sequence[Cell]) -> str:
    """Of a matrix with --hosts."""
    hosts: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.host and cell.verdict != NOT_RUN:
            hosts.setdefault(cell.host, []).append(cell)
    rows = "".join(f"<tr><td>{xml(host)}</td><td>{_count_passed(found)}/{len(found)}</td>"
                   f'<td class="message">{" ".join(cell.name for cell in found)}</td></tr>\n'
                   for host, found in sorted(hosts.items()))
    if not rows:
        return ""
    heads = "<tr><th>Host</th><th>Passed</th><th>Cells</th></tr>"
    return section("Hosts", f'<div class="scroll"><table class="cells"><thead>{heads}</thead><tbody>\n{rows}</tbody>'
                            "</table></div>\n")


def _page_row(row: Row) -> str:
    tone = "good" if row.passed == row.count else "warn" if row.passed else "bad"
    cells = "".join(f"<td>{xml(text)}</td>" for text in (row.scheduler, row.payload, row.topology, row.kernel))
    return (f'<tr><td><span class="pill {tone}">{row.passed}/{row.count} {row.percent}%</span></td>{cells}'
            f'<td>{row.mean_ms / 1000:.2f} s</td><td class="message">{xml(row.others)} '
            f'<span class="dim">{xml(row.first)} {xml(row.reason)}</span></td></tr>\n')

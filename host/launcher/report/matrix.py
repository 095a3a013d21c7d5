# SPDX-License-Identifier: GPL-2.0-only
"""A matrix as a table, as JUnit XML and as a page. In: its cells. Out: bytes."""
from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import Sequence

from ..text import one_line, printable, without_controls, xml
from .cases import Case
from .junit import DECLARATION, case_element
from .page import document, section
from ..verdicts import FAILED, PASSED

_FORMAT = "{:<24} {:<12} {:<14} {:<14} {:>11} {:>9}  {}"


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


def matrix_table(rows: Sequence[Row], cells: Sequence[Cell], directory: str) -> bytes:
    lines = [_FORMAT.format("KERNEL", "TOPOLOGY", "SCHEDULER", "PAYLOAD", "PASSED", "MEAN", "OTHERWISE")]
    for row in rows:
        otherwise = row.others + (f", first {row.first}" if row.first else "")
        lines.append(_FORMAT.format(row.kernel, row.topology, row.scheduler, row.payload,
                                    f"{row.passed}/{row.count} {row.percent}%", f"{row.mean_ms / 1000:.2f} s", otherwise))
    end = f"matrix: {_count_passed(cells)} of {len(cells)} cells passed; directory "
    return (printable("\n".join(lines)) + "\n" + end).encode("ascii") + without_controls(directory) + b"\n"


def matrix_junit(cells: Sequence[Cell]) -> bytes:
    counts = f'tests="{len(cells)}" failures="{len(cells) - _count_passed(cells)}"'
    lines = [f'<testsuites name="ktrun-matrix" {counts}>', f'<testsuite name="ktrun-matrix" {counts}>',
             *(case_element(_case(cell)) for cell in cells), "</testsuite>\n</testsuites>"]
    return (DECLARATION + "\n".join(lines) + "\n").encode("utf-8", "replace")


def _case(cell: Cell) -> Case:
    outcome = PASSED if cell.verdict == "pass" else FAILED
    return Case(outcome, cell.wall_ms, f"{cell.kernel} {cell.topology}",
                f"{cell.scheduler} {cell.payload} {cell.name}", one_line(cell.reason), cell.verdict)


def matrix_page(rows: Sequence[Row], cells: Sequence[Cell], directory: str) -> bytes:
    passed = _count_passed(cells)
    tone = "good" if passed == len(cells) else "bad"
    header = (f'<header class="{tone}">\n<p class="kicker">Matrix of ktrun</p>\n'
              f"<h1>{passed} of {len(cells)} passed</h1>\n</header>\n")
    heads = "".join(f"<th>{head}</th>" for head in ("Passed", "Scheduler", "Payload", "Topology", "Kernel", "Mean time",
                                                    "Otherwise"))
    table = (f'<div class="scroll"><table class="cells"><thead><tr>{heads}</tr></thead><tbody>\n'
             f"{''.join(map(_page_row, rows))}</tbody></table></div>\n")
    title = f"ktrun matrix: {passed} of {len(cells)} passed"
    return document(title, header + section("Cells", table), directory).encode("utf-8", "replace")


def _page_row(row: Row) -> str:
    tone = "good" if row.passed == row.count else "warn" if row.passed else "bad"
    cells = "".join(f"<td>{xml(text)}</td>" for text in (row.scheduler, row.payload, row.topology, row.kernel))
    return (f'<tr><td><span class="pill {tone}">{row.passed}/{row.count} {row.percent}%</span></td>{cells}'
            f'<td>{row.mean_ms / 1000:.2f} s</td><td class="message">{xml(row.others)} '
            f'<span class="dim">{xml(row.first)} {xml(row.reason)}</span></td></tr>\n')

# SPDX-License-Identifier: GPL-2.0-only
"""--history-of: one metric over the runs of a file of --record, on the terminal and as a page.

In:  Options: the metric, the file, --report. Out: a chart for each series on stdout. A series has the runs of one
command, scheduler, topology, accelerator and host, since nothing else can be compared; a row has the runs of one
version (label, scheduler's hash, kernel) that follow each other. Damaged lines are named on stderr and left out.
Exit: 0; Fault (205) for a file that can't be read, or in which no run has this metric.
"""
from __future__ import annotations

import itertools
import shlex
from dataclasses import dataclass
from typing import Callable, Sequence

from ..compare.ranks import Spread, spread_of
from ..figures.run_records import Records, RunRecord, read_records
from ..judge.verdicts import has_figures
from ..lib.text import Fault, note, one_line, print_text, printable, write_stderr, xml
from ..options.options import Options
from ..options.values import parse_headline, parse_path
from ..plan import check_reports
from . import make_all, write_report
from .compare import value_text
from .page import document, section

_DAMAGED_SHOWN, _ROWS_MAX, _SERIES_MAX, _CHART = 20, 60, 50, 40
_WIDTH, _HEIGHT, _MARGIN = 640, 160, 14  # pixels


@dataclass(frozen=True)
class Point:
    """The runs of one version."""
    date: str  # of the first one
    name: str
    values: tuple[float, ...]
    spread: Spread


@dataclass(frozen=True)
class Series:
    title: str
    unit: str
    points: tuple[Point, ...]


def show_history(options: Options) -> int:
    metric = parse_headline("--history-of", options.history_of[0]).name
    path = parse_path("--history-of", options.history_of[1])
    check_reports(options)
    records = read_records(path)
    _name_damage(records, path)
    series = series_of(records.records, metric)
    if not series:
        raise Fault(f"--history-of: no run in {path} that went well has the metric {metric}"
                    f"{_similar(records.records, metric)}")
    text = chart(series, metric)
    makers: dict[str, Callable[[], None]] = {}
    if options.report:
        report = options.report
        makers["--report"] = lambda: write_report("--report", report, history_page(series, metric, path))
    if options.report_on_stdout:
        write_stderr(text)
    else:
        makers["the chart"] = lambda: print_text(text)
    make_all(makers)
    return 0


def _name_damage(records: Records, path: str) -> None:
    for number, why in records.damaged[:_DAMAGED_SHOWN]:
        note(f"{path}, line {number}: not a record, left out: {one_line(why)[:200]}")
    if len(records.damaged) > _DAMAGED_SHOWN:
        note(f"{path}: {len(records.damaged) - _DAMAGED_SHOWN} more damaged lines are left out")
    if records.left_out:
        note(f"{path}: {records.left_out} lines after the first {len(records.records)} records are left out")


def _similar(records: Sequence[RunRecord], metric: str) -> str:
    last = metric.rpartition(".")[2]
    names = sorted({name for record in records for name in record.metrics if last in name or name in metric})
    return f" (it has {', '.join(names[:8])})" if names else ""


def series_of(records: Sequence[RunRecord], metric: str) -> list[Series]:
    """In the order of their first run. A run that did not go well has no figure worth a point."""
    groups: dict[tuple[str, ...], list[RunRecord]] = {}
    for record in sorted(records, key=lambda record: record.date):
        if metric in record.metrics and has_figures(record.verdict):
            groups.setdefault((*record.what, record.metrics[metric].unit), []).append(record)
    return [_series(group, metric) for group in groups.values()]


def _series(group: Sequence[RunRecord], metric: str) -> Series:
    head = group[0]
    scheduler = " ".join(filter(None, [head.scheduler or "none", head.scheduler_args]))
    command = " ".join(filter(None, [_readable(head.command) or "no command", head.options]))
    title = (f"{command}; {scheduler}; {head.topology}, {head.memory_mib} MiB; "
             f"{head.accel} on {head.host or '?'}")
    points = [_point(list(runs), metric) for _, runs in itertools.groupby(group, key=lambda record: record.version)]
    return Series(one_line(title), head.metrics[metric].unit, tuple(points))


def _readable(command: str) -> str:
    """Without the quotes that no shell needs."""
    try:
        return shlex.join(shlex.split(command))
    except ValueError:
        return command


def _point(runs: Sequence[RunRecord], metric: str) -> Point:
    head = runs[0]
    values = tuple(float(run.metrics[metric].value) for run in runs)
    name = head.label or " ".join(filter(None, [head.scheduler_sha256[:8], head.kernel_release]))
    return Point(head.date, one_line(name), values, spread_of(values))


def chart(series: Sequence[Series], metric: str) -> bytes:
    """A row: least and most as | and |, the median as o."""
    lines: list[str] = []
    for each in series[:_SERIES_MAX]:
        lines += [f"{metric}: {each.title}", *_rows(each), ""]
    if len(series) > _SERIES_MAX:
        lines.append(f"{len(series) - _SERIES_MAX} more series are left out")
    return printable("\n".join(lines).rstrip("\n") + "\n").encode("ascii")


def _rows(series: Series) -> list[str]:
    points = series.points[-_ROWS_MAX:]
    least = min(point.spread.least for point in points)
    most = max(point.spread.most for point in points)
    span = most - least or 1.0
    left_out = len(series.points) - len(points)
    lines = [f"  ({left_out} older rows are left out)"] if left_out else []
    width = min(28, max(len(point.name) for point in points))
    for point in points:
        spread = point.spread
        places = [round((value - least) / span * (_CHART - 1)) for value in (spread.least, spread.median, spread.most)]
        bar = [" "] * _CHART
        bar[places[0]:places[2] + 1] = "-" * (places[2] - places[0] + 1)
        bar[places[0]] = bar[places[2]] = "|"
        bar[places[1]] = "o"
        runs = f"{point.spread.count} runs" if point.spread.count > 1 else "1 run"
        lines.append(f"  {point.date[:10]} {point.name[:width].ljust(width)} {''.join(bar)} "
                     f"{value_text(point.spread.median, series.unit):>9}  {runs}")
    edges = value_text(least, series.unit), value_text(most, series.unit) if most > least else ""
    return [*lines, f"  {'':10} {'':{width}} {edges[0]}{edges[1]:>{max(1, _CHART - len(edges[0]))}}".rstrip()]


def history_page(series: Sequence[Series], metric: str, path: str) -> bytes:
    count = sum(len(point.values) for each in series for point in each.points)
    body = (f'<header class="good">\n<p class="kicker">History of ktrun</p>\n<h1><code>{xml(metric)}</code></h1>\n'
            f'<p class="reason">{count} runs, {len(series)} series</p>\n</header>\n')
    for each in series[:_SERIES_MAX]:
        body += section(xml(each.title), _picture(each, metric) + _table(each))
    return document(f"ktrun: history of {metric}", body, path).encode("utf-8", "replace")


def _picture(series: Series, metric: str) -> str:
    """A dot for each run, a line through the medians."""
    points = series.points[-_ROWS_MAX:]
    least, most = min(point.spread.least for point in points), max(point.spread.most for point in points)
    span = most - least or 1.0
    step = (_WIDTH - 2 * _MARGIN) / max(1, len(points) - 1)

    def place(at: int, value: float) -> tuple[str, str]:
        height = (value - least) / span * (_HEIGHT - 2 * _MARGIN)
        return f"{_MARGIN + at * step:.1f}", f"{_HEIGHT - _MARGIN - height:.1f}"

    dots = "".join('<circle class="dot" cx="{}" cy="{}" r="3"/>'.format(*place(at, value))
                   for at, point in enumerate(points) for value in point.values[:200])
    line = " ".join(",".join(place(at, point.spread.median)) for at, point in enumerate(points))
    ticks = "".join(f'<text class="tick" x="{_MARGIN}" y="{y}">{xml(value_text(value, series.unit))}</text>'
                    for y, value in ((_HEIGHT - 1, least), (_MARGIN - 4, most))[:2 if most > least else 1])
    label = f"{xml(metric)} over {len(points)} versions"
    return (f'<figure class="spread"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">'
            f'<polyline class="course" points="{line}"/>{dots}{ticks}</svg></figure>\n')


def _table(series: Series) -> str:
    rows = "".join(f"<tr><td>{xml(point.date)}</td><td><code>{xml(point.name)}</code></td><td>{len(point.values)}</td>"
                   f"<td>{xml(value_text(point.spread.median, series.unit))}</td>"
                   f"<td>{xml(value_text(point.spread.least, series.unit))} .. "
                   f"{xml(value_text(point.spread.most, series.unit))}</td></tr>\n"
                   for point in series.points[-_ROWS_MAX:])
    left_out = len(series.points) - _ROWS_MAX
    note_text = f'<p class="note">{left_out} older versions are left out.</p>\n' if left_out > 0 else ""
    return ('<div class="scroll"><table><thead><tr><th>From</th><th>Version</th><th>Runs</th><th>Median</th>'
            f"<th>Least, most</th></tr></thead><tbody>\n{rows}</tbody></table></div>\n{note_text}")

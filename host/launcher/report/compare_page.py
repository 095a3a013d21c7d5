# SPDX-License-Identifier: GPL-2.0-only
"""A comparison as one HTML page: what was compared, each headline metric with its distributions drawn, all others.

In:  a Comparison. Out: HTML that loads nothing and runs nothing. A picture has a row for each side: a dot for each run,
at most _DOTS_MAX, and a box from quartile to quartile with the median in it.
"""
from __future__ import annotations

from typing import Callable, Optional, Sequence

from ..compare.differences import BETTER, DIFFERENT, WORSE, Difference, Metric
from ..compare.plan import shown_words
from ..compare.ranks import Spread
from ..lib.text import xml
from .compare import (Comparison, Run, better_text, difference_text, emulated_text, further, gate_lines, median_text,
                      quartiles_text, value_text)
from .page import document, section

_DOTS_MAX, _OTHERS_MAX, _FAILED_MAX = 200, 400, 100
_LEFT, _WIDTH, _ROW, _AXIS = 24, 640, 26, 18  # pixels
_TONES = {BETTER: "good", WORSE: "bad", DIFFERENT: "warn"}


def compare_page(comparison: Comparison) -> bytes:
    body = _header(comparison) + section("Sides", _sides(comparison))
    for at, metrics in enumerate(comparison.payloads):
        name = xml(comparison.design.payloads[at].name or "tests")
        headlines = [metric for metric in metrics if metric.is_headline]
        content = "".join(_headline(metric, comparison) for metric in headlines)
        gates = "".join(f"<p>{xml(text[:1].upper() + text[1:])}</p>\n" for text in gate_lines(comparison, at))
        body += section(f"Payload: <code>{name}</code>",
                        (content or "<p>No headline metric was measured.</p>\n") + gates)
        others = further(metrics)
        body += section("Further metrics", _others(others, comparison)) if others else ""
    body += section("Runs without figures", _runs(comparison.failed, comparison)) if comparison.failed else ""
    body += section("Flaky runs", _runs(comparison.flaky, comparison)) if comparison.flaky else ""
    body += section("How", _how(comparison))
    return document("ktrun: comparison", body, comparison.directory).encode("utf-8", "replace")


def _header(comparison: Comparison) -> str:
    differences = [difference for metrics in comparison.payloads for metric in metrics if metric.is_headline
                   for difference in metric.differences]
    counts = {verdict: sum(difference.verdict == verdict for difference in differences) for verdict in _TONES}
    texts = [f"{count} {verdict}" for verdict, count in counts.items() if count]
    tone = "bad" if counts[WORSE] or comparison.failed or comparison.gate_counts else "good"
    first = xml(comparison.design.sides[0].letter)
    return (f'<header class="{tone}">\n<p class="kicker">Comparison of ktrun</p>\n'
            f'<h1>{", ".join(texts) or "no difference seen"} '
            f"<small>of {len(differences)} headline differences from {first}</small></h1>\n"
            f'<p class="reason">{xml(emulated_text(comparison))}</p>\n</header>\n')


def _sides(comparison: Comparison) -> str:
    rows = "".join(
        f"<tr><td>{side.letter}</td><td><code>{xml(side.label)}</code></td><td>{xml(comparison.count_of(at))}</td>"
        f"<td>{xml(comparison.releases_of(at))}</td><td><code>{xml(shown_words(side.words))}</code></td></tr>\n"
        for at, side in enumerate(comparison.design.sides))
    return _table(("Side", "What", "Runs", "Linux", "Options"), rows)


def _table(heads: Sequence[str], rows: str) -> str:
    titles = "".join(f"<th>{xml(head)}</th>" for head in heads)
    return (f'<div class="scroll"><table class="cells"><thead><tr>{titles}</tr></thead><tbody>\n{rows}'
            "</tbody></table></div>\n")


def _headline(metric: Metric, comparison: Comparison) -> str:
    sides = comparison.design.sides
    lines = "".join(f"<p>{_pill(difference)} {sides[difference.side].letter}: {_words(difference, metric)}</p>\n"
                    for difference in metric.differences)
    missing = [side.letter for at, side in enumerate(sides) if not metric.values[at]]
    lines += f"<p>Not measured: {', '.join(missing)}</p>\n" if missing else ""
    return (f'<figure class="spread"><figcaption><code>{xml(metric.name)}</code>, '
            f'{xml(metric.unit)}{better_text(metric)}'
            f"</figcaption>\n{_picture(metric, comparison)}{lines}</figure>\n")


def _pill(difference: Difference) -> str:
    return f'<span class="pill {_TONES.get(difference.verdict, "quiet")}">{xml(difference.verdict)}</span>'


def _words(difference: Difference, metric: Metric) -> str:
    return xml(difference_text(difference, metric))


def _picture(metric: Metric, comparison: Comparison) -> str:
    spreads = [spread for spread in metric.spreads if spread]
    least, most = min(spread.least for spread in spreads), max(spread.most for spread in spreads)
    span = most - least or 1.0
    height = _ROW * len(metric.values) + _AXIS

    def x(value: float) -> float:
        return _LEFT + 8 + (value - least) / span * (_WIDTH - _LEFT - 16)

    rows = "".join(_row(at, comparison.design.sides[at].letter, values, metric.spreads[at], x)
                   for at, values in enumerate(metric.values))
    low, high = xml(value_text(least, metric.unit)), xml(value_text(most, metric.unit))
    axis = (f'<text class="tick" x="{_LEFT + 8}" y="{height - 4}">{low}</text>'
            f'<text class="tick" x="{_WIDTH - 8}" y="{height - 4}" text-anchor="end">{high}</text>')
    return (f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="Distribution of {xml(metric.name)}">'
            f"{rows}{axis}</svg>\n")


def _row(at: int, letter: str, values: Sequence[float], spread: Optional[Spread], x: Callable[[float], float]) -> str:
    middle = at * _ROW + _ROW / 2
    label = f'<text class="label" x="4" y="{middle + 5:.1f}">{letter}</text>'
    if spread is None:
        return label
    low, median, width = x(spread.low), x(spread.median), max(1.0, x(spread.high) - x(spread.low))
    box = (f'<rect class="box" x="{low:.1f}" y="{middle - 8:.1f}" width="{width:.1f}" height="16"/>'
           f'<line class="median" x1="{median:.1f}" y1="{middle - 10:.1f}" x2="{median:.1f}" y2="{middle + 10:.1f}"/>')
    # Runs with the same figure lie one above the other: a fixed pattern of heights tells them apart.
    dots = "".join(f'<circle class="dot" cx="{x(value):.1f}" cy="{middle + (number % 5 - 2) * 2.5:.1f}" r="2.5"/>'
                   for number, value in enumerate(values[:_DOTS_MAX]))
    return label + box + dots


def _others(metrics: Sequence[Metric], comparison: Comparison) -> str:
    rows = "".join(_other_row(metric, comparison) for metric in metrics[:_OTHERS_MAX])
    heads = ["Metric", *(side.letter for side in comparison.design.sides),
             *(f"{side.letter}: difference" for side in comparison.design.sides[1:])]
    if len(metrics) > _OTHERS_MAX:
        rows += f'<tr><td colspan="{len(heads)}">{len(metrics) - _OTHERS_MAX} more are in compare.json</td></tr>\n'
    return _table(heads, rows)


def _other_row(metric: Metric, comparison: Comparison) -> str:
    by_side = {difference.side: difference for difference in metric.differences}
    cells = "".join(f"<td>{xml(median_text(spread, metric.unit))} "
                    f'<span class="dim">{xml(quartiles_text(metric, side))}</span></td>'
                    if spread else "<td>-</td>" for side, spread in enumerate(metric.spreads))
    for side in range(1, len(comparison.design.sides)):
        difference = by_side.get(side)
        cells += f"<td>{_pill(difference)} {_words(difference, metric)}</td>" if difference else "<td>-</td>"
    return f"<tr><td><code>{xml(metric.name)}</code></td>{cells}</tr>\n"


def _runs(failed: Sequence[Run], comparison: Comparison) -> str:
    sides = comparison.design.sides
    rows = "".join(f"<tr><td>{xml(run.name)}</td><td>{sides[run.side].letter}</td><td>{xml(run.verdict)}</td>"
                   f'<td class="message">{xml(run.reason)}</td></tr>\n' for run in failed[:_FAILED_MAX])
    if len(failed) > _FAILED_MAX:
        rows += f'<tr><td colspan="4">{len(failed) - _FAILED_MAX} more are in compare.json</td></tr>\n'
    return _table(("Run", "Side", "Verdict", "Reason"), rows)


def _how(comparison: Comparison) -> str:
    design = comparison.design
    end = f" {xml(comparison.end[:1].upper() + comparison.end[1:])}." if comparison.end else ""
    return (f"<p>Runs in turn (ABBA), seed {design.seed}. The difference is that of the medians, with a 95% bootstrap "
            "interval; P is that of a rank test, corrected for the number of metrics. &quot;Better&quot;, "
            f"&quot;worse&quot; and &quot;different&quot; need both.{end}</p>\n"
            f"<p>Options of all sides: <code>{xml(shown_words(design.common)) or 'none'}</code></p>\n")

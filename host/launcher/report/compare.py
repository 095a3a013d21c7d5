# SPDX-License-Identifier: GPL-2.0-only
"""A comparison as a table for a terminal, as Markdown and as JSON.

In:  a Comparison. Out: bytes. What comes from a guest (names of its metrics, reasons) and from the user (labels) can't
leave its cell. The schema of the JSON is docs/internals/compare.schema.json.
"""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Iterator, Optional, Sequence

from ..compare.differences import ALPHA, NOISY, SAME, TOO_FEW, Difference, Metric
from ..compare.directions import HIGHER, LOWER
from ..compare.plan import Design, shown_words
from ..compare.ranks import LEVEL, RESAMPLES, Spread
from ..figures.gates import FAILED, INCONCLUSIVE, KEPT, OUTCOMES
from ..judge.verdicts import has_figures
from ..lib.records import lines_of
from ..lib.text import one_line, printable, without_controls
from .markdown import code, part, plain

SCHEMA = 1
_INDENT = "  "
_HEADS = ("SIDE", "MEDIAN", "QUARTILES", "DIFFERENCE", "95% INTERVAL", "P", "VERDICT")
_MOST = (4, 10, 20, 10, 20, 6)  # characters of the columns before the last one
_FAILED_SHOWN, _OTHERS_SHOWN = 10, 12
_QUIET = (SAME, NOISY, TOO_FEW)


@dataclass(frozen=True)
class Run:
    name: str
    round: int  # from 1
    payload: int
    side: int
    verdict: str
    reason: str
    accel: str
    kernel_release: str
    started: str
    gates: tuple[tuple[str, str], ...] = ()  # text, outcome


@dataclass(frozen=True)
class Comparison:
    design: Design
    runs: tuple[Run, ...]
    payloads: Sequence[Sequence[Metric]]
    noise_percent: float
    end: str  # why it ended when it did, and what is missing; may be empty
    directory: str

    def runs_of(self, side: int) -> list[Run]:
        return [run for run in self.runs if run.side == side]

    @property
    def failed(self) -> list[Run]:
        """Those without figures."""
        return [run for run in self.runs if not has_figures(run.verdict)]

    @property
    def gate_counts(self) -> list[tuple[str, int]]:
        """How many runs have each verdict of a gate; none that no run has."""
        counts = Counter(run.verdict for run in self.runs)
        return [(word, counts[word]) for word in ("gate-failed", "inconclusive") if counts[word]]

    def gates_of(self, payload: int) -> dict[str, list[Counter[str]]]:
        """For each gate and each side: how many runs had which outcome."""
        found: dict[str, list[Counter[str]]] = {}
        for run in self.runs:
            for text, outcome in run.gates if run.payload == payload and has_figures(run.verdict) else ():
                found.setdefault(text, [Counter() for _ in self.design.sides])[run.side][outcome] += 1
        return found

    @property
    def flaky(self) -> list[Run]:
        return [run for run in self.runs if run.verdict == "flaky"]

    @property
    def accels(self) -> str:
        return ", ".join(sorted({run.accel for run in self.runs})) or "unknown"

    @property
    def is_emulated(self) -> bool:
        return any(run.accel == "tcg" for run in self.runs)

    def releases_of(self, side: int) -> str:
        return ", ".join(sorted({run.kernel_release or "of unknown release" for run in self.runs_of(side)}))

    def count_of(self, side: int) -> str:
        """5 of 6 passed (1 sched-died)"""
        runs = self.runs_of(side)
        others = Counter(run.verdict for run in runs if run.verdict != "pass")
        named = ", ".join(f"{count} {verdict}" for verdict, count in others.items())
        return f"{len(runs) - sum(others.values())} of {len(runs)} passed" + (f" ({named})" if named else "")


def brief(number: float, unit: str) -> tuple[str, str]:
    """Three digits, and the unit in which they are few."""
    for size, larger in ((1000000, "s"), (1000, "ms")) if unit == "us" else ():
        if abs(number) >= size:
            return f"{number / size:.3g}", larger
    digits = f"{number:.0f}" if 1000 <= abs(number) < 1e12 else f"{number:.3g}"
    return digits, "" if unit in ("count", "flag", "tasks") else unit


def value_text(number: float, unit: str) -> str:
    return " ".join(filter(None, brief(number, unit)))


def percent_text(difference: Difference, unit: str) -> str:
    return signed(difference.percent, "%") if difference.percent is not None else _signed_value(difference.value, unit)


def interval_text(difference: Difference, metric: Metric) -> str:
    """One value on each side says nothing of how far it may be off."""
    if len(metric.values[0]) == len(metric.values[difference.side]) == 1:
        return "no interval"
    base = metric.spreads[0].median if metric.spreads[0] else 0.0
    if difference.percent is not None and base:
        return "..".join(signed(100 * end / abs(base), "%") for end in (difference.low, difference.high))
    return "..".join(_signed_value(end, metric.unit) for end in (difference.low, difference.high))


def signed(number: float, unit: str) -> str:
    form = "+.1f" if abs(number) < 99.95 else "+.0f" if abs(number) < 1e6 else "+.3g"
    return f"{number:{form}}{unit}"


def _signed_value(number: float, unit: str) -> str:
    return ("-" if number < 0 else "+") + value_text(abs(number), unit)


def difference_text(difference: Difference, metric: Metric) -> str:
    return (f"{percent_text(difference, metric.unit)} ({interval_text(difference, metric)}), "
            f"P {chance_text(difference.corrected)}")


def chance_text(chance: float) -> str:
    return f"{chance:.3f}" if chance >= 0.0005 else f"{chance:.0e}"


def quartiles_text(metric: Metric, side: int) -> str:
    """Of a side that has measured it; and in how many of its runs, where these are not all."""
    spread, runs = metric.spreads[side], metric.runs[side]
    assert spread
    (low, low_unit), (high, high_unit) = brief(spread.low, metric.unit), brief(spread.high, metric.unit)
    text = f"{low}..{high}" if low_unit == high_unit else f"{low} {low_unit}..{high}"
    text = " ".join(filter(None, [text, high_unit]))
    return text if spread.count == runs else f"{text}, {spread.count} of {runs} runs"


def median_text(spread: Spread, unit: str) -> str:
    return value_text(spread.median, unit)


def emulated_text(comparison: Comparison) -> str:
    if comparison.is_emulated:
        return "accelerator tcg: emulated CPUs, so the figures are those of this host and its load"
    return f"accelerator {comparison.accels}"


def compare_table(comparison: Comparison) -> bytes:
    lines: list[str] = []
    for at, side in enumerate(comparison.design.sides):
        release = comparison.releases_of(at)
        end = f", Linux {release}" if release else ""
        lines.append(f"{side.letter}  {side.label}: {comparison.count_of(at)}{end}")
    for payload, metrics in enumerate(comparison.payloads):
        lines += ["", f"payload: {comparison.design.payloads[payload].name or 'tests'}", *_table(metrics, comparison)]
        lines += [*_others(metrics, comparison), *(printable(text) for text in gate_lines(comparison, payload))]
    lines += ["", *_failures(comparison)]
    lines.append(f"compare: {_count_text(comparison)}; seed {comparison.design.seed}")
    lines.append(f"compare: {emulated_text(comparison)}")
    lines += [f"compare: {comparison.end}"] if comparison.end else []
    text = b"\n".join(without_controls(one_line(line)) for line in lines)
    return text + b"\ncompare: all figures are in " + without_controls(comparison.directory) + b"/compare.json\n"


def _count_text(comparison: Comparison) -> str:
    flaky = [("flaky", len(comparison.flaky))] if comparison.flaky else []
    others = "".join(f", {count} {word}" for word, count in [*comparison.gate_counts, *flaky])
    return f"{_passed(comparison)} of {len(comparison.runs)} runs passed, {len(comparison.failed)} failed{others}"


def _passed(comparison: Comparison) -> int:
    return sum(run.verdict == "pass" for run in comparison.runs)


def gate_lines(comparison: Comparison, payload: int) -> Iterator[str]:
    """gate wake_p99<5ms: A kept by 10 of 10; B kept by 7 of 10, 2 failed, 1 inconclusive"""
    for text, sides in comparison.gates_of(payload).items():
        parts = [f"{side.letter} {_outcomes_text(counts)}" for side, counts in zip(comparison.design.sides, sides)
                 if counts]
        yield f"gate {text}: {'; '.join(parts)}"


def _outcomes_text(counts: Counter[str]) -> str:
    others = "".join(f", {counts[outcome]} {outcome}" for outcome in (FAILED, INCONCLUSIVE) if counts[outcome])
    return f"kept by {counts[KEPT]} of {sum(counts.values())}{others}"


def _table(metrics: Sequence[Metric], comparison: Comparison) -> Iterator[str]:
    """A line with the metric's name, which may be long, then one for each side."""
    headlines = [(metric, list(_rows(metric, comparison))) for metric in metrics if metric.is_headline]
    if not headlines:
        yield "no headline metric was measured: no run has passed, or no figures came"
        return
    rows = [_HEADS, *(row for _, group in headlines for row in group)]
    widths = [min(most, max(len(row[at]) for row in rows)) for at, most in enumerate(_MOST)]
    yield _line(_HEADS, widths)
    for metric, group in headlines:
        yield metric.name + better_text(metric)
        yield from (_line(row, widths) for row in group)


def better_text(metric: Metric) -> str:
    return f", {metric.direction} is better" if metric.direction in (LOWER, HIGHER) else ""


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [_cut(text, width).ljust(width) for text, width in zip(row, widths)]
    return printable(_INDENT + " ".join([*cells, row[-1]]).rstrip())


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[:width - 2] + ".."


def _rows(metric: Metric, comparison: Comparison) -> Iterator[tuple[str, ...]]:
    by_side = {difference.side: difference for difference in metric.differences}
    for at, side in enumerate(comparison.design.sides):
        spread, difference = metric.spreads[at], by_side.get(at)
        if spread is None:
            yield (side.letter, "-", "not measured", "", "", "", "")
            continue
        row = (side.letter, median_text(spread, metric.unit), quartiles_text(metric, at))
        yield (*row, *(_difference_cells(difference, metric) if difference else ("", "", "", "")))


def _difference_cells(difference: Difference, metric: Metric) -> tuple[str, str, str, str]:
    return (percent_text(difference, metric.unit), interval_text(difference, metric), chance_text(difference.corrected),
            difference.verdict)


def _others(metrics: Sequence[Metric], comparison: Comparison) -> Iterator[str]:
    """Further metrics that differ, the largest P last."""
    found = [(difference.corrected, metric.name, difference, metric.unit) for metric in further(metrics)
             for difference in metric.differences if difference.verdict not in _QUIET]
    found.sort(key=lambda item: item[:2])
    letters = [f" of {side.letter}" if len(comparison.design.sides) > 2 else "" for side in comparison.design.sides]
    texts = [f"{name}{letters[difference.side]} {percent_text(difference, unit)} {difference.verdict}"
             for _, name, difference, unit in found[:_OTHERS_SHOWN]]
    if texts:
        more = f", and {len(found) - _OTHERS_SHOWN} more" if len(found) > _OTHERS_SHOWN else ""
        yield f"further metrics that differ: {', '.join(texts)}{more}"


def _failures(comparison: Comparison) -> Iterator[str]:
    for run in comparison.flaky[:_FAILED_SHOWN]:
        yield f"compare: {run.name} ({comparison.design.sides[run.side].letter}) is flaky: {printable(run.reason)}"
    failed = comparison.failed
    for run in failed[:_FAILED_SHOWN]:
        side = comparison.design.sides[run.side]
        reason = printable(f": {run.reason}") if run.reason else ""
        yield f"compare: {run.name} ({side.letter}) did not pass, so it gives no figures: {run.verdict}{reason}"
    if len(failed) > _FAILED_SHOWN:
        yield f"compare: {len(failed) - _FAILED_SHOWN} more did not pass, see runs.tsv"


def further(metrics: Sequence[Metric]) -> list[Metric]:
    """Those that are no headline metrics and not the same in all runs."""
    return [metric for metric in metrics if not metric.is_headline and not metric.is_constant]


def compare_markdown(comparison: Comparison) -> bytes:
    """For a pull request: the headline metrics; all others folded away."""
    sides = comparison.design.sides
    lines = [f"- **{side.letter}**: {code(side.label)}, {comparison.count_of(at)}, Linux "
             f"{plain(comparison.releases_of(at))}" for at, side in enumerate(sides)]
    for payload, metrics in enumerate(comparison.payloads):
        lines += ["", f"Payload: {code(comparison.design.payloads[payload].name or 'tests')}", ""]
        lines += _markdown_table([metric for metric in metrics if metric.is_headline], comparison)
        rest = further(metrics)
        if rest:
            lines += ["", f"<details><summary>{len(rest)} further metrics</summary>", "",
                      *_markdown_table(rest, comparison), "", "</details>"]
        gates = [f"- {plain(text)}" for text in gate_lines(comparison, payload)]
        lines += ["", *gates] if gates else []
    lines += ["", f"Medians (quartiles) of runs in turn, seed {comparison.design.seed}. Difference from "
              f"{sides[0].letter} with a {LEVEL:.0%} interval (bootstrap) and P of a rank test, corrected for the "
              f"number of metrics. {_sentence(emulated_text(comparison))}"]
    lines += [f"{plain(run.name)} ({sides[run.side].letter}) is **flaky**: {plain(run.reason)}"
              for run in comparison.flaky[:_FAILED_SHOWN]]
    lines += [f"{plain(run.name)} ({sides[run.side].letter}) did not pass: {run.verdict} {plain(run.reason)}"
              for run in comparison.failed[:_FAILED_SHOWN]]
    lines += [plain(_sentence(comparison.end))] if comparison.end else []
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def compare_summary(comparison: Comparison) -> bytes:
    """The same for --summary."""
    return part([f"### ktrun: comparison: {_count_text(comparison)}", "",
                 compare_markdown(comparison).decode("utf-8").rstrip("\n")])


def _markdown_table(metrics: Sequence[Metric], comparison: Comparison) -> list[str]:
    sides = comparison.design.sides
    heads = ["Metric", *(side.letter for side in sides)]
    heads += [f"{side.letter} beside {sides[0].letter}" for side in sides[1:]]
    return [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|",
            *(_markdown_row(metric, comparison) for metric in metrics)]


def _markdown_row(metric: Metric, comparison: Comparison) -> str:
    by_side = {difference.side: difference for difference in metric.differences}
    cells = [code(metric.name)]
    cells += [f"{median_text(spread, metric.unit)} ({quartiles_text(metric, side)})" if spread
              else "not measured" for side, spread in enumerate(metric.spreads)]
    for side in range(1, len(comparison.design.sides)):
        difference = by_side.get(side)
        cells.append(f"{difference_text(difference, metric)}: {_strong(difference.verdict)}" if difference else "-")
    return f"| {' | '.join(cells)} |"


def _strong(verdict: str) -> str:
    return verdict if verdict in _QUIET else f"**{verdict}**"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def compare_json(comparison: Comparison) -> bytes:
    design = comparison.design
    values: dict[str, Any] = {
        "schema": SCHEMA, "seed": design.seed, "accel": comparison.accels, "level": LEVEL, "alpha": ALPHA,
        "resamples": RESAMPLES, "noise_percent": comparison.noise_percent, "end": comparison.end or None,
        "directory": comparison.directory, "common": shown_words(design.common),
        "runs_passed": _passed(comparison), "runs_failed": len(comparison.failed), "runs_flaky": len(comparison.flaky),
        "runs_gate_failed": dict(comparison.gate_counts).get("gate-failed", 0),
        "runs_inconclusive": dict(comparison.gate_counts).get("inconclusive", 0),
        "sides": [{"letter": side.letter, "label": side.label, "words": shown_words(side.words),
                   "scheduler_sha256": side.scheduler_sha256, "kernel_sha256": side.kernel_sha256,
                   "kernel_release": comparison.releases_of(at) or None,
                   "accel": ", ".join(sorted({run.accel for run in comparison.runs_of(at)})) or None,
                   "passed": sum(run.verdict == "pass" for run in comparison.runs_of(at)),
                   "failed": sum(not has_figures(run.verdict) for run in comparison.runs_of(at))}
                  for at, side in enumerate(design.sides)],
        "runs": [{"name": run.name, "round": run.round, "payload": run.payload, "side": design.sides[run.side].letter,
                  "verdict": run.verdict, "reason": run.reason or None, "accel": run.accel,
                  "kernel_release": run.kernel_release or None, "started": run.started or None}
                 for run in comparison.runs],
        "payloads": [{"name": design.payloads[at].name, "command": shown_words(design.payloads[at].words),
                      "metrics": [_metric_json(metric, design) for metric in metrics],
                      "gates": [_gate_json(text, sides, design) for text, sides in comparison.gates_of(at).items()]}
                     for at, metrics in enumerate(comparison.payloads)],
    }
    return lines_of(values)


def _gate_json(text: str, sides: Sequence[Counter[str]], design: Design) -> dict[str, Any]:
    return {"gate": text, "sides": [{"letter": side.letter, **{outcome: counts[outcome] for outcome in OUTCOMES}}
                                    for side, counts in zip(design.sides, sides)]}


def _metric_json(metric: Metric, design: Design) -> dict[str, Any]:
    return {
        "name": metric.name, "unit": metric.unit, "better": metric.direction, "headline": metric.is_headline,
        "sides": [{"letter": side.letter, "values": metric.values[at], **_spread_json(metric.spreads[at])}
                  for at, side in enumerate(design.sides)],
        "differences": [{"side": design.sides[difference.side].letter, "value": difference.value, "low": difference.low,
                         "high": difference.high, "percent": difference.percent,
                         "half_width_percent": difference.half_width_percent, "p": difference.chance,
                         "p_corrected": difference.corrected, "verdict": difference.verdict}
                        for difference in metric.differences],
    }


def _spread_json(spread: Optional[Spread]) -> dict[str, Optional[float]]:
    if spread is None:
        return {"median": None, "q1": None, "q3": None, "least": None, "most": None}
    return {"median": spread.median, "q1": spread.low, "q3": spread.high, "least": spread.least, "most": spread.most}

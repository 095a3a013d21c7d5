# SPDX-License-Identifier: GPL-2.0-only
"""What the figures of two or more sides say about their differences: the judgement of a comparison, without a VM.

In:  for each payload and each side the metrics of its passed runs. Out: for each metric the spread of each side, and
for each side but the first its difference from the first with an interval, a P and a verdict. docs/use/compare.md has
the rules. Pure: the same runs and the same seed give the same answer.

The headline metrics share the larger part of ALPHA, all others the rest: hundreds of counters of one CPU must not cost
the few figures that matter their power.
"""
from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Mapping, Optional, Sequence

from ..figures.metrics import Value
from .directions import LOWER, UNKNOWN, direction_of, headline_rank
from .ranks import Spread, holm, interval_of_difference, least_chance, rank_test, spread_of

ALPHA, ALPHA_HEADLINES = 0.05, 0.04
NOISE_PERCENT = 10.0  # a difference of so much could hide in a wider interval
BETTER, WORSE, DIFFERENT, SAME = "better", "worse", "different", "no difference seen"
NOISY, TOO_FEW = "too noisy", "too few runs"

Runs = Sequence[Mapping[str, Value]]  # the metrics of each passed run


@dataclass(frozen=True)
class Rules:
    seed: int
    noise_percent: float = NOISE_PERCENT
    headlines: Mapping[str, str] = field(default_factory=dict)  # name and direction; empty: those of directions.py
    is_corrected: bool = True  # False: only for the test which shows what the correction is for


@dataclass(frozen=True)
class Difference:
    """Of a side's median from that of the first side. Percent of the latter; None where that is 0."""
    side: int
    value: float
    low: float  # the interval
    high: float
    percent: Optional[float]
    half_width_percent: Optional[float]
    chance: float  # P
    corrected: float  # P, corrected for the number of metrics and sides
    verdict: str


@dataclass(frozen=True)
class Metric:
    name: str
    unit: str
    direction: str
    rank: Optional[int]  # among the headline metrics; None: it is not one
    values: tuple[tuple[float, ...], ...]  # of each side
    runs: tuple[int, ...]  # of each side: that have figures, be this one of them or not
    spreads: tuple[Optional[Spread], ...]
    differences: tuple[Difference, ...]

    @property
    def is_headline(self) -> bool:
        return self.rank is not None

    @property
    def is_constant(self) -> bool:
        """The same in all runs of all sides that have it."""
        return len({value for values in self.values for value in values}) == 1


def compare_runs(payloads: Sequence[Sequence[Runs]], rules: Rules, only_headlines: bool = False) -> list[list[Metric]]:
    """PAYLOADS: for each the sides, for each side its runs. Out: the metrics of each payload, headlines first."""
    found = [_metrics_of(sides, rules, f"{rules.seed}/{number}", only_headlines)
             for number, sides in enumerate(payloads)]
    flat = [metric for metrics in found for metric in metrics]
    judged = _judge([metric for metric in flat if metric.is_headline], ALPHA_HEADLINES, rules)
    judged.update(_judge([metric for metric in flat if not metric.is_headline], ALPHA - ALPHA_HEADLINES, rules))
    return [[judged[id(metric)] for metric in metrics] for metrics in found]


def _metrics_of(sides: Sequence[Runs], rules: Rules, seed: str, only_headlines: bool) -> list[Metric]:
    units = {(name, value.unit) for runs in sides for run in runs for name, value in run.items()
             if value.unit != "flag"}
    names = {name for name, _ in units}
    found: list[Metric] = []
    for name, unit in sorted(units):
        rank = _rank(name, names, rules)
        if rank is None and only_headlines:
            continue
        values = tuple(tuple(float(run[name].value) for run in runs if name in run and run[name].unit == unit)
                       for runs in sides)
        direction = rules.headlines.get(name) or direction_of(name, unit)
        found.append(Metric(name, unit, direction, rank, values, tuple(map(len, sides)),
                            tuple(spread_of(part) if part else None for part in values),
                            tuple(_difference(values, side, f"{seed}/{side}/{name}/{unit}")
                                  for side in range(1, len(sides)) if values[0] and values[side])))
    return sorted(found, key=lambda metric: (metric.rank is None, metric.rank or 0))


def _rank(name: str, names: set[str], rules: Rules) -> Optional[int]:
    if rules.headlines:
        return list(rules.headlines).index(name) if name in rules.headlines else None
    return headline_rank(name, names)


def _difference(values: Sequence[Sequence[float]], side: int, seed: str) -> Difference:
    first, second = values[0], values[side]
    before, after = spread_of(first).median, spread_of(second).median
    low, high = interval_of_difference(first, second, seed)
    base = abs(before) or abs(after)
    return Difference(side, after - before, low, high, 100 * (after - before) / abs(before) if before else None,
                      50 * (high - low) / base if base else (0.0 if low == high else None),
                      rank_test(first, second), 1.0, TOO_FEW)


def _judge(metrics: Sequence[Metric], alpha: float, rules: Rules) -> dict[int, Metric]:
    """By id(): two metrics may be equal in all they have. What is the same in all runs can't differ, so it does not
    count as a test."""
    tested = [metric for metric in metrics if not metric.is_constant]
    chances = [difference.chance for metric in tested for difference in metric.differences]
    corrected = iter(holm(chances) if rules.is_corrected else chances)
    judged = {id(metric): replace(metric, differences=tuple(
        _with_verdict(metric, difference, next(corrected), alpha, len(chances), rules)
        for difference in metric.differences)) for metric in tested}
    for metric in metrics:
        if metric.is_constant:
            judged[id(metric)] = replace(metric, differences=tuple(
                replace(difference, verdict=SAME) for difference in metric.differences))
    return judged


def _with_verdict(metric: Metric, difference: Difference, corrected: float, alpha: float, count: int,
                  rules: Rules) -> Difference:
    """Different only where the rank test and the interval agree. COUNT: of the tests that share ALPHA."""
    is_sure = corrected < alpha and not difference.low <= 0 <= difference.high
    width = difference.half_width_percent
    if is_sure and metric.direction != UNKNOWN:
        verdict = BETTER if (difference.value < 0) == (metric.direction == LOWER) else WORSE
    elif is_sure:
        verdict = DIFFERENT
    elif least_chance(len(metric.values[0]), len(metric.values[difference.side])) * count >= alpha:
        verdict = TOO_FEW  # runs in which each of one side is better than all of the other would not be enough
    else:
        verdict = NOISY if width is None or width > rules.noise_percent else SAME
    return replace(difference, corrected=corrected, verdict=verdict)


def widest(metrics: Sequence[Metric]) -> Optional[tuple[str, float]]:
    """The headline metric with the widest interval, and half of its width in percent. None: nothing was measured."""
    widths = [(width if (width := difference.half_width_percent) is not None else float("inf"), metric.name)
              for metric in metrics if metric.is_headline for difference in metric.differences]
    return (max(widths)[1], max(widths)[0]) if widths else None


def has_worse(payloads: Sequence[Sequence[Metric]]) -> bool:
    return any(difference.verdict == WORSE for metrics in payloads for metric in metrics if metric.is_headline
               for difference in metric.differences)



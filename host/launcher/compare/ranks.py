# SPDX-License-Identifier: GPL-2.0-only
"""The statistics of a comparison: rank test, correction for many tests, bootstrap, quartiles.

In:  lists of numbers. Out: numbers. Nothing here knows what was measured, and nothing is random but by a given seed.
The few lines that the standard library lacks are here, so that ktrun needs neither numpy nor scipy; the tests compare
them with all permutations of small samples and with figures of scipy.
"""
from __future__ import annotations

import functools
import itertools
import math
import random
import statistics
from dataclasses import dataclass
from typing import Sequence

EXACT_MAX = 60  # values of both samples together; a normal approximation beyond that
RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class Spread:
    count: int
    median: float
    low: float  # quartiles
    high: float
    least: float
    most: float


def spread_of(values: Sequence[float]) -> Spread:
    """Of at least one value."""
    low, high = values[0], values[0]
    if len(values) > 1:
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(len(values), statistics.median(values), low, high, min(values), max(values))


def rank_test(first: Sequence[float], second: Sequence[float]) -> float:
    """P of the two-sided test of Wilcoxon, Mann and Whitney: how often two samples of one source differ by as much.

    Exact, ties included, for up to EXACT_MAX values.
    """
    ranks = _double_ranks([*first, *second])
    total = sum(ranks[:len(first)])
    if len(ranks) <= EXACT_MAX:
        return _exact(tuple(sorted(ranks)), len(first), total)
    return _approximate(ranks, len(first), total)


def least_chance(first: int, second: int) -> float:
    """P of two samples of such sizes that do not overlap: no sample has a smaller one."""
    return 2 / math.comb(first + second, first)


def _double_ranks(values: Sequence[float]) -> list[int]:
    """Twice the rank of each; equal values share the mean of their ranks, which makes halves."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0] * len(values)
    begin = 0
    for _, group in itertools.groupby(order, key=values.__getitem__):
        members = list(group)
        for at in members:
            ranks[at] = 2 * begin + len(members) + 1
        begin += len(members)
    return ranks


@functools.lru_cache(maxsize=256)
def _exact(ranks: tuple[int, ...], count: int, total: int) -> float:
    """The share of all choices of COUNT ranks whose sum is as far from the mean.

    counts[n] has the number of choices of n ranks with each sum, all in one integer: WIDTH bits for each sum.
    """
    width = len(ranks) + 1  # bits: there are fewer than 2^len choices in all
    counts = [1] + [0] * count
    for rank in ranks:
        for size in range(count, 0, -1):
            counts[size] += counts[size - 1] << (rank * width)
    mean = sum(ranks) * count / len(ranks)
    mask, far, packed = (1 << width) - 1, 0, counts[count]
    for at in range(sum(ranks) + 1):
        if abs(at - mean) >= abs(total - mean) - 1e-9:
            far += packed >> (at * width) & mask
    return far / math.comb(len(ranks), count)


def _approximate(ranks: Sequence[int], count: int, total: int) -> float:
    """Normal, corrected for ties and for continuity."""
    size, rest = len(ranks), len(ranks) - count
    ties = sum(n ** 3 - n for n in (ranks.count(rank) for rank in set(ranks)))
    variance = count * rest / 12 * (size + 1 - ties / (size * (size - 1)))
    if variance <= 0:
        return 1.0
    distance = max(0.0, abs(total - sum(ranks) * count / size) / 2 - 0.5)
    return math.erfc(distance / math.sqrt(2 * variance))


def holm(chances: Sequence[float]) -> list[float]:
    """Each P, corrected for their number (Holm): among those below a limit one is wrong at most that often."""
    corrected = [1.0] * len(chances)
    least = 0.0
    for place, at in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        least = max(least, min(1.0, chances[at] * (len(chances) - place)))
        corrected[at] = least
    return corrected


def interval_of_difference(first: Sequence[float], second: Sequence[float], seed: str) -> tuple[float, float]:
    """Of the second median minus the first one: LEVEL of RESAMPLES bootstrap samples are in it (percentiles)."""
    chance = random.Random(seed)
    ordered = sorted(first), sorted(second)
    differences = sorted(_resampled_median(ordered[1], chance) - _resampled_median(ordered[0], chance)
                         for _ in range(RESAMPLES))
    outside = int(RESAMPLES * (1 - LEVEL) / 2)
    return differences[outside], differences[-1 - outside]


def _resampled_median(ordered: Sequence[float], chance: random.Random) -> float:
    """The places are sorted in place of the values."""
    count = len(ordered)
    places = sorted([int(chance.random() * count) for _ in range(count)])
    upper = ordered[places[count // 2]]
    return upper if count % 2 else (ordered[places[count // 2 - 1]] + upper) / 2

# SPDX-License-Identifier: GPL-2.0-only
"""--retries: what failed is run again, and no report forgets that it failed.

In:  the verdict of an attempt. Out: whether there is another one; Attempt, which host.json keeps, so that a replay
     knows of it; the reason of the verdict `flaky`.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Sequence

from .verdicts import VERDICTS, Verdict, passes

RETRIES_MAX = 100
_NOT_AGAIN = ("error", "interrupted")  # the same input or host would fail again; the user wants an end


@dataclass(frozen=True)
class Attempt:
    """One that failed. Its run directory is attempt-N, N from 1, below the run's."""
    verdict: str
    code: int
    reason: str
    wall_ms: int

    @property
    def text(self) -> str:
        return f"{self.verdict} (code {self.code})" + (f": {self.reason}" if self.reason else "")


def is_run_again(word: str) -> bool:
    return word in VERDICTS and word not in _NOT_AGAIN and not passes(word)


def attempt_of(verdict: Verdict, wall_ms: int) -> Attempt:
    return Attempt(verdict.word, verdict.code, verdict.reason or "", wall_ms)


def name_of(number: int) -> str:
    """Of its directory."""
    return f"attempt-{number}"


def describe(attempts: Sequence[Attempt]) -> Iterator[str]:
    """A line for each that failed."""
    yield from (f"{attempt.text}; see {name_of(number)}" for number, attempt in enumerate(attempts, 1))


def why_flaky(attempts: Sequence[Attempt]) -> str:
    words = ", ".join(attempt.verdict for attempt in attempts)
    first = f"; attempt 1: {attempts[0].reason}" if attempts[0].reason else ""
    return f"attempt {len(attempts) + 1} passed after {words}{first}"

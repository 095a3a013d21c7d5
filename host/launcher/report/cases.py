# SPDX-License-Identifier: GPL-2.0-only
"""A run as test cases, for the formats that know nothing else. A run is one case; each test of --test is one more."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ..judge.attempts import Attempt
from ..judge.rules import Judgement
from ..judge.verdicts import ERROR, FAILED, PASSED
from ..lib.text import one_line, printable
from .evidence import evidence

SKIPPED = "skipped"


@dataclass(frozen=True)
class Case:
    outcome: str  # passed, failed, error or skipped
    ms: int
    suite: str
    name: str
    message: str
    type: str  # of a failure or an error
    text: str = ""  # what a person would open first
    attempts: tuple[Attempt, ...] = ()  # that failed before


def list_cases(judgement: Judgement) -> list[Case]:
    """Where tests have failed, the run itself has done its part."""
    stream, verdict = judgement.facts.stream, judgement.verdict
    outcome = verdict.kind.outcome
    if verdict.word == "fail" and any(test.status == FAILED for test in stream.tests):
        outcome = PASSED
    message = "" if outcome == PASSED and verdict.word != "flaky" else one_line(str(verdict))
    text = "" if outcome == PASSED else "\n".join(map(printable, evidence(judgement)))
    cases = [Case(outcome, judgement.facts.ending.wall_ms, "ktrun", "run", message, verdict.word, text,
                  judgement.facts.host.attempts)]
    for test in stream.tests:
        cases.append(Case(test.status, test.ms, _text(test.file), _text(test.name), _text(test.message), "assert"))
    return cases


def _text(text: Optional[str]) -> str:
    return (text or "").replace("\n", "; ").replace("\t", " ")


def count(cases: list[Case], outcome: str) -> int:
    return sum(case.outcome == outcome for case in cases)


def is_bad(case: Case) -> bool:
    return case.outcome in (FAILED, ERROR)

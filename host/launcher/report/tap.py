# SPDX-License-Identifier: GPL-2.0-only
"""A run as TAP, the Test Anything Protocol, version 13: a line per case, for prove and for people.

What the guest wrote is in comments and quoted strings only: none of it can be a line of TAP.
"""
from __future__ import annotations

from ..judge.rules import Judgement
from ..judge.verdicts import ERROR
from ..lib.text import clean, one_line
from .cases import SKIPPED, Case, is_bad, list_cases


def tap(judgement: Judgement) -> str:
    cases = list_cases(judgement)
    lines = ["TAP version 13", f"1..{len(cases)}"]
    for number, case in enumerate(cases, 1):
        lines += _case(number, case)
    return "\n".join(lines) + "\n"


def _case(number: int, case: Case) -> list[str]:
    directive = f" # SKIP {_words(case.message)}" if case.outcome == SKIPPED else ""
    lines = [f"{'not ok' if is_bad(case) else 'ok'} {number} - {_words(case.suite)}: {_words(case.name)}{directive}",
             "  ---", f"  duration_ms: {case.ms}"]
    if case.message:
        lines.append(f"  message: {_quoted(case.message)}")
    if case.attempts:
        lines += ["  failed_attempts:", *(f"    - {_quoted(one_line(attempt.text))}" for attempt in case.attempts)]
    if is_bad(case):
        lines.append(f"  severity: {'error' if case.outcome == ERROR else 'fail'}")
    return [*lines, "  ..."]


def _words(text: str) -> str:
    """A # would begin a directive."""
    return clean(text).replace("\t", " ").replace("\\", "\\\\").replace("#", "\\#")


def _quoted(text: str) -> str:
    return '"' + clean(text).replace("\\", "\\\\").replace('"', '\\"') + '"'

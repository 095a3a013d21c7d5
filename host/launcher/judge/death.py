# SPDX-License-Identifier: GPL-2.0-only
"""--expect-death=REGEX: whether a scheduler died as it was expected to.

The text comes from a guest, and Python's search can take years for a text that was chosen for it. So a search has a
bound in CPU time, which no load of the host shortens. In: the expression, the text that a summary shows. Out: bool.
Raises BadExpression; NoAnswer.
"""
from __future__ import annotations

import contextlib
import re
import signal
import warnings
from types import FrameType
from typing import Iterator, Optional

from ..lib.text import Fault

EXPRESSION_MAX, CPU_SECS = 1000, 1.0
_TEXT_MAX = 8192


class BadExpression(Exception):
    """Not a regular expression; the text says why."""


class NoAnswer(Exception):
    """The search has had its CPU time."""


def parse_death(option: str, value: str) -> str:
    """What follows --expect-death: nothing, or "=" and a regular expression. An empty one: any death is expected."""
    expression = value[1:]
    if not value:
        return ""
    if not expression:
        raise Fault(f"{option}: an empty regular expression: leave out the = to expect any death")
    try:
        check_expression(expression)
    except BadExpression as error:
        raise Fault(f"{option}: not a regular expression: {error}: {expression}") from error
    return expression


def check_expression(expression: str) -> None:
    if len(expression) > EXPRESSION_MAX:
        raise BadExpression(f"more than {EXPRESSION_MAX} characters")
    try:
        matches(expression, "")
    except NoAnswer as error:
        raise BadExpression("it takes too long") from error


def matches(expression: str, text: str) -> bool:
    with _bounded(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return re.search(expression, text[:_TEXT_MAX]) is not None
        except (re.error, OverflowError, RecursionError, MemoryError) as error:
            raise BadExpression(str(error) or type(error).__name__) from error


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """NoAnswer is raised in the block after CPU_SECS of this process; re looks for signals while it searches."""
    def on_signal(number: int, frame: Optional[FrameType]) -> None:
        raise NoAnswer

    before = signal.signal(signal.SIGVTALRM, on_signal)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)

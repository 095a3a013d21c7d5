# SPDX-License-Identifier: GPL-2.0-only
"""--bisect: a verdict as an exit code of `git bisect run`.

git takes 1 to 127 for a bad commit, but for 125, and ends the bisect at 128 or more. ktrun's own codes would end it at
a scheduler that died, and call a payload's 125 a skip and its 200 the end. In: Verdict, the sides as the user named
them. Out: GOOD, BAD or SKIP; the verdict's own code, which ends the bisect, for one that says nothing about the commit.
"""
from __future__ import annotations

from typing import NamedTuple, Sequence

from ..lib.text import Fault, note
from .verdicts import VERDICTS, Verdict

GOOD, BAD, SKIP = 0, 1, 125
_CODES = {"good": GOOD, "bad": BAD}
_ENDS = ("error", "interrupted")  # of the host, or by the user
_GOOD_BY_DEFAULT = "pass"


class Side(NamedTuple):
    name: str
    words: tuple[str, ...]  # verdicts


def parse_side(option: str, text: str) -> Side:
    """good=VERDICT,... or bad=VERDICT,..."""
    name, equals, rest = text.partition("=")
    if not equals or name not in _CODES:
        raise Fault(f"{option}: neither good=VERDICT nor bad=VERDICT: {text or repr(text)}")
    words = tuple(rest.split(","))
    for word in words:
        if word in _ENDS:
            raise Fault(f"{option}: {word} says nothing about a commit, it always ends the bisect: {text}")
        if word not in VERDICTS:
            raise Fault(f"{option}: no verdict: {word or repr(word)} ({', '.join(known_words())})")
    return Side(name, words)


def known_words() -> list[str]:
    return [word for word in VERDICTS if word not in _ENDS]


def check_sides(option: str, sides: Sequence[Side]) -> None:
    """Raises Fault."""
    bad = _words_of(sides, "bad")
    if not bad:
        raise Fault(f"{option}: which verdict is a bad one? Give bad=VERDICT")
    both = next((word for word in bad if word in _words_of(sides, "good")), None)
    if both:
        raise Fault(f"{option}: {both} is both good and bad")


def _words_of(sides: Sequence[Side], name: str) -> list[str]:
    words = [word for side in sides if side.name == name for word in side.words]
    return words or ([_GOOD_BY_DEFAULT] if name == "good" else [])


def is_skip(verdict: Verdict) -> bool:
    """A payload that ends with 125 skips the commit, as it would without ktrun."""
    return verdict.word == "fail" and verdict.code == SKIP


def code_of(verdict: Verdict, sides: Sequence[Side]) -> int:
    if verdict.word in _ENDS:
        return verdict.code
    if is_skip(verdict):
        return SKIP
    return next((code for name, code in _CODES.items() if verdict.word in _words_of(sides, name)), SKIP)


def report_commit(verdict: Verdict, sides: Sequence[Side], is_quiet: bool) -> int:
    """One line on stderr, since the summary before it has the verdict's own code. Returns the exit code."""
    code = code_of(verdict, sides)
    if not (is_quiet and verdict.word == "pass"):
        names = {GOOD: "good", BAD: "bad", SKIP: "skip"}
        note(f"bisect: {names.get(code, 'the bisect ends')} (code {code}): {verdict.word}")
    return code


def skip_commit(reason: str) -> int:
    note(f"bisect: skip (code {SKIP}): {reason}")
    return SKIP

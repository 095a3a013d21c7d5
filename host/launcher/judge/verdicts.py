# SPDX-License-Identifier: GPL-2.0-only
"""The table of verdicts: the one source of their words, codes, classes, tones and evidence.

`--help`, the manual page, the table of docs/use/verdicts.md (a test compares them), JUnit's class, the page's tone and
the logs that a summary shows follow from it. The order is that of rules.py: the first that holds.
"""
from __future__ import annotations

from typing import NamedTuple, Optional

PASSED, FAILED, ERROR = "passed", "failed", "error"  # JUnit's classes of a test case
GOOD, BAD, WARN = "good", "bad", "warn"  # tones of the page
_HELP_COLUMN = 20


class Kind(NamedTuple):
    code: Optional[int]  # None: the payload's own
    outcome: str  # a finding about scheduler, payload or kernel is a failure; what says nothing about them an error
    tone: str
    evidence: tuple[str, ...]  # what a person opens first, beyond the dump, the scheduler's log and com2.log
    help: str


VERDICTS = {
    "error": Kind(205, ERROR, WARN, ("qemu.log",), "ktrun itself failed: bad input, QEMU does not start"),
    "interrupted": Kind(130, ERROR, WARN, (), "Ctrl-C, Ctrl-\\, TERM or HUP; the key of --escape"),
    "timeout": Kind(204, ERROR, WARN, ("hang.txt",), "the run reached the limit of -t"),
    "output-limit": Kind(211, ERROR, BAD, (), "the guest wrote more than --max-output leaves it"),
    "boot-failed": Kind(206, ERROR, WARN, ("console.log", "com2.log"), "the guest never reported that it is ready"),
    "lost": Kind(203, ERROR, WARN, ("console.log", "com2.log"),
                 "no exit frame came: kernel panic, out of memory, init died, silent reset, QEMU died"),
    "corrupt": Kind(207, ERROR, WARN, (), "the guest's stream is damaged, or a part of it is missing"),
    "sched-failed": Kind(200, FAILED, BAD, (),
                         "the scheduler ended before it was attached (rejected by the verifier, for example)"),
    "sched-not-attached": Kind(201, FAILED, BAD, (), "the scheduler runs but did not attach in time"),
    "sched-died": Kind(202, FAILED, BAD, (), "the scheduler died during the run"),
    "init-failed": Kind(209, ERROR, WARN, ("com2.log",), "the guest's /init could not do its part"),
    "sched-survived": Kind(208, FAILED, BAD, (), "--expect-death, and the scheduler did not die"),
    "sched-bad-exit": Kind(212, FAILED, BAD, (), "the scheduler, asked to end, ended with an error or by a signal"),
    "kernel-warned": Kind(210, FAILED, BAD, ("console.log",), "--fail-on-warn, and the kernel reported something"),
    "fail": Kind(None, FAILED, BAD, ("stderr", "stdout"), "the payload's own code"),
    "gate-failed": Kind(213, FAILED, BAD, (), "a figure did not keep the limit of its --gate"),
    "inconclusive": Kind(214, ERROR, WARN, (),
                         "a --gate has no answer: no such figure, or the host was too busy for it"),
    "flaky": Kind(0, PASSED, WARN, (), "--retries, and an attempt passed after one that had failed"),
    "pass": Kind(0, PASSED, GOOD, (), ""),
}


class Verdict(NamedTuple):
    word: str
    code: int
    reason: Optional[str]

    @property
    def kind(self) -> Kind:
        return VERDICTS[self.word]

    def __str__(self) -> str:
        return f"{self.word} (code {self.code})" + (f": {self.reason}" if self.reason else "")


def give(word: str, reason: Optional[str], code: Optional[int] = None) -> Verdict:
    """CODE: of the payload. A process ends with 1 to 255 only: what a guest invents beyond that is 255, never 0."""
    own = VERDICTS[word].code
    if own is None:
        own = code if code is not None and 1 <= code <= 255 else 255
    return Verdict(word, own, reason)


def passes(word: str) -> bool:
    """Whether it fails no build. A flaky run does not, and is no "pass"."""
    return word in VERDICTS and VERDICTS[word].outcome == PASSED


def has_figures(word: str) -> bool:
    """Whether the run went well to its end, so that its figures say how well it ran. A gate only looks at them: a
    collection without the runs whose gate failed would lack the worst figures.
    """
    return passes(word) or word in ("gate-failed", "inconclusive")


def help_lines() -> list[str]:
    lines = []
    for word, kind in VERDICTS.items():
        code = "any" if kind.code is None else str(kind.code)
        lines.append((f"  {code:<3} {word}".ljust(_HELP_COLUMN - 2) + "  " + kind.help).rstrip())
    return lines

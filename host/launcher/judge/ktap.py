# SPDX-License-Identifier: GPL-2.0-only
"""KTAP, which the kernel's selftests print: the results of --kselftest, from what the payload wrote to stdout.

The runner's own status proves little: the kernel's sched_ext runner once ended with 0 whatever had failed.

In:  the artifact `stdout`, which may hold anything. Out: Results, a test for each result line that has no subtests;
     what is wrong with the report itself (its plan, its numbers, its end) is a failed test of its own, named in
     parentheses.

The rules are those of Documentation/dev-tools/ktap.rst of the kernel: a result line is `ok NUMBER` or `not ok NUMBER`,
a plan may be missing, subtests are indented and come before the result of their test, other lines mean nothing. Real
runners do otherwise, and are read nevertheless: kselftest puts "# " in front of a nested report, some print no version
line, and a test that uses kselftest.h within the sched_ext runner prints reports without any indentation, before the
result with the runner's own next number. A failure without a number is one, as in TAP.
"""
from __future__ import annotations

import os
import re
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Iterator, NamedTuple, Optional

from ..lib.text import blocks_of_lines, decoded
from .stream import Test
from .verdicts import FAILED, PASSED

SKIPPED = "skipped"
RESULTS_MAX = 100000  # results that are read; a guest may print any number
TESTS_KEPT = 10000  # as ktrecv keeps of the tests of --test; the others are counted
_MESSAGE_MAX, _MESSAGES_MAX, _NAME_MAX = 2000, 2 * 1024 * 1024, 300  # characters
_DEPTH_MAX, _PROBLEMS_MAX = 8, 20
_LINE = re.compile(rb"^([ #]*)(not ok(?= |$)|ok(?= +[0-9]+(?:[ \t]|$)| *$| - | # )|1\.\.(?=[0-9])"
                   rb"|K?TAP version(?= [0-9])|Bail out!|Subtest:(?= ))([^\n]*)$", re.MULTILINE)
_INDENTED = re.compile(rb"^[ #]*\t[ #\t]*", re.MULTILINE)  # by a tab: a level, as two spaces are
_YAML = re.compile(rb"^( +)(---|\.\.\.)$", re.MULTILINE)
_RESULT = re.compile(r" *([0-9]*)(?:[ \t]+(?:- +)?| *$)(.*?)(?:(?<!\S)# *(.*))?", re.DOTALL)
_WORD = re.compile(rb"ok|1\.\.|version|Bail out|Subtest")  # a block of lines without one of these is passed over
_PREFIX = re.compile(r"(?:# | )*")
_PLAN = re.compile(r"([0-9]{1,9})\s*(?:#\s*(.*))?", re.DOTALL)
_DIRECTIVE = re.compile(r"(?:(skip|todo)[a-z]*|(?-i:(XFAIL|TIMEOUT|ERROR)))\b:?\s*(.*)", re.IGNORECASE | re.DOTALL)
_BAD_DIRECTIVES = ("TIMEOUT", "ERROR")  # also beside "ok": a result that says both is none


class Results(NamedTuple):
    tests: tuple[Test, ...]  # the first TESTS_KEPT
    passed: int
    failed: int
    skipped: int


class _Line(NamedTuple):
    prefix: str  # what nests the line
    word: str
    rest: str
    before: bytes  # the end of what stands between the line before it and this one


@dataclass
class _Level:
    """One report, the whole one or a nested one, up to where it has been read."""
    prefix: str
    is_implied: bool = False  # no version line began it
    plan: Optional[int] = None
    reason: str = ""  # why there is nothing to run
    seen: int = 0
    last: int = 0  # the number of the last result; at first, of the report before this one
    tests: list[Test] = field(default_factory=list)
    subtests: list[Test] = field(default_factory=list)  # of the next result
    is_waiting: bool = False  # for the result of a test whose subtests have begun

    @property
    def is_done(self) -> bool:
        return self.plan is not None and self.seen >= self.plan

    def expects(self, number: Optional[int]) -> bool:
        """1 may begin another report where no plan says how long this one is."""
        is_next = number in (None, self.last + 1) or (number == 1 and (self.plan is None or not self.seen))
        return is_next and not self.is_done


def read_results(path: str, runner: str) -> Results:
    """RUNNER: the file that each test is from. Raises OSError."""
    reader = _Reader()
    for line in _lines(path) if os.path.exists(path) else ():
        if reader.count >= RESULTS_MAX:
            reader.complain("(results)", f"there are more than the {RESULTS_MAX} results that are read")
            break
        reader.take(line)
    tests = [replace(test, file=runner) for test in reader.finish()]
    failed, skipped = (sum(test.status == status for test in tests) for status in (FAILED, SKIPPED))
    return Results(tuple(tests[:TESTS_KEPT]), len(tests) - failed - skipped, failed, skipped)


def _lines(path: str) -> Iterator[_Line]:
    """The lines that mean something. What has none of them costs nothing but the search."""
    before = b""
    for block in blocks_of_lines(path):
        block = _INDENTED.sub(lambda found: found.group().expandtabs(2), block.replace(b"\r", b""))
        at = 0
        yaml = _yaml_in(block)
        for found in _LINE.finditer(block) if _WORD.search(block) else ():
            while yaml and yaml[0][1] < found.start():
                yaml.popleft()
            if yaml and yaml[0][0] < found.start():
                continue
            before = (before + block[max(at, found.start() - _MESSAGE_MAX):found.start()])[-_MESSAGE_MAX:]
            at = found.end() + 1
            prefix, word, rest = map(decoded, found.groups())
            if _PREFIX.fullmatch(prefix):
                yield _Line(prefix, word, rest, before)
                before = b""
        before = (before + block[max(at, len(block) - _MESSAGE_MAX):] + b"\n")[-_MESSAGE_MAX:]


def _yaml_in(block: bytes) -> deque[tuple[int, int]]:
    """Where TAP 13's blocks of YAML begin and end: an indented --- up to a ... of the same indentation, which each line
    between has too, so that none hides a result of the report around it."""
    found: deque[tuple[int, int]] = deque()
    begin, indentation = -1, b""
    for mark in _YAML.finditer(block) if b"---" in block else ():
        if mark.group(2) == b"---":
            begin, indentation = mark.start(), mark.group(1)
        elif begin >= 0 and mark.group(1) == indentation:
            text = block[begin:mark.start()]
            if text.count(b"\n") == text.count(b"\n" + indentation) + 1:
                found.append((begin, mark.start()))
            begin = -1
    return found


class _Reader:
    def __init__(self) -> None:
        self.count = 0  # results
        self._stack = [_Level("")]
        self._problems: list[Test] = []
        self._message_room = _MESSAGES_MAX
        self._diagnostics = b""  # since the last result

    def take(self, line: _Line) -> None:
        self._diagnostics = (self._diagnostics + line.before)[-_MESSAGE_MAX:]
        if line.word.endswith("version"):
            self._begin(line.prefix)
        elif line.word == "Subtest:":
            self._begin_of_subtest(line.prefix)
        elif line.word == "1..":
            self._plan(line)
        elif line.word == "Bail out!":
            self.complain("(bail out)", "the runner gave up: " + line.rest.strip())
        else:
            self._result(line)

    def complain(self, name: str, message: str) -> None:
        if len(self._problems) < _PROBLEMS_MAX:
            self._problems.append(Test(FAILED, 0, None, name, message[:_MESSAGE_MAX]))

    def finish(self) -> list[Test]:
        """All tests, those that are problems last."""
        while len(self._stack) > 1:
            self._close()
        whole = self._stack[0]
        self._end_whole(whole)
        if not whole.tests and not self._problems:
            self.complain("(results)", "no result is on stdout")
        return whole.tests + self._problems

    # Levels

    def _begin(self, prefix: str) -> None:
        """A version line: of a nested report, of another one after this, or of one within it that is not indented."""
        self._close_to(prefix)
        level = self._stack[-1]
        if level.prefix != prefix:
            self._open(_Level(prefix))
        elif self._is_within():
            self._close()
            self._open(_Level(prefix, last=level.last))
        elif level.seen and not level.is_done:
            self._open(_Level(prefix, last=level.last))
        elif prefix:
            self._close()
            self._open(_Level(prefix))
        else:
            self._end_whole(level)
            self._stack = [_Level("", tests=level.tests)]

    def _is_within(self) -> bool:
        """The report is one within another, without indentation."""
        return len(self._stack) > 1 and self._stack[-2].prefix == self._stack[-1].prefix

    def _begin_of_subtest(self, prefix: str) -> None:
        """`# Subtest: NAME`, by which TAP 14 and older kernels begin a nested report."""
        prefix = prefix[:-len("# ")]
        if prefix and self._stack[-1].prefix != prefix:
            self._begin(prefix)

    def _open(self, level: _Level) -> None:
        if len(self._stack) < _DEPTH_MAX:
            self._stack.append(level)
        else:
            self.complain("(nesting)", f"tests are nested more than {_DEPTH_MAX} deep")

    def _close_to(self, prefix: str) -> None:
        """Close the reports that are nested deeper."""
        while len(self._stack[-1].prefix) > len(prefix):
            self._close()

    def _close(self) -> None:
        level = self._stack.pop()
        self._check_end(level)
        self._stack[-1].subtests += level.tests + level.subtests
        self._stack[-1].is_waiting |= not level.is_implied and level.prefix != self._stack[-1].prefix

    def _end_whole(self, level: _Level) -> None:
        self._check_end(level)
        level.tests += level.subtests
        level.subtests = []
        if level.plan == 0 and not level.seen:
            level.tests.append(Test(SKIPPED, 0, None, "(all)", level.reason))

    def _check_end(self, level: _Level) -> None:
        if level.is_waiting:
            self.complain("(end)", "the result of a test with subtests never came")
        if level.plan is not None and level.plan != level.seen:
            self.complain("(plan)", f"the plan is 1..{level.plan}, and {level.seen} results came")

    # Lines

    def _plan(self, line: _Line) -> None:
        self._close_to(line.prefix)
        level = self._stack[-1]
        found = _PLAN.fullmatch(line.rest.strip())
        if level.prefix != line.prefix:
            return
        if level.plan is not None:
            self.complain("(plan)", "there is a second plan")
        elif not found or int(found.group(1)) > RESULTS_MAX:
            self.complain("(plan)", f"no plan, or one of more than the {RESULTS_MAX} results that are read: "
                                    f"1..{line.rest[:40]}")
        else:
            directive = _DIRECTIVE.fullmatch(found.group(2) or "")
            level.plan, level.reason = int(found.group(1)), directive.group(3) if directive else found.group(2) or ""

    def _result(self, line: _Line) -> None:
        self.count += 1
        self._close_to(line.prefix)
        if self._stack[-1].prefix != line.prefix:
            self._open(_Level(line.prefix, is_implied=True))
        found = _RESULT.fullmatch(line.rest)
        number, name, data = found.groups("") if found else ("", line.rest, "")
        level = self._number(int(number) if number else None)
        test = self._judge(line.word == "ok", (name.strip() or f"test {level.seen}")[:_NAME_MAX], data)
        self._diagnostics = b""
        subtests, level.subtests, level.is_waiting = level.subtests, [], False
        for subtest in subtests:
            level.tests.append(replace(subtest, name=f"{test.name}: {subtest.name}"[:_DEPTH_MAX * _NAME_MAX]))
        if not subtests or (test.status == FAILED and all(subtest.status != FAILED for subtest in subtests)):
            level.tests.append(test)

    def _number(self, number: Optional[int]) -> _Level:
        """The report that the result belongs to, which counts it. A gap in the numbers is a result that was lost."""
        if self._is_within() and not self._stack[-1].expects(number) and number == self._stack[-2].last + 1:
            self._close()
        level = self._stack[-1]
        if number is not None and not (level.is_implied or level.is_done or level.expects(number)):
            self.complain("(numbers)", f"a result has the number {str(number)[:20]}, and {level.last + 1} was expected")
        level.seen = 1 if number == 1 and level.plan is None else level.seen + 1
        level.last = level.last + 1 if number is None else number
        return level

    def _judge(self, is_ok: bool, name: str, data: str) -> Test:
        directive = _DIRECTIVE.fullmatch(data)
        word = (directive.group(1) or directive.group(2)).upper() if directive else ""
        reason = directive.group(3).strip() if directive else data.strip()
        if word == "SKIP":
            return Test(SKIPPED, 0, None, name, self._message(reason))
        if word == "XFAIL" or (word == "TODO" and not is_ok):
            return Test(SKIPPED, 0, None, name, self._message(f"{word} {reason}".strip()))
        if is_ok and word not in _BAD_DIRECTIVES:
            return Test(PASSED, 0, None, name, "")
        lines = [line.strip("# ") for line in decoded(self._diagnostics).split("\n")]
        return Test(FAILED, 0, None, name, self._message("\n".join(filter(None, [data.strip(), *lines]))))

    def _message(self, text: str) -> str:
        text = text[:min(_MESSAGE_MAX, self._message_room)]
        self._message_room -= len(text)
        return text

# SPDX-License-Identifier: GPL-2.0-only
"""A run as JUnit XML 1.0, in which all text is clean. One suite: the VM ran once. The script of a test is its class."""
from __future__ import annotations

from ..judge.attempts import Attempt
from ..judge.rules import Judgement
from ..judge.verdicts import ERROR, FAILED, VERDICTS
from ..lib.text import ends_of, one_line, xml
from .cases import SKIPPED, Case, count, list_cases

_OUTPUT_MAX = 65536  # bytes of stdout, and of stderr
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_ELEMENTS = {FAILED: "failure", ERROR: "error"}


def junit(judgement: Judgement) -> str:
    cases, facts = list_cases(judgement), judgement.facts
    origin = facts.host.origin
    counts = (f'tests="{len(cases)}" failures="{count(cases, FAILED)}" errors="{count(cases, ERROR)}" '
              f'time="{facts.ending.wall_ms / 1000:.3f}"')
    suite = f'{counts} skipped="{count(cases, SKIPPED)}"{start_attributes(origin.started, origin.hostname)}'
    verdict = judgement.verdict
    properties = {"verdict": verdict.word, "code": str(verdict.code), "accel": facts.host.accel,
                  "kernel": facts.host.kernel, "artifacts": facts.directory.path}
    lines = [f'<testsuites name="ktrun" {counts}>\n<testsuite name="ktrun" {suite}>\n<properties>',
             *(f'<property name="{name}" value="{xml(text)}"/>' for name, text in properties.items()),
             "</properties>", *(case_element(case) for case in cases),
             _output("system-out", facts.directory.file("stdout")),
             _output("system-err", facts.directory.file("stderr")), "</testsuite>\n</testsuites>"]
    return DECLARATION + "\n".join(lines) + "\n"


def start_attributes(started: str, hostname: str) -> str:
    """JUnit's time stamp has no zone; ours is UTC."""
    return ((f' timestamp="{xml(started.rstrip("Z"))}"' if started else "")
            + (f' hostname="{xml(hostname)}"' if hostname else ""))


def case_element(case: Case) -> str:
    inside = ""
    if case.outcome in _ELEMENTS:
        element = _ELEMENTS[case.outcome]
        text = "\n".join(map(xml, case.text.split("\n")))
        inside = f'<{element} type="{xml(case.type)}" message="{xml(case.message)}">{text}</{element}>'
    elif case.outcome == SKIPPED:
        inside = f'<skipped message="{xml(case.message)}"/>'
    inside += "".join(_attempt_element(attempt, case) for attempt in case.attempts)
    return (f'<testcase classname="{xml(case.suite)}" name="{xml(case.name)}" time="{case.ms / 1000:.3f}">{inside}'
            "</testcase>")


def _attempt_element(attempt: Attempt, case: Case) -> str:
    """As Maven's Surefire has them, which Jenkins knows: a flaky failure is one of a case that passed in the end."""
    kind = "Failure" if VERDICTS[attempt.verdict].outcome == FAILED else "Error"
    element = ("rerun" if case.outcome in _ELEMENTS else "flaky") + kind
    return f'<{element} type="{xml(attempt.verdict)}" message="{xml(one_line(attempt.text))}"/>'


def _output(element: str, path: str) -> str:
    lines = ends_of(path, 0, _OUTPUT_MAX)
    return f"<{element}>" + "".join(xml(line) + "\n" for line in lines) + f"</{element}>"

# SPDX-License-Identifier: GPL-2.0-only
"""The summary after a run, on stderr: a person sees in a few lines what happened and where to look.

In:  a Judgement. Out: lines, all of guest text through `printable`.
"""
from __future__ import annotations

from itertools import islice
from typing import Iterator, Optional

from ..judge.attempts import describe
from ..judge.facts import Facts
from ..judge.reasons import describe_gate, qemu_warnings, seconds
from ..judge.rules import Judgement
from ..judge.verdicts import passes
from ..lib.text import one_line, print_error, printable, without_controls
from .evidence import evidence
from .figures import figure_lines
from .words import (ITEMS_SHOWN, describe_bpf, describe_dump, describe_gets, describe_lack, describe_payload,
                    describe_recording, describe_replay_log, describe_scheduler, describe_start, describe_stream,
                    describe_sub, describe_vmcore, has_payload, has_scheduler)

REPORTS_SHOWN = 5
TESTS_SHOWN = 5
_WIDTH, _CUT = 200, 140  # of a line; of a line of a list


def print_summary(judgement: Judgement, is_quiet: bool) -> Optional[str]:
    """Returns why it is lost: a full disk, a broken device. One who closed stderr, or reads no more, wants none."""
    verdict = judgement.verdict
    if is_quiet and verdict.word == "pass":
        return None
    try:
        print_error(_bytes(_summary(judgement)))
        print_error(without_controls(f"  artifacts  {judgement.facts.directory.path}") + b"\n")
        if not passes(verdict.word):
            print_error(_bytes(evidence(judgement)))
    except OSError as error:
        return f"unable to write the summary to stderr: {error.strerror}"
    return None


def _bytes(lines: Iterator[str]) -> bytes:
    return "".join(printable(line) + "\n" for line in lines).encode("ascii")


def _summary(judgement: Judgement) -> Iterator[str]:
    facts = judgement.facts
    stream, ending = facts.stream, facts.ending
    yield f"ktrun: {judgement.verdict}"
    yield from _items([f"  attempt {number:<3}{one_line(text)}" for number, text
                       in enumerate(describe(facts.host.attempts), 1)], "  attempts   {} failed before")
    if has_scheduler(facts):
        yield f"  scheduler  {describe_scheduler(stream)}"
    if stream.init_error is not None:
        yield f"  /init      {one_line(stream.init_error)}"
    if stream.script_error is not None:
        yield f"  script     {one_line(stream.script_error.removeprefix('script: '))}"
    yield from _items([f"  sub-sched  {describe_sub(sub)}" for sub in stream.sub_schedulers],
                      f"  sub-scheds {stream.sub_scheduler_count} in all")
    yield from _items([f"  ejected    {text}" for text in facts.console.ejected], "  ejected    {} in all")
    yield from _items([f"  dump {dump.number:<6}{describe_dump(dump)}" for dump in stream.dumps],
                      "  dumps      {} in all")
    yield from _items([f"  files      {text}" for text in describe_gets(facts)], "  files      {} paths in all")
    if facts.recording:
        yield from _items([f"  trace      {text}" for text in describe_recording(facts.recording)],
                          "  trace      {} notes in all")
    if facts.host.asked.vmcore and (vmcore := describe_vmcore(facts)):
        yield f"  vmcore     {vmcore}"[:_WIDTH]
    if objects := describe_bpf(facts):
        yield f"  bpf        {objects}"[:_WIDTH]
    if recorded := describe_replay_log(facts):
        yield f"  recorded   {recorded}"[:_WIDTH]
    if facts.symbols.problem:
        yield f"  symbols    {one_line(facts.symbols.vmlinux)}: {one_line(facts.symbols.problem)}"[:_WIDTH]
    if has_payload(facts):
        yield f"  payload    {describe_payload(stream)}"
    yield from _tests(facts)
    yield from _reports(facts)
    yield from (f"  figures    {line}"[:_WIDTH] for line in figure_lines(facts.metrics, facts.host.accel))
    yield from _items([f"  gate       {checked.outcome}: {describe_gate(checked)}" for checked in facts.gates],
                      "  gates      {} in all")
    if stream.without:
        yield f"  kernel     {describe_lack(stream)}"
    yield f"  stream     {describe_stream(stream)}"
    yield f"  time       {seconds(ending.wall_ms)} s, {facts.host.accel}{describe_start(facts.host)}"
    yield from _items([f"  qemu       {line}" for line in qemu_warnings(facts)], "  qemu       {} warnings in all")
    if ending.qemu_killed:
        yield "  qemu       did not end by itself: killed"


def _items(lines: list[str], rest: str) -> Iterator[str]:
    yield from (line[:_WIDTH] for line in lines[:ITEMS_SHOWN])
    if len(lines) > ITEMS_SHOWN:
        yield rest.format(len(lines)) + ", see result.json"


def _tests(facts: Facts) -> Iterator[str]:
    stream = facts.stream
    if not stream.tests_count:
        return
    yield (f"  tests      {stream.tests_passed} passed, {stream.tests_failed} failed, "
           f"{stream.tests_skipped} skipped")
    for test in islice((test for test in stream.tests if test.status == "failed"), TESTS_SHOWN):
        words = [one_line(word or "") for word in (test.file, test.name, test.message)]
        yield ("     " + ": ".join(words))[:_CUT]
    if stream.tests_failed > TESTS_SHOWN:
        yield "     ... more in result.json"


def _reports(facts: Facts) -> Iterator[str]:
    console = facts.console
    if not console.count:
        return
    yield f"  kernel     reports: {console.count}"
    for report in console.reports[:REPORTS_SHOWN]:
        yield "     " + f"{report.kind} {report.line}"[:_CUT]
    if console.count > REPORTS_SHOWN:
        yield "     ... more in result.json, kmsg and console.log"
    if console.is_cut:
        yield f"     {console.log_problem}"

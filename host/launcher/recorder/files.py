# SPDX-License-Identifier: GPL-2.0-only
"""What is kept of a run with --trace: trace.systrace, trace.dat, and what result.json says of them.

In:  the facts of a run, whose directory has the guest's raw pages, and its verdict; the same in a replay. Out: both
     files, made anew; Recording. Of a run that passes, nothing is left unless it was asked for: the guest, which does
     not know the verdict, may have sent it. No failure here changes a verdict: what could not be made has its reason.
"""
from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Iterator, Optional

from ..judge.facts import Facts
from ..judge.verdicts import passes
from ..lib.jobs import Jobs
from ..lib.rundir import replaced
from ..lib.text import Fault, one_line
from ..lib.workdir import work_directory
from .kept import DAT, SYSTRACE, Recording, has_recording, is_of_recorder, remove_pages
from .recording import Damage, Event, Ring, read_events, read_ring
from .systrace import HEAD, lines_of_events
from .trace_dat import NoFile, make_dat

_DEFAULT_KIB = 16 * 1024  # of a run directory that does not say it: of --max-output 1G
_TEXT_FACTOR = 6  # trace.systrace in sizes of the ring; the default events take about three times their bytes
_ROUNDED_UP = 2  # the kernel makes rings of whole pages, some for each CPU


@dataclass
class _Count:
    """Of the events that pass by."""
    events: int = 0
    first_ns: Optional[int] = None
    last_ns: Optional[int] = None

    def watch(self, events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            self.events += 1
            self.first_ns = event.ns if self.first_ns is None else self.first_ns
            self.last_ns = event.ns
            yield event


def keep_recording(facts: Facts, word: str, jobs: Jobs) -> Facts:
    """The facts with the recording, if there is one or one was asked for. WORD: of the verdict."""
    remove_files(facts)
    asked, lacks = facts.host.asked.trace, facts.stream.recorder_lacks
    is_unwanted = bool(asked) and _passes_without_death(facts, word) and facts.host.asked.trace_last_secs is None
    if is_unwanted:
        remove_pages(facts.directory, facts.host.asked.get)
    is_there = has_recording(facts.directory)
    if not is_there and not asked:
        return facts
    if is_unwanted or not is_there:
        return replace(facts, recording=Recording(asked, lacks, False, _why_nothing(facts, word)))
    return replace(facts, recording=_make_files(facts, Recording(asked, lacks, True), jobs))


def _passes_without_death(facts: Facts, word: str) -> bool:
    """It passed, and not because a death was expected."""
    return passes(word) and not facts.stream.scheduler_died


def remove_files(facts: Facts) -> None:
    for name in (DAT, SYSTRACE):
        if os.path.lexists(facts.directory.file(name)):
            os.unlink(facts.directory.file(name))


def ring_of(facts: Facts) -> Ring:
    asked = facts.host.asked
    return read_ring(facts.directory, (asked.trace_kib or _DEFAULT_KIB) * 1024 * _ROUNDED_UP, asked.trace_last_secs)


def _why_nothing(facts: Facts, word: str) -> str:
    if facts.host.asked.trace_last_secs is None and _passes_without_death(facts, word):
        return "the run passed: --trace-last SECS keeps the last seconds of such a run too"
    if facts.stream.exit_code is None:
        return "the guest ended before it sent it"
    cut = _why_cut(facts)
    if cut:
        return cut
    has_failed = facts.stream.exit_code or facts.stream.scheduler_died or facts.stream.stopped_badly
    if not has_failed and facts.host.asked.trace_last_secs is None:
        return f"the guest sends it when it sees a failure itself, and only ktrun saw this one ({word})"
    return "the guest has sent none"


def _make_files(facts: Facts, recording: Recording, jobs: Jobs) -> Recording:
    ring = ring_of(facts)
    if ring.complaint:
        return replace(recording, kept=False, why=ring.complaint)
    damage, count = Damage(), _Count()
    try:
        is_whole = _write_systrace(facts, ring, count.watch(read_events(ring, damage)))
    except OSError as error:
        return replace(recording, kept=False, why=f"unable to write {SYSTRACE}: {error.strerror}")
    first, last = count.first_ns, count.last_ns
    is_cut = ring.lacks_cpu or _why_cut(facts) is not None  # then no time has the events of all CPUs
    why = _why_incomplete(facts, damage, is_whole)
    recording = replace(recording, why=why, complete=why is None, cpus=len(ring.cpus), events=count.events,
                        first_ns=first, last_ns=last, overwritten=ring.overwritten, lost=damage.lost,
                        whole_from_ns=None if first is None or last is None else
                        last if is_cut else min(max(first, ring.whole_from_ns()), last),
                        damaged=damage.pages + damage.events, systrace=SYSTRACE)
    try:
        with work_directory() as work:
            make_dat(facts.directory, ring, work, jobs)
    except (NoFile, Fault) as problem:
        return replace(recording, dat_problem=f"{problem}")
    return replace(recording, dat=DAT)


def _write_systrace(facts: Facts, ring: Ring, events: Iterator[Event]) -> bool:
    """Whether all of it had space. All events are read, for they are counted."""
    left = _TEXT_FACTOR * (facts.host.asked.trace_kib or _DEFAULT_KIB) * 1024
    is_whole = True
    with replaced(facts.directory.file(SYSTRACE)) as file:
        file.write(HEAD)
        for line in lines_of_events(events):
            left -= len(line)
            is_whole = is_whole and left >= 0
            if is_whole:
                file.write(line)
    return is_whole


def _why_cut(facts: Facts) -> Optional[str]:
    cut = next((fetched for fetched in facts.stream.files
                if is_of_recorder(fetched.path) and not fetched.complete), None)
    if cut:  # the reason names the file, which may lie below the path
        reason = cut.reason or "not all of it came"
        return f"cut: {one_line(reason if reason.startswith(cut.path) else f'{cut.path}: {reason}')}"
    if facts.stream.unwritten_bytes:
        return "cut: --max-output left no space for all of it"
    return None


def _why_incomplete(facts: Facts, damage: Damage, is_whole: bool) -> Optional[str]:
    cut = _why_cut(facts)
    if cut:
        return cut
    if damage.pages or damage.events:
        return f"damaged: {damage.pages} pages and {damage.events} events, the first: {damage.first}"
    return None if is_whole else f"cut: {SYSTRACE} has reached its bound"

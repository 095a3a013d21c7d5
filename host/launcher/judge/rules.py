# SPDX-License-Identifier: GPL-2.0-only
"""Run directory -> verdict. Nothing but the directory counts: a run and its replay are judged by the same code.

In:  Facts. Out: Judgement, by the first rule that holds.

A verdict comes from frames. "pass" needs each piece of evidence to be there, not just the absence of bad news. Three
messages report a death: sched-state (ejected), sched-exit, and lifecycle scheduler-died. Each of them alone proves it,
since the guest may die between two of them (docs/use/verdicts.md). What the guest says about the scheduler comes
before its complaints about itself, and those come before what is inferred because a frame is missing.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Optional

from ..figures.gates import FAILED, INCONCLUSIVE
from ..lib.rundir import RunDirectory
from ..lib.text import one_line, printable
from .attempts import why_flaky
from .death import CPU_SECS, NoAnswer, matches
from .facts import Facts, read_facts
from .hints import with_hint
from .reasons import (death_reason, describe_bad_exit, describe_failed_payload, describe_full_file, describe_gate,
                      describe_missing, qemu_message, qemu_refused, why_guest_died, why_not_attached, why_not_done)
from .verdicts import Verdict, give

NO_LOG = "CONFIG_PRINTK"  # the kernel lacks


@dataclass(frozen=True)
class Judgement:
    verdict: Verdict
    facts: Facts
    stream_keys: dict[str, Any]  # stream.json, as it is


Rule = Callable[[Facts], Optional[Verdict]]


def judge(directory: RunDirectory) -> Judgement:
    """The first rule that holds. Raises Fault for a host.json that ktrun does not write."""
    facts, keys = read_facts(directory)
    found = next(verdict for rule in RULES if (verdict := rule(facts)))
    reason = shown(with_hint(found.reason, facts)) if found.reason else None
    return Judgement(Verdict(found.word, found.code, reason), facts, keys)


def shown(reason: str) -> str:
    return printable(one_line(reason))


def judge_host(facts: Facts) -> Optional[Verdict]:
    ending = facts.ending
    if ending.error:
        return give("error", ending.error)
    if ending.interrupted:
        return give("interrupted", f"stopped by {ending.interrupted}")
    if ending.full:
        return give("output-limit", describe_full_file(facts))
    if ending.timed_out:
        return give("timeout", f"not done after {facts.host.asked.limit_secs} s: {why_not_done(facts)}")
    if facts.unreadable:
        return give("error", facts.unreadable)
    if not facts.stream.sys_ready and qemu_refused(facts):
        return give("error", f"QEMU did not start: {qemu_message(facts)}")
    return None


def judge_guest(facts: Facts) -> Optional[Verdict]:
    stream = facts.stream
    if not stream.sys_ready:
        return give("boot-failed", why_guest_died(facts, "the guest never reported that it is ready"))
    if stream.exit_code is None:
        return give("lost", why_guest_died(facts, "the VM ended without an exit frame"))
    if stream.damaged:
        places = "place" if stream.damaged == 1 else "places"
        return give("corrupt", f"{stream.damaged} damaged {places} in the guest's stream")
    if stream.complete is False:
        return give("corrupt", f"the guest's stream: {describe_missing(stream)}")
    return None


def judge_scheduler(facts: Facts) -> Optional[Verdict]:
    """What frames say about it."""
    stream = facts.stream
    if stream.scheduler_died and not stream.scheduler_attached:
        return give("sched-failed", f"the scheduler ended before it was attached{death_reason(facts)}")
    if stream.scheduler_not_attached:
        return give("sched-not-attached", why_not_attached(facts))
    return judge_death(facts) if stream.scheduler_died else None


def judge_death(facts: Facts) -> Optional[Verdict]:
    """Of a scheduler that was attached."""
    asked, reason = facts.host.asked, death_reason(facts)
    if not asked.expect_death:
        return give("sched-died", f"the scheduler died during the run{reason}")
    if not asked.death:
        return None
    try:
        if matches(asked.death, shown(reason.removeprefix(": "))):
            return None
    except NoAnswer:
        return give("sched-died", f"the search for --expect-death={asked.death} was given up after {CPU_SECS:g} "
                    f"s{reason}")
    return give("sched-died", f"the scheduler died, but not as --expect-death={asked.death} says{reason}")


def judge_init(facts: Facts) -> Optional[Verdict]:
    """An error of /init may be the cause of all that is missing after it."""
    return give("init-failed", facts.stream.init_error) if facts.stream.init_error is not None else None


def judge_missing(facts: Facts) -> Optional[Verdict]:
    """What no frame says."""
    stream, asked = facts.stream, facts.host.asked
    if not stream.scheduler_died and asked.expect_death:
        return give("sched-survived", "the scheduler was expected to die")
    if asked.scheduler is not None and not stream.scheduler_attached:
        return give("sched-not-attached", "no frame says that the scheduler was attached")
    if stream.exec_exit_code is None and (asked.command is not None or asked.shell):
        return give("init-failed", "the payload's status never came")
    if not facts.payload_failed and stream.exit_code != 0 and stream.script_error is None:
        return give("init-failed", f"the guest ended with {stream.exit_code}, and nothing that it sent says why")
    return None


def judge_end(facts: Facts) -> Optional[Verdict]:
    """How a scheduler that lived ended when ktexitmon asked it to, by SIGTERM. After a death that was expected, the
    status says once more that it died: a scheduler that the kernel ejected ends with a failure.
    """
    stream, asked = facts.stream, facts.host.asked
    if stream.stopped_badly and not stream.scheduler_died and not asked.allow_bad_exit:
        return give("sched-bad-exit", describe_bad_exit(facts))
    return None


def judge_kernel(facts: Facts) -> Optional[Verdict]:
    console = facts.console
    if facts.host.asked.fail_on_warn and console.warned:
        return give("kernel-warned", f"kernel reports: {console.warned}, the first: {console.warn}")
    if facts.host.asked.fail_on_warn and NO_LOG in facts.stream.without:
        return give("corrupt", f"--fail-on-warn: the kernel has no log ({NO_LOG})")
    if facts.host.asked.fail_on_warn and console.log_problem:
        return give("corrupt", f"--fail-on-warn: {console.log_problem}")
    return None


def judge_payload(facts: Facts) -> Optional[Verdict]:
    stream = facts.stream
    if stream.tests_failed:
        return give("fail", f"{stream.tests_failed} of {stream.tests_count} tests failed", 1)
    if facts.payload_failed and not facts.all_skipped:
        return give("fail", describe_failed_payload(facts), stream.exec_exit_code)
    return None


def judge_scripts(facts: Facts) -> Optional[Verdict]:
    """A setting that could not be made matters when nothing else is wrong; else it stands beside the verdict."""
    return give("init-failed", facts.stream.script_error) if facts.stream.script_error is not None else None


def judge_output(facts: Facts) -> Optional[Verdict]:
    """Who asked for the payload's output and did not get it must not go on as after a pass. The artifact is whole."""
    unwritten = facts.ending.unwritten
    return give("error", f"ktrun's {unwritten} could not be written") if unwritten else None


def judge_gates(facts: Facts) -> Optional[Verdict]:
    """The figures of a run in which all else went well. One that failed says more than one without an answer."""
    for outcome, word in ((FAILED, "gate-failed"), (INCONCLUSIVE, "inconclusive")):
        found = next((checked for checked in facts.gates if checked.outcome == outcome), None)
        if found:
            return give(word, f"--gate {describe_gate(found)}")
    return None


def judge_attempts(facts: Facts) -> Optional[Verdict]:
    """What would be a pass is none where it took several attempts."""
    return give("flaky", why_flaky(facts.host.attempts)) if facts.host.attempts else None


def judge_rest(facts: Facts) -> Optional[Verdict]:
    return give("pass", None)


RULES = (judge_host, judge_guest, judge_scheduler, judge_init, judge_missing, judge_end, judge_kernel, judge_payload,
         judge_scripts, judge_output, judge_gates, judge_attempts, judge_rest)

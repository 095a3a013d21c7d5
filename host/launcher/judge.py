# SPDX-License-Identifier: GPL-2.0-only
"""Run directory -> verdict. Nothing but the directory counts: a run and its replay are judged by the same code.

In:  host.json, stream.json, console.log, kmsg, com2.log, qemu.log and the sizes of the files. Out: Judgement.

A verdict comes from frames. "pass" needs each piece of evidence to be there, not just the absence of bad news. Three
messages report a death: sched-state (ejected), sched-exit, and lifecycle scheduler-died. Each of them alone proves it,
since the guest may die between two of them (docs/use/verdicts.md).
"""
from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Callable, Optional

from .console import Console, console_tail, last_line, read_console
from .host import LIMIT_STATUS, Ending, Host, read_host
from .kernel_log import ANY
from .records import BadRecord
from .rundir import COM2, CONSOLE, QEMU_LOG, RunDirectory
from .stream import Stream, read_stream
from .text import decoded, one_line, printable
from .verdicts import Verdict, give

SILENT_AFTER_SECS = 3
_WORDS_MAX = 8192  # of the end of com2.log
_INIT_SAYS = "ktbox: "


@dataclass(frozen=True)
class Facts:
    """All that the run directory says."""
    directory: RunDirectory
    host: Host
    stream: Stream
    console: Console
    unreadable: Optional[str]  # a file that judging needs

    @property
    def ending(self) -> Ending:
        return self.host.ending

    @property
    def payload_failed(self) -> bool:
        return self.stream.exec_exit_code not in (None, 0)


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
    reason = printable(one_line(found.reason)) if found.reason else None
    return Judgement(Verdict(found.word, found.code, reason), facts, keys)


def read_facts(directory: RunDirectory) -> tuple[Facts, dict[str, Any]]:
    """And all keys of stream.json, as they are."""
    host = read_host(directory.file("host.json")) or Host()
    stream, console = Stream(), Console()
    keys: dict[str, Any] = {}
    unreadable: Optional[str] = None
    try:
        stream, keys = read_stream(directory)
    except BadRecord as error:
        unreadable = f"the guest's stream can't be decoded: {host.ending.reader_error or error}"
    try:
        console = read_console(directory, stream.kernel_log_ended, _owner(host, stream))
    except OSError:
        unreadable = f"unable to read {CONSOLE}"
    return Facts(directory, host, stream, console, unreadable), keys


def _owner(host: Host, stream: Stream) -> Optional[str]:
    """The scheduler whose end the frames tell. One that never attached has no name yet, and no payload ran beside it."""
    return ANY if host.asked.scheduler and not stream.scheduler_attached else stream.scheduler_name


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
    if not facts.stream.sys_ready and _qemu_refused(facts):
        return give("error", f"QEMU did not start: {qemu_message(facts)}")
    return None


def judge_guest(facts: Facts) -> Optional[Verdict]:
    stream = facts.stream
    if not stream.sys_ready:
        return give("boot-failed", why_guest_died(facts, "the guest never reported that it is ready"))
    if stream.exit_code is None:
        return give("lost", why_guest_died(facts, "the VM ended without an exit frame"))
    if stream.damaged:
        return give("corrupt", f"{stream.damaged} damaged places in the guest's stream")
    if stream.complete is False:
        return give("corrupt", f"the guest's stream: {describe_missing(stream)}")
    if stream.init_error is not None:
        return give("init-failed", stream.init_error)
    return None


def judge_scheduler(facts: Facts) -> Optional[Verdict]:
    stream, asked = facts.stream, facts.host.asked
    because = death_reason(stream)
    if stream.scheduler_died and not stream.scheduler_attached:
        return give("sched-failed", "the scheduler ended before it was attached" + because)
    if stream.scheduler_not_attached:
        return give("sched-not-attached", f"the scheduler did not attach: {stream.scheduler_not_attached_reason}")
    if stream.scheduler_died and not asked.expect_death:
        return give("sched-died", "the scheduler died during the run" + because)
    if not stream.scheduler_died and asked.expect_death:
        return give("sched-survived", "the scheduler was expected to die")
    if asked.scheduler is not None and not stream.scheduler_attached:
        return give("sched-not-attached", "no frame says that the scheduler was attached")
    return None


def judge_end(facts: Facts) -> Optional[Verdict]:
    """An exit frame says how the guest ended. It is 0, or something that came before it explains it."""
    stream, asked = facts.stream, facts.host.asked
    if stream.exec_exit_code is None and (asked.command is not None or asked.shell):
        return give("init-failed", "the payload's status never came")
    if not facts.payload_failed and stream.exit_code != 0:
        return give("init-failed", f"the guest ended with {stream.exit_code}, and nothing that it sent says why")
    return None


def judge_kernel(facts: Facts) -> Optional[Verdict]:
    console = facts.console
    if facts.host.asked.fail_on_warn and console.warned:
        return give("kernel-warned", f"kernel reports: {console.warned}, the first: {console.warn}")
    if facts.host.asked.fail_on_warn and console.log_problem:
        return give("corrupt", f"--fail-on-warn: {console.log_problem}")
    return None


def judge_payload(facts: Facts) -> Optional[Verdict]:
    stream = facts.stream
    if stream.tests_failed:
        return give("fail", f"{stream.tests_failed} of {stream.tests_count} tests failed", 1)
    if facts.payload_failed:
        return give("fail", f"the payload ended with {stream.exec_exit_code}", stream.exec_exit_code)
    return give("pass", None)


RULES = (judge_host, judge_guest, judge_scheduler, judge_end, judge_kernel, judge_payload)


def death_reason(stream: Stream) -> str:
    """": REASON": the kernel's dump tells more than its message, and that more than /init; or nothing."""
    dump = stream.error_dump
    if dump:
        return f": {dump.reason or 'no reason given'} (kind {dump.kind})"
    if stream.scheduler_ejected_reason is not None:
        return f": ejected by the kernel, {stream.scheduler_ejected_reason}"
    return "" if stream.scheduler_died_reason is None else f": {stream.scheduler_died_reason}"


def why_guest_died(facts: Facts, what: str) -> str:
    """Explains, from the console and QEMU's status, why a guest ended without an exit frame. The first that holds:
    guest out of memory, init died, kernel panic, last words of /init, QEMU had to be killed, QEMU died, silent reset."""
    if facts.console.panic:
        return _describe_panic(facts.console.panic, facts.console)
    words = last_words(facts)
    if words:
        return f"{what}: {words}"
    if facts.ending.qemu_killed:
        return f"{what}, and QEMU did not end"
    if facts.ending.qemu_status != 0:
        return f"QEMU died: {qemu_message(facts)}"
    if facts.console.worst:
        return f"silent reset: {what}; the kernel had reported: {facts.console.worst}"
    return f"silent reset: {what}; the console's last line is: {last_line(facts.directory.file(CONSOLE))}"


def last_words(facts: Facts) -> Optional[str]:
    """What /init said on COM2, where it had no port to say it on. Once it has one, COM2 is anybody's."""
    path = facts.directory.file(COM2)
    if facts.stream.sys_ready or not os.path.exists(path):
        return None
    said = (line for line in console_tail(path, _WORDS_MAX) if line.startswith(_INIT_SAYS))
    return next((f"/init: {line[len(_INIT_SAYS):]}" for line in said), None)


def why_not_done(facts: Facts) -> str:
    """The best evidence of what held up a run: a panic, what /init said, what the kernel reported; else the silence. A
    guest that still sent frames was not held up: there the report comes second."""
    silence = describe_silence(facts.ending)
    if facts.console.panic:
        return f"{_describe_panic(facts.console.panic, facts.console)}; {silence}"
    words = last_words(facts)
    if words:
        return f"{words}; {silence}"
    if not facts.console.stuck:
        return silence
    if _is_recent(facts.ending.frames_age_secs):
        return f"{silence}; the kernel reported: {facts.console.stuck}"
    return f"{facts.console.stuck}; {silence}"


def _describe_panic(panic: str, console: Console) -> str:
    if "deadlocked on memory" in panic or "ut of memory" in panic:
        return f"guest out of memory: {panic}"
    if "Attempted to kill init" in panic:
        if console.oom_init:
            return f"guest out of memory: {console.oom_init}"
        return f"init died: {console.cause} ({_panic_words(panic)})" if console.cause else f"init died: {panic}"
    return f"kernel panic: {console.cause} ({_panic_words(panic)})" if console.cause else f"kernel panic: {panic}"


def _panic_words(panic: str) -> str:
    """Without the time stamp."""
    return panic[max(0, panic.find("Kernel panic")):]


def _qemu_refused(facts: Facts) -> bool:
    """QEMU that refuses its arguments ends with an error before the guest has printed anything."""
    ending = facts.ending
    return not ending.qemu_killed and ending.qemu_status != 0 and facts.directory.size(CONSOLE) == 0


def qemu_message(facts: Facts) -> str:
    path, size = facts.directory.file(QEMU_LOG), facts.directory.size(QEMU_LOG)
    lines: list[bytes] = []
    if size:
        with open(path, "rb") as file:
            file.seek(max(0, size - 1000))
            lines = file.read(1000).splitlines()
    return f"{decoded(lines[-1]) if lines else 'no message'}, status {facts.ending.qemu_status}"


def describe_full_file(facts: Facts) -> str:
    full = facts.ending.full or ""
    text = (f"the guest has filled {full} ({facts.directory.size(full)} bytes), "
            "all that --max-output leaves it")
    return text + ("; QEMU was stopped" if facts.ending.qemu_status == LIMIT_STATUS else "")


def describe_missing(stream: Stream) -> str:
    missing = stream.missing_bytes or 0
    return f"{-missing} bytes more than the guest has sent" if missing < 0 else f"{missing} bytes missing"


def describe_silence(ending: Ending) -> str:
    frames, console = ending.frames_age_secs, ending.console_age_secs
    ages = f"(last frame: {_age(frames)}, last console output: {_age(console)})"
    if _is_recent(frames):
        return f"the guest still sent frames {ages}"
    if _is_recent(console):
        return f"the guest still printed, but did not come to its end {ages}"
    return f"the guest was silent {ages}"


def _is_recent(age: Optional[int]) -> bool:
    return age is not None and age < SILENT_AFTER_SECS


def _age(age: Optional[int]) -> str:
    return "never" if age is None else f"{age} s before"

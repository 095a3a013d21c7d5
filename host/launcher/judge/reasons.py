# SPDX-License-Identifier: GPL-2.0-only
"""Why a run has its verdict, in a sentence: the best evidence that the run directory has.

In:  Facts. Out: text, not yet printable: words of the guest are in it.
"""
from __future__ import annotations

import os
import re
import signal
from itertools import takewhile
from typing import Iterator, Optional

from ..figures.gates import INCONCLUSIVE, Checked
from ..lib.rundir import COM2, CONSOLE, QEMU_LOG, SCHED_LOG
from ..lib.text import decoded, short_lines
from ..run.host import LIMIT_STATUS, Ending
from .console import console_tail, last_line
from .facts import Facts
from .schedlog import last_words
from .stream import Stream

SILENT_AFTER_SECS = 3
_WORDS_MAX = 8192  # of the end of com2.log
_INIT_SAYS = "ktbox: "
_SHELL_SAYS = "/init: "
_PANIC_MAX = 65536  # of the end of the console, which has the panic's own report
_STAMPED = re.compile(r"(<[0-9]+>)?\[ *[0-9]+\.[0-9]+\]", re.ASCII)
_QEMU_MAX, _QEMU_LINES, _LINE_MAX = 65536, 20, 300
_UNREGISTERED = "unregistered from user space"
FAILED_STEP = re.compile("step-([0-9]{1,5})-failed-([0-9]{1,3})", re.ASCII)  # a mark of kt-scenario
_COMM_MAX = 15  # TASK_COMM_LEN of the kernel, without its NUL
_OOM_KILL = re.compile(r"(?:Memory cgroup o|O)ut of memory: Killed process [0-9]+ \((.*?)\)(?= total-vm:)")
_NUMBER = re.compile("0|[1-9][0-9]{0,7}", re.ASCII)


def death_reason(facts: Facts) -> str:
    """": REASON", or nothing. The kernel's dump tells more than its message; then comes how the process ended, with
    the last words of its log, and then what /init has to say."""
    stream = facts.stream
    dump = stream.death_dump
    if dump:
        return f": {dump.reason or 'no reason given'} (kind {dump.kind})"
    if stream.scheduler_ejected_reason is not None:
        return f": ejected by the kernel, {stream.scheduler_ejected_reason}"
    end = stream.scheduler_end
    # One that lived on and was stopped at the end of the run did not die by that.
    ended = describe_end(end) if end is not None and not end.startswith("stopped ") else stream.scheduler_died_reason
    words = (ended, _with_kernel(stream), _killed_for_memory(facts) or _words_of_log(facts))
    return "".join(f": {text}" for text in words if text)


def _killed_for_memory(facts: Facts) -> Optional[str]:
    """The kernel's words, where it killed a process with the scheduler's name, and the scheduler was killed."""
    name = os.path.basename(facts.host.asked.scheduler or "")[:_COMM_MAX]
    if " signal=9 " not in (facts.stream.scheduler_end or ""):
        return None
    return next((text for text, its_name in _oom_kills(facts) if its_name == name), None)


def _oom_kills(facts: Facts) -> Iterator[tuple[str, str]]:
    """The kernel's words, and the name of the process."""
    for report in facts.console.reports:
        found = _OOM_KILL.search(report.line) if report.kind == "oom-kill" else None
        if found:
            yield found.group(), found.group(1)


def _words_of_log(facts: Facts) -> Optional[str]:
    """A scheduler that restarts has the reason of each end in its log: only that of the last one counts."""
    stream = facts.stream
    reason = stream.scheduler_ejected_reason or stream.scheduler_detached_reason
    if not reason and stream.scheduler_restarts:
        reason = _UNREGISTERED
    return last_words(facts.directory.file(SCHED_LOG), reason.partition(": ")[0] if reason else None)


def _with_kernel(stream: Stream) -> Optional[str]:
    """A scheduler that ends by itself unregisters: that is no reason. One that BPF code has ended has said why."""
    reason = stream.scheduler_detached_reason
    return None if reason in (None, "", _UNREGISTERED) else reason


def why_not_attached(facts: Facts) -> str:
    reason = facts.stream.scheduler_not_attached_reason
    if reason == "timeout":
        return (f"the scheduler did not attach within {facts.host.asked.attach_timeout_secs} s "
                "(--append ktbox.attach_timeout=SECS gives it more)")
    return f"the scheduler did not attach: {reason or 'no reason given'}"


def describe_bad_exit(facts: Facts) -> str:
    status = facts.stream.stop_status
    if status is None:
        how = "with an unknown status"
    elif status == 128 + signal.SIGKILL and facts.stream.stop_took_a_kill:
        how = "only when it was killed: it did not react to SIGTERM in time"
    elif 128 < status < 192:
        how = f"by signal {status - 128}{_signal_name(status - 128)}"
    else:
        how = f"with code {status}"
    words = _words_of_log(facts)
    return f"the scheduler, asked to end, ended {how}" + (f": {words}" if words else "")


def describe_end(end: str) -> str:
    """"exited ms=4100 code=1" -> "exited after 4.10 s with code 1" """
    words = []
    for word in end.split():
        key, _, value = word.partition("=")
        if key == "ms" and _NUMBER.fullmatch(value):
            words.append(f"after {seconds(int(value))} s")
        elif word == "core=1":
            words.append("(core dumped)")
        elif key == "code" and value:
            words.append(f"with code {value}")
        elif key == "signal" and value:
            words.append(f"by signal {value}{_signal_name(int(value)) if _NUMBER.fullmatch(value) else ''}")
        elif word != "core=0":
            words.append(word)
    return " ".join(words)


def _signal_name(number: int) -> str:
    try:
        return f" ({signal.Signals(number).name})"
    except ValueError:
        return ""


def describe_failed_payload(facts: Facts) -> str:
    """With --scenario, a step may have failed, while the payload's own command ended with 0, or there was none."""
    code = facts.stream.exec_exit_code
    texts = [mark.what for mark in facts.stream.marks] if facts.host.asked.scenario else []
    failed = next((found for text in texts if (found := FAILED_STEP.fullmatch(text))), None)
    if failed is None:
        kill = next(_oom_kills(facts), None) if code == 128 + signal.SIGKILL else None
        return f"the payload ended with {code}" + (f"; the kernel had reported: {kill[0]}" if kill else "")
    number, status = failed.groups()
    step = next((text.partition(" ")[2] for text in texts if text.startswith(f"step-{number} ")), "")
    own = next((text for text in texts if text.startswith("command-ended-")), None)
    if status == str(code) and own in (None, "command-ended-0"):
        return f"step {number} of the scenario failed with {code}: {step}"
    return f"the payload ended with {code}; step {number} of the scenario failed: {step}"


def describe_gate(checked: Checked) -> str:
    """One line: the gate, and what became of it."""
    if checked.outcome == INCONCLUSIVE or not checked.value:
        return f"{checked.gate.text}: {checked.reason}"
    number = f"{checked.value.value:g}" if isinstance(checked.value.value, float) else str(checked.value.value)
    unit = "" if checked.value.unit in ("count", "flag") else f" {checked.value.unit}"
    when = f", at {seconds(checked.at_ms)} s of the guest" if checked.at_ms is not None else ""
    return f"{checked.gate.text}: {checked.gate.name} is {number}{unit}{when}"


def seconds(ms: int) -> str:
    return f"{ms // 1000}.{ms % 1000 // 10:02d}"


def why_guest_died(facts: Facts, what: str) -> str:
    """Explains, from the console and QEMU's status, why a guest ended without an exit frame. The first that holds:
    guest out of memory, init died, kernel panic, last words of /init, QEMU had to be killed, QEMU died, silent
    reset."""
    if facts.console.panic:
        return _describe_panic(facts.console.panic, facts)
    words = words_of_init(facts)
    if words:
        return f"{what}: {words}"
    if facts.ending.qemu_killed:
        return f"{what}, and QEMU did not end"
    if facts.ending.qemu_status != 0:
        return f"QEMU died: {qemu_message(facts)}"
    if facts.console.worst:
        return f"silent reset: {what}; the kernel had reported: {facts.console.worst}"
    return f"silent reset: {what}; {_last_line(facts)}"


def _last_line(facts: Facts) -> str:
    line = last_line(facts.directory.file(CONSOLE))
    return f"the console's last line is: {line}" if line else "and nothing is on the console"


def words_of_init(facts: Facts) -> Optional[str]:
    """What /init said on COM2, where it had no port to say it on; when it ended without a device for COM2, on the
    console. Once it has a port, both are anybody's."""
    if facts.stream.sys_ready:
        return None
    for name in (COM2,) if facts.ending.timed_out else (COM2, CONSOLE):
        path = facts.directory.file(name)
        if os.path.exists(path):
            said = [line for line in console_tail(path, _WORDS_MAX) if line.startswith(_INIT_SAYS)]
            if said:
                return f"/init: {said[0 if name == COM2 else -1][len(_INIT_SAYS):]}"
    return None


def why_not_done(facts: Facts) -> str:
    """The best evidence of what held up a run: a panic, what /init said, what the kernel reported; else the silence. A
    guest that came further after a report was not held up by it: there the report comes second."""
    silence = describe_silence(facts.ending)
    if facts.console.panic:
        return f"{_describe_panic(facts.console.panic, facts)}; {silence}"
    words = words_of_init(facts)
    if words:
        return f"{words}; {silence}"
    if not facts.console.stuck:
        if facts.stream.sys_ready:
            return silence
        return f"{silence}; it never reported that it is ready, {_last_line(facts)}"
    if _went_on(facts):
        return f"{silence}; the kernel had reported: {facts.console.stuck}"
    return f"{facts.console.stuck}; {silence}"


def _went_on(facts: Facts) -> bool:
    """Something has happened since the report, and before the host asked for an end (marks, docs/internals/wire.md)."""
    reported_ms = (facts.console.stuck_us or 0) / 1000
    before = takewhile(lambda mark: not mark.what.startswith("wake:"), facts.stream.marks)
    return any(mark.ms > reported_ms for mark in before)


def _describe_panic(panic: str, facts: Facts) -> str:
    console = facts.console
    if "deadlocked on memory" in panic or "ut of memory" in panic:
        return f"guest out of memory: {panic}"
    if "Attempted to kill init" in panic:
        if console.oom_init:
            return f"guest out of memory: {console.oom_init}"
        cause = console.cause or _words_before(panic, facts)
        return f"init died: {cause} ({_panic_words(panic)})" if cause else f"init died: {panic}"
    return f"kernel panic: {console.cause} ({_panic_words(panic)})" if console.cause else f"kernel panic: {panic}"


def _words_before(panic: str, facts: Facts) -> Optional[str]:
    """What the shell that is /init said last, and died of: the console's last line before the panic that is not the
    kernel's."""
    lines = console_tail(facts.directory.file(CONSOLE), _PANIC_MAX)
    at = next((number for number in reversed(range(len(lines))) if _panic_words(panic) in lines[number]), 0)
    said = next((line for line in reversed(lines[:at]) if not _STAMPED.match(line)), "")
    return said if said.startswith(_SHELL_SAYS) else None


def _panic_words(panic: str) -> str:
    """Without the time stamp."""
    return panic[max(0, panic.find("Kernel panic")):]


def qemu_refused(facts: Facts) -> bool:
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


def qemu_warnings(facts: Facts) -> list[str]:
    """The first lines of qemu.log. QEMU prints nothing in a run that it has no complaint about; what ended it is in the
    reason."""
    path = facts.directory.file(QEMU_LOG)
    if not facts.directory.size(QEMU_LOG):
        return []
    lines = (decoded(line.strip()) for line in short_lines(path, 0, min(facts.directory.size(QEMU_LOG), _QEMU_MAX)))
    return [line[:_LINE_MAX] for line in lines if line][:_QEMU_LINES]


def describe_full_file(facts: Facts) -> str:
    full = facts.ending.full or ""
    text = (f"the guest has filled {full} ({facts.directory.size(full)} bytes), "
            "all that --max-output leaves it (or ulimit -f)")
    return text + ("; QEMU was stopped" if facts.ending.qemu_status == LIMIT_STATUS else "")


def describe_missing(stream: Stream) -> str:
    if stream.missing_bytes is None:
        return "an exit frame without a fin frame: how much the guest has sent is unknown"
    missing = stream.missing_bytes
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

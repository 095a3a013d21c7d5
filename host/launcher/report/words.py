# SPDX-License-Identifier: GPL-2.0-only
"""The sentences that summary and page share: scheduler, payload, dump, stream, files."""
from __future__ import annotations

from typing import Iterator, Optional

from ..bpf.objects import GUEST_PLACE
from ..judge.facts import Facts
from ..judge.reasons import describe_end, describe_missing, seconds
from ..judge.stream import Dump, Fetched, Stream, SubScheduler
from ..lib.rundir import RR_LOG, VMCORE
from ..lib.text import duration, one_line
from ..recorder.kept import Recording, is_of_recorder
from ..run.host import Host

ITEMS_SHOWN = 8  # dumps, and files of --get


def has_scheduler(facts: Facts) -> bool:
    """A scheduler is described when it was given, and when frames know of one."""
    stream = facts.stream
    return (facts.host.asked.scheduler is not None or stream.scheduler_attached or stream.scheduler_died
            or stream.scheduler_not_attached)


def has_payload(facts: Facts) -> bool:
    asked = facts.host.asked
    return asked.command is not None or asked.shell or facts.stream.exec_exit_code is not None


def describe_scheduler(stream: Stream) -> str:
    text = f"{one_line(stream.scheduler_name)}: " if stream.scheduler_name is not None else ""
    text += "attached" if stream.scheduler_attached else "not attached"
    if stream.scheduler_restarts:
        times = f"{stream.scheduler_restarts} times" if stream.scheduler_restarts > 1 else "once"
        text += f", restarted {times}"
    if stream.scheduler_ejected:
        text += f", ejected by the kernel ({one_line(stream.scheduler_ejected_reason or 'no reason given')})"
    if stream.scheduler_died:
        text += ", died"
    if stream.scheduler_end is not None:
        text += f", {describe_end(one_line(stream.scheduler_end))}"
    if stream.sched_exit_code is not None:
        text += f", sched-exit {stream.sched_exit_code}"
    return text


def describe_sub(sub: SubScheduler) -> str:
    text = f"{one_line(sub.name or 'unnamed')} {one_line(sub.cgroup or f'(cgroup {sub.id})')}: {one_line(sub.state)}"
    return text + (f" ({one_line(sub.reason)})" if sub.reason else "")


def describe_vmcore(facts: Facts) -> Optional[str]:
    """None: there is none, and the run's end needed none."""
    size = facts.directory.size(VMCORE)
    if size:
        moment = "time limit" if facts.ending.timed_out else "end of the guest"
        return f"{size / (1 << 20):.1f} MiB, taken at the {moment}"
    problem = facts.ending.vmcore_problem
    return f"none: {one_line(problem)}" if problem else None


def describe_replay_log(facts: Facts) -> Optional[str]:
    """None: nothing was to be recorded."""
    if not facts.host.asked.record_replay:
        return None
    if facts.ending.record_problem:
        return f"not repeatable: {one_line(facts.ending.record_problem)}"
    return f"{facts.directory.size(RR_LOG) / (1 << 20):.1f} MiB; ktrun --repeat runs the guest again"


def describe_bpf(facts: Facts) -> Optional[str]:
    """None: nothing was asked of the scheduler's programs and maps."""
    if facts.bpf is None:
        return None
    text = f"{len(facts.bpf.programs)} programs"
    calls = [program.run_cnt for program in facts.bpf.programs if program.run_cnt is not None]
    text += f" with {sum(calls)} calls" if calls else ""
    text += f", {len(facts.bpf.maps)} maps, {sum(one.file is not None for one in facts.bpf.maps)} of them kept"
    return text + (f" ({one_line(facts.bpf.problem)})" if facts.bpf.problem else "")


def describe_payload(stream: Stream) -> str:
    if stream.exec_exit_code is not None:
        text = f"code {stream.exec_exit_code}"
    else:
        text = "started, no status" if stream.payload_started else "not started"
    if stream.elapsed_ms is not None and stream.elapsed_ms < 10 ** 9:
        text += f" after {seconds(stream.elapsed_ms)} s"
    return text


def describe_start(host: Host) -> str:
    """What follows the accelerator; nothing for a cold run."""
    if host.start != "warm":
        return ""
    return f", warm (the saved guest is {duration(host.snapshot_age_secs or 0)} old)"


def describe_stream(stream: Stream) -> str:
    if stream.exit_code is None:
        text = f"{stream.bytes} bytes, without an exit frame"
    elif stream.complete is None:
        text = f"{stream.bytes} bytes; whether that is all is unknown, the guest could not tell"
    else:
        text = f"complete, {stream.bytes} bytes" if stream.complete else describe_missing(stream)
    if stream.damaged:
        text += f", {stream.damaged} damaged {'place' if stream.damaged == 1 else 'places'}"
    return text + (", ends within a frame" if stream.truncated else "")


def describe_dump(dump: Dump) -> str:
    owner = f" of {one_line(dump.scheduler or '')} {one_line(dump.cgroup)}" if dump.cgroup else ""
    text = one_line(dump.type) + (f" {dump.kind}" if dump.kind else "") + owner + _describe_wholeness(dump)
    return text + (f": {one_line(dump.reason)}" if dump.reason and dump.rule != "unknown" else "")


def _describe_wholeness(dump: Dump) -> str:
    """A dump of which no end frame came has the rule "unknown"; one of whose end ktpipe saw no sign, "none"."""
    if dump.rule == "unknown":
        return ", NOT COMPLETE: its end never came"
    text = ", complete" if dump.complete else f", NOT COMPLETE (rule {one_line(dump.rule)})"
    text += f", {dump.lines} lines"
    text += f", {dump.lost} trace events lost" if dump.lost else ""
    return text + (f", {dump.unsent} bytes not sent" if dump.unsent else "")


def describe_lack(stream: Stream) -> str:
    return f"lacks {', '.join(map(one_line, stream.without[:ITEMS_SHOWN]))}: the run went without"


def describe_recording(recording: Recording) -> Iterator[str]:
    """What is kept, then what is missing."""
    if recording.kept:
        first, last = recording.first_ns or 0, recording.last_ns or 0
        files = " and ".join(name for name in (recording.dat, recording.systrace) if name)
        yield (f"{recording.events} events of {recording.cpus} CPUs in {(last - first) / 10 ** 9:.3f} s: {files}"
               + (f"; {recording.overwritten} older ones were overwritten" if recording.overwritten else ""))
    if recording.why:
        yield f"{'NOT COMPLETE' if recording.kept else 'not kept'}: {recording.why}"
    if recording.dat_problem:
        yield f"no trace.dat: {recording.dat_problem}"
    for lack in recording.lacks:
        yield one_line(lack)


def describe_gets(facts: Facts) -> Iterator[str]:
    """A line for each path: those that frames report on, then those that the guest never came to."""
    for fetched in facts.stream.files:
        is_own = (facts.recording and is_of_recorder(fetched.path)) or (facts.bpf and fetched.path == GUEST_PLACE)
        if not is_own or fetched.path in facts.host.asked.get:
            yield _describe_get(fetched)
    known = {fetched.path for fetched in facts.stream.files}
    for path in facts.host.asked.get:
        if path not in known and facts.stream.files_count == len(facts.stream.files):
            yield f"{one_line(path)}: NOT COMPLETE: the guest did not come to it"
    yield from _describe_unlisted(facts.stream)


def _describe_unlisted(stream: Stream) -> Iterator[str]:
    """What the list of files does not have."""
    if stream.files_count > len(stream.files):
        listed = sum(not fetched.complete for fetched in stream.files)
        yield (f"{stream.files_count - len(stream.files)} more requests, NOT LISTED; "
               f"{stream.files_incomplete - listed} of these are not complete")
    if stream.files_stray_frames:
        yield f"NOT COMPLETE: {stream.files_stray_frames} frames of files belong to no request"
    if stream.unwritten_bytes:
        yield f"NOT COMPLETE: --max-output left no space for {stream.unwritten_bytes} bytes of logs, dumps and files"


def _describe_get(fetched: Fetched) -> str:
    path = one_line(fetched.path)
    count = f"{fetched.files} files, {fetched.bytes} bytes"
    count += f", {fetched.skipped} passed over (links, devices)" if fetched.skipped else ""
    if fetched.complete:
        return f"get{path}, {count}"
    reason = one_line(fetched.reason or "")
    return f"{path}: NOT COMPLETE, {count}: {reason[len(path) + 2:] if reason.startswith(path + ': ') else reason}"

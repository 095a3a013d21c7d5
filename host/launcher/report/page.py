# SPDX-License-Identifier: GPL-2.0-only
"""A run as one HTML page that can be mailed or kept by CI: it loads nothing, runs nothing, and needs no network.

In:  a Judgement and the artifacts. Out: HTML. The guest's text goes through xml() only, and each text is bounded: the
page says what it leaves out.
"""
from __future__ import annotations

import os
import re
from typing import Optional, Sequence

from ..judge.attempts import describe
from ..judge.console import kernel_line
from ..judge.reasons import seconds
from ..judge.rules import Judgement
from ..judge.schedlog import read_log
from ..judge.verdicts import ERROR, FAILED, GOOD, PASSED
from ..lib.rundir import COM2, CONSOLE, QEMU_LOG, SCHED_LOG
from ..lib.text import ends_of, xml
from .cases import SKIPPED, Case, count, is_bad, list_cases
from .figures import figures_section
from .lanes import lanes
from .timeline import timeline
from .words import (ITEMS_SHOWN, describe_bpf, describe_dump, describe_payload, describe_replay_log, describe_scheduler,
                    describe_stream, describe_sub, describe_vmcore, has_payload, has_scheduler)

_TEXT_MAX = 65536  # bytes of a text on the page
_LINE_MAX = 4000
_CASES_MAX = 1000
_REPORTS_MAX = 20
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_PILLS = {PASSED: "good", FAILED: "bad", ERROR: "warn", SKIPPED: "quiet"}
# The lines for which one opens a log. hit: why it ended; look: what led there.
_CLASSES = [(re.compile(pattern), name) for pattern, name in (
    (r"\[\.\.\. .*(bytes left out|shown above) \.\.\.\]$", "gap"),
    (r".*(triggered exit kind|EXIT: kind|Kernel panic|kernel BUG at|BUG: |Oops: |general protection fault"
     r"|scx_bpf_error[^_]|runnable task stall|ejected|disabled \(|~~~~ TRUNCATED|LOST [0-9]+ EVENTS)", "hit"),
    (r"ASSERT|FAILED|not ok", "hit"),
    (r".*(WARNING: |INFO: .*(stall|blocked for more)|lockup|Out of memory|Killed process|Debug dump triggered)",
     "look"),
    (r"(libbpf|[A-Za-z_0-9./-]+): .*([Ee]rror|[Ff]ailed|[Uu]nable|[Ii]nvalid)|[Ee]rror", "look"),
)]


def page(judgement: Judgement) -> str:
    cases = list_cases(judgement)
    sections = [("Summary", _facts(judgement)), ("Tests", _tests(cases)),
                ("Timeline", timeline(judgement.facts)), ("Flight recorder", lanes(judgement.facts)),
                ("Figures", figures_section(judgement.facts.metrics)), ("Reports of the kernel", _reports(judgement)),
                ("Logs", _logs(judgement)), ("Run", _run(judgement)), ("Machine", _machine(judgement))]
    body = "".join(section(title, content) for title, content in sections if content)
    verdict = judgement.verdict
    return document(f"ktrun: {verdict.word}", _header(judgement) + body, judgement.facts.directory.path)


def document(title: str, body: str, directory: str) -> str:
    with open(os.path.dirname(__file__) + "/page.css", encoding="utf-8") as file:
        style = file.read()
    return ('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
            f"<title>{xml(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n{body}"
            f"<footer>Artifacts: <code>{xml(directory)}</code></footer>\n</main>\n</body>\n</html>\n")


def section(title: str, content: str) -> str:
    return f"<section>\n<h2>{title}</h2>\n{content}</section>\n"


def _header(judgement: Judgement) -> str:
    verdict = judgement.verdict
    reason = f'<p class="reason">{xml(verdict.reason)}</p>\n' if verdict.reason else ""
    return (f'<header class="{verdict.kind.tone}">\n<p class="kicker">Verdict of ktrun</p>\n'
            f"<h1>{verdict.word} <small>code {verdict.code}</small></h1>\n{reason}</header>\n")


def _list_of(facts: Sequence[tuple[str, Optional[str]]]) -> str:
    items = "".join(f"<dt>{name}</dt><dd>{xml(text)}</dd>\n" for name, text in facts if text)
    return f'<dl class="facts">\n{items}</dl>\n'


def _facts(judgement: Judgement) -> str:
    facts = judgement.facts
    stream, ending = facts.stream, facts.ending
    rows: list[tuple[str, Optional[str]]] = [
        ("Scheduler", describe_scheduler(stream) if has_scheduler(facts) else None)]
    rows[:0] = [(f"Attempt {number}", text) for number, text in enumerate(describe(facts.host.attempts), 1)
                if number <= ITEMS_SHOWN]
    rows += [("Sub-scheduler", describe_sub(sub)) for sub in stream.sub_schedulers[:ITEMS_SHOWN]]
    rows += [(f"Dump {dump.number}", describe_dump(dump)) for dump in stream.dumps if dump.number <= ITEMS_SHOWN]
    rows += [("vmcore", describe_vmcore(facts) if facts.host.asked.vmcore else None),
             ("BPF", describe_bpf(facts)),
             ("Recorded", describe_replay_log(facts)),
             ("Payload", describe_payload(stream) if has_payload(facts) else None),
             ("Stream", describe_stream(stream)), ("Wall time", f"{seconds(ending.wall_ms)} s"),
             ("QEMU", "did not end by itself: killed" if ending.qemu_killed else None)]
    return _list_of(rows)


def _tests(cases: list[Case]) -> str:
    if len(cases) <= 1:
        return ""
    bad = sum(map(is_bad, cases))
    rows = "".join(map(_test_row, cases[:_CASES_MAX]))
    if len(cases) > _CASES_MAX:
        rows += f'<tr><td colspan="4">{len(cases) - _CASES_MAX} more are in result.json</td></tr>\n'
    return (f"<p>{bad} of {len(cases)} failed, {count(cases, SKIPPED)} skipped</p>\n"
            '<div class="scroll"><table><thead><tr><th>Outcome</th><th>Test</th><th>Time</th><th>Message</th></tr>'
            f"</thead><tbody>\n{rows}</tbody></table></div>\n")


def _test_row(case: Case) -> str:
    return (f'<tr><td><span class="pill {_PILLS[case.outcome]}">{case.outcome}</span></td>'
            f'<td>{xml(case.name)} <span class="dim">{xml(case.suite)}</span></td>'
            f'<td>{case.ms / 1000:.3f} s</td><td class="message">{xml(case.message)}</td></tr>\n')


def _reports(judgement: Judgement) -> str:
    console = judgement.facts.console
    if not console.count:
        return ""
    rows = "".join('<tr><td><span class="pill '
                   f'bad">{report.kind}</span></td><td><code>{xml(report.line)}</code></td></tr>\n'
                   for report in console.reports[:_REPORTS_MAX])
    cut = f" {xml(console.log_problem or '')}." if console.is_cut else ""
    return (f"<p>{console.count} in all; the first ones:{cut}</p>\n"
            f'<div class="scroll"><table><tbody>\n{rows}</tbody></table></div>\n')


def _logs(judgement: Judgement) -> str:
    """File, title, bytes of its begin; the rest of the bound is for its end. A dump is read from its begin."""
    stream, evidence = judgement.facts.stream, judgement.verdict.kind.evidence
    dump = stream.shown_dump
    logs = [(SCHED_LOG, "The scheduler's log", 16384), ("stderr", "The payload's stderr", 16384),
            ("stdout", "The payload's stdout", 16384), ("hang.txt", "What the tasks did at the limit", 49152),
            (CONSOLE, "The kernel's console", 8192), (COM2, "Last words of /init", 0),
            (QEMU_LOG, "QEMU's messages", 0)]
    texts = [_log(judgement, dump.file, "The scheduler's dump", 0, True)] if dump else []
    texts += [_log(judgement, name, title, head, name in evidence or name == SCHED_LOG) for name, title, head in logs]
    return "".join(texts)


def _log(judgement: Judgement, name: str, title: str, head: int, is_open: bool) -> str:
    path, size = judgement.facts.directory.file(name), judgement.facts.directory.size(name)
    if not size:
        return ""
    is_good = judgement.verdict.kind.tone == GOOD  # then nothing is why it went wrong
    lines = [_marked(judgement.facts.symbols.annotated(line), is_good) for line in _lines(path, name, head)]
    hits = sum(line.startswith('<span class="hit">') for line in lines)
    marked = f' <small class="count">{hits} marked</small>' if hits else ""
    return (f"<details{' open' if is_open else ''}><summary>{title} <small>{name}, {size} "
            f"bytes</small>{marked}</summary>\n"
            f'<pre tabindex="0" role="region" aria-label="{title}">{"".join(lines)}</pre></details>\n')


def _lines(path: str, name: str, head: int) -> list[str]:
    """A scheduler's log repeats the dump, which is on the page already."""
    log = read_log(path) if name == SCHED_LOG else None
    if log and log.has_dump:
        return [*log.before, "[... the dump, shown above ...]", *log.after]
    return ends_of(path, head, _TEXT_MAX - head if head else _TEXT_MAX)


def _marked(line: str, is_good: bool) -> str:
    line = re.sub(r"^.*?sched_ext_dump: ", "", line)
    if len(line) > _LINE_MAX:
        line = f"{line[:_LINE_MAX]} [... {len(line) - _LINE_MAX} bytes of this line left out ...]"
    name = next((name for pattern, name in _CLASSES if pattern.match(line)), "")
    name = "" if name == "hit" and is_good else name
    return f"<span{f' class={chr(34)}{name}{chr(34)}' if name else ''}>{xml(line)}</span>"


def _machine(judgement: Judgement) -> str:
    """As the kernel itself reports, since a replay has nothing else."""
    facts = judgement.facts
    directory, limit, origin = facts.directory, facts.host.asked.limit_secs, facts.host.origin
    return _list_of([
        ("Kernel image", facts.host.kernel), ("Linux", facts.kernel_release),
        ("Accelerator", facts.host.accel), ("CPUs", kernel_line(directory, "smp: Brought up ")),
        ("Memory", kernel_line(directory, "Memory: ")), ("Command line", kernel_line(directory, "Command line: ")),
        ("QEMU", origin.qemu), ("Host", origin.hostname), ("ktbox", facts.host.version),
        ("Limit", f"{limit} s" if limit is not None else None)])


def _run(judgement: Judgement) -> str:
    """What was run, and how to run it again."""
    host = judgement.facts.host
    scheduler = " ".join(word for word in (host.asked.scheduler, host.asked.scheduler_args) if word)
    return _list_of([
        ("Started", host.origin.started), ("Scheduler", scheduler), ("SHA-256", host.origin.scheduler_sha256),
        ("Payload", host.asked.command or ("a shell" if host.asked.shell else None)), ("Again", host.origin.rerun)])

# SPDX-License-Identifier: GPL-2.0-only
"""--summary: a run or a matrix in Markdown, as CI shows it below a job (GitHub: $GITHUB_STEP_SUMMARY).

In:  a Judgement, or the cells of a matrix. Out: bytes, to be appended. Text of guests and users goes through plain(),
code() or block() only: it can neither leave its cell nor become markup, a link or a mention.
"""
from __future__ import annotations

import html
import re
from itertools import islice
from typing import Iterator, Sequence

from ..judge.attempts import describe
from ..judge.reasons import seconds
from ..judge.rules import Judgement
from ..judge.stream import Stream
from ..judge.verdicts import passes
from ..lib.text import clean, one_line, printable
from .evidence import evidence
from .matrix import NOT_RUN, Cell, Row, count_text
from .words import ITEMS_SHOWN, describe_payload, describe_scheduler, describe_start, has_payload, has_scheduler

_CELLS_SHOWN = 20
_EVIDENCE_LINES = 200


def plain(text: str) -> str:
    """Text that Markdown shows as it is, in a cell too."""
    return re.sub(r"([\\`*_{}\[\]()#+!|~@-])", r"\\\1", html.escape(clean(one_line(text)), quote=False))


def code(text: str) -> str:
    """The same, in the type of code: a backquote would end it, and a bar the cell."""
    text = clean(one_line(text)).strip()
    if re.fullmatch(r"[^`|\\<>&]+", text):
        return f"`{text}`"
    escaped = re.sub(r"[\\`*_{}\[\]|~@]", lambda found: f"&#{ord(found.group())};", html.escape(text))
    return f"<code>{escaped}</code>"


def block(lines: Sequence[str]) -> list[str]:
    """Lines as they are, folded away. An empty line would end a block of most tags, but not that of <pre>."""
    escaped = "\n".join(html.escape(clean(line)).replace("@", "&#64;") for line in lines)
    return ["", "<details><summary>dump, log and console</summary>", "", f"<pre>{escaped}</pre>", "", "</details>"]


def part(lines: Sequence[str]) -> bytes:
    """With an empty line before and after it, since it is appended to what may end anywhere."""
    return ("\n" + "\n".join(lines) + "\n\n").encode("utf-8", "replace")


def run_markdown(judgement: Judgement) -> bytes:
    facts, verdict = judgement.facts, judgement.verdict
    asked = facts.host.asked
    lines = [f"### ktrun: {verdict.word} (code {verdict.code})", ""]
    lines += [plain(verdict.reason), ""] if verdict.reason else []
    lines += [f"- attempt {number}: {plain(text)}"
              for number, text in enumerate(describe(facts.host.attempts), 1) if number <= ITEMS_SHOWN]
    if has_scheduler(facts):
        named = " ".join(filter(None, [asked.scheduler, asked.scheduler_args]))
        lines.append("- scheduler " + (f"{code(named)}: " if named else "") + plain(describe_scheduler(facts.stream)))
    if has_payload(facts):
        lines.append("- payload " + (f"{code(asked.command)}: " if asked.command else "")
                     + plain(describe_payload(facts.stream)))
    stream = facts.stream
    if stream.tests_count:
        lines.append(f"- tests: {stream.tests_passed} passed, {stream.tests_failed} failed, "
                     f"{stream.tests_skipped} skipped")
        lines += [f"  - {line}" for line in _failed_tests(stream)]
    lines += [f"- kernel {code(facts.kernel_release or 'unknown')}, {facts.host.accel}{describe_start(facts.host)}, "
              f"{seconds(facts.ending.wall_ms)} s", f"- artifacts {code(facts.directory.path)}"]
    if not passes(verdict.word):
        shown = [printable(line) for line in evidence(judgement)][:_EVIDENCE_LINES]
        lines += block(shown) if shown else []
    return part(lines)


def _failed_tests(stream: Stream) -> Iterator[str]:
    failed = (test for test in stream.tests if test.status == "failed")
    for test in islice(failed, ITEMS_SHOWN):
        yield plain(": ".join(word or "" for word in (test.file, test.name, test.message)))
    if stream.tests_failed > ITEMS_SHOWN:
        yield f"{stream.tests_failed - ITEMS_SHOWN} more"


def matrix_markdown(rows: Sequence[Row], cells: Sequence[Cell], directory: str) -> bytes:
    lines = [f"### ktrun: {count_text(cells)}", "",
             "| Passed | Scheduler | Payload | Topology | Kernel | Mean time | Otherwise |",
             "|---|---|---|---|---|---|---|",
             *map(_matrix_row, rows), ""]
    others = [cell for cell in cells if cell.verdict != "pass"]
    lines += [f"- {plain(cell.name)} {code(cell.scheduler)} {code(cell.payload)}: **{_verdict(cell)}** "
              f"{plain(cell.reason)}"
              for cell in others[:_CELLS_SHOWN]]
    if len(others) > _CELLS_SHOWN:
        lines.append(f"- {len(others) - _CELLS_SHOWN} more")
    return part([*lines, f"- artifacts {code(directory)}"])


def _verdict(cell: Cell) -> str:
    return "not run" if cell.verdict == NOT_RUN else cell.verdict


def _matrix_row(row: Row) -> str:
    passed = f"{row.passed}/{row.count}"
    texts = [passed if row.passed == row.count else f"**{passed}**", code(row.scheduler), code(row.payload),
             code(row.topology), code(row.kernel), f"{row.mean_ms / 1000:.2f} s", plain(row.others)]
    return f"| {' | '.join(texts)} |"

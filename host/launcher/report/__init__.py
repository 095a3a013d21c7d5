# SPDX-License-Identifier: GPL-2.0-only
"""What a person or a program reads of a run: summary, JSON, JUnit, TAP, page.

In:  a Judgement and the run directory. Out: text. Each format goes to the file of the user's choice, whole or not at
all. The payload's stdout is ktrun's own; with a report on it, stdout is the report's, and the payload's is kept as the
artifact only.

summary      for a terminal                        junit, tap, markdown  for CI
page         one HTML file                         evidence     what shows why a run ended so
cases        the tests of a run                    excerpts     of a log or a dump
timeline     when what happened, drawn             lanes        what each CPU ran, drawn
figures      metrics as a table                    tasks        what tasks did at the time limit
words        what several formats say alike        history      a figure over many runs
matrix       the table of many runs                compare, compare_page  two sides
"""
from __future__ import annotations

import os
from typing import Callable

from ..judge.rules import Judgement
from ..lib.rundir import replaced
from ..lib.text import Fault, write_stdout
from ..options.options import Options


def report_makers(options: Options, judgement: Judgement, result: bytes) -> dict[str, Callable[[], None]]:
    """What writes each report that was asked for. RESULT: the content of result.json."""
    if not any(options.reports.values()):
        return {}  # what makes them takes 15 ms to load
    from .junit import junit
    from .markdown import run_markdown
    from .page import page
    from .tap import tap
    makers: dict[str, Callable[[], bytes]] = {
        "--json": lambda: result,
        "--junit": lambda: junit(judgement).encode("utf-8", "replace"),
        "--tap": lambda: tap(judgement).encode("utf-8", "replace"),
        "--summary": lambda: run_markdown(judgement),
        "--report": lambda: page(judgement).encode("utf-8", "replace"),
    }

    def maker(option: str, path: str) -> Callable[[], None]:
        return lambda: write_report(option, path, makers[option]())

    return {option: maker(option, path) for option, path in options.reports.items() if path}


def make_all(reports: dict[str, Callable[[], None]]) -> None:
    """Each of them, whatever becomes of the others. Raises Fault for those that could not be written."""
    failed = failures_of(reports)
    if failed:
        raise Fault("; ".join(failed))


def failures_of(reports: dict[str, Callable[[], None]]) -> list[str]:
    """The same; returns what to say of those that could not be written."""
    failed: list[str] = []
    for name, make in reports.items():
        try:
            make()
        except Fault as fault:
            failed.append(str(fault))
        except OSError as error:
            failed.append(f"unable to write {name}: {error.strerror}")
    return failed


def write_report(option: str, path: str, data: bytes) -> None:
    """A regular file is replaced at once; anything else (a terminal, a pipe, a link) is written. A summary for CI is
    appended to what other steps have written."""
    try:
        if path == "-":
            write_stdout(data)
        elif option == "--summary":
            with open(path, "ab", buffering=0) as file:
                file.write(data)
        elif os.path.islink(path) or (os.path.exists(path) and not _can_be_replaced(path)):
            with open(path, "wb") as file:
                file.write(data)
        else:
            with replaced(path) as file:
                file.write(data)
    except OSError as error:
        place = "stdout" if path == "-" else path
        raise Fault(f"{option}: unable to write {place}: {error.strerror}") from error


def _can_be_replaced(path: str) -> bool:
    return os.path.isfile(path) and os.access(os.path.dirname(path) or "/", os.W_OK)

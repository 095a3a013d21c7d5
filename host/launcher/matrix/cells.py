# SPDX-License-Identifier: GPL-2.0-only
"""What the runs of a matrix and of a comparison have in common: a directory of their own, and a script for each run.

In:  the words of ktrun's command line; the bytes that say whose directory it is. Out: a locked directory, the text of
NNNNN.sh. Raises Fault for a directory that belongs to something else.
"""
from __future__ import annotations

import os
import re
from typing import Optional, Sequence

from ..lib.paths import Paths
from ..lib.rundir import RunDirectory, create
from ..lib.text import Fault, shell_word
from ..options.options import Options

_NAMES = re.compile(r"(cells|runs)\.tsv|joblog|unfinished|compare\.json|[0-9]{5,}(\.sh|\.err)?")


def claim_directory(path: str, owner: str, wanted: bytes, what: str) -> RunDirectory:
    """The directory belongs to one WHAT, which the bytes of its file OWNER name."""
    file = f"{path}/{owner}"
    try:
        os.makedirs(path, exist_ok=True)
        if not os.path.lexists(file):
            _check_names(path, owner, what)
            with create(file) as target:
                target.write(wanted)
        with open(file, "rb") as source:
            if source.read(len(wanted) + 1) != wanted:
                raise Fault(f"{path} is the directory of another {what}: give a new one with -o")
    except OSError as error:
        raise Fault(f"output is not writable: {path}") from error
    return RunDirectory(path, f"a {what}, or a cell that a killed one has left behind, is still at work in")


def _check_names(path: str, owner: str, what: str) -> None:
    """Without the file OWNER no WHAT has made them."""
    for entry in os.scandir(path):
        if _NAMES.fullmatch(entry.name):
            raise Fault(f"no {what} has made this ({owner} is not there), so it stays: {entry.path}")


def command_of(words: Sequence[str], directory: str, name: str, paths: Paths) -> str:
    """One line for a shell."""
    return " ".join(map(shell_word, [paths.program, "-o", f"{directory}/{name}", *words]))


def _script(words: Sequence[str], directory: str, name: str, accel: str, paths: Paths, start_in: str) -> bytes:
    command = command_of(words, directory, name, paths)
    errors = shell_word(f"{directory}/{name}.err")
    library_path = os.environ.get("LD_LIBRARY_PATH", "")  # for the libraries of -i and -s, not for what starts the cell
    exports = f"LD_LIBRARY_PATH={shell_word(library_path)}\nexport LD_LIBRARY_PATH\n" if library_path else ""
    change = f"cd {shell_word(start_in)} || exit 205\n" if start_in else ""
    return os.fsencode(f"#!/bin/sh\n{change}KTRUN_ACCEL={accel}\nKTRUN_OPTS=\nexport KTRUN_ACCEL KTRUN_OPTS\n{exports}"
                       f"exec {command} </dev/null >/dev/null 2>{errors}\n")


def not_for_many(cell: Options) -> Optional[str]:
    """The option of a cell for which each would fail, or all would write to one place."""
    report = next((option for option, path in cell.reports.items() if path), None)
    options = (("--shell", cell.shell), ("--test", cell.tests), ("--kselftest", cell.kselftest),
               ("--replay", cell.replay), ("--matrix", cell.matrix), ("--compare", cell.compare),
               ("--history-of", cell.history_of), ("--warm-list", cell.warm_list), ("--warm-clear", cell.warm_clear),
               ("-n", cell.dry_run), ("-o", cell.output), ("--gdb", cell.gdb), ("--history", cell.history),
               ("--bisect", cell.bisect), (report or "", report))
    return next((option for option, is_there in options if is_there), None)


def write_cell(words: Sequence[str], directory: str, name: str, accel: str, paths: Paths, start_in: str = "") -> None:
    """A cell is an ordinary run, and can be run again alone: sh NNNNN.sh. START_IN: where relative paths begin."""
    with open(f"{directory}/{name}.sh", "wb") as script:
        script.write(_script(words, directory, name, accel, paths, start_in))

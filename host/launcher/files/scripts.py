# SPDX-License-Identifier: GPL-2.0-only
"""The interpreter that a script names in its first line, and the one that env starts for it.

Source: fs/binfmt_script.c of the kernel (one argument at most, 256 bytes), env(1) of coreutils (-S, -i, -u,
NAME=VALUE).
"""
from __future__ import annotations

import os
import re
import shlex
import shutil
from dataclasses import dataclass
from typing import Optional

from ..lib.jobs import Jobs
from ..lib.text import Fault

_LINE_MAX = 256
_ENV_WITH_VALUE = {"-u", "--unset", "-C", "--chdir"}
_SPLIT = re.compile(r"-[iv0]*S|--split-string(?=[= ]|$)")
_SHIM = re.compile(rb"""^exec "?([^" \n]+)"? exec """, re.MULTILINE)  # pyenv, rbenv, nodenv, asdf


@dataclass(frozen=True)
class Line:
    """The #! line: #!INTERPRETER ARGUMENT"""
    interpreter: str
    argument: str


@dataclass(frozen=True)
class Started:
    """What env starts, and whether it takes GNU's env to understand that."""
    name: str
    splits: bool
    search: Optional[str]  # the PATH that it gets from the line itself


def read_line(path: str) -> Optional[Line]:
    """None: it is no script. Raises Fault for a line that the kernel does not understand."""
    with open(path, "rb") as file:
        head = file.read(_LINE_MAX)
    if head[:2] != b"#!":
        return None
    line, newline, _ = head[2:].partition(b"\n")
    if not newline and len(head) == _LINE_MAX:
        raise Fault(f"the #! line is longer than {_LINE_MAX - 1} bytes: {path}")
    if line.endswith(b"\r"):
        raise Fault("the #! line ends with CR LF, so the interpreter's name does with a CR (dos2unix helps): " + path)
    words = line.strip(b" \t").split(None, 1)
    if not words:
        raise Fault(f"the #! line names no interpreter: {path}")
    return Line(os.fsdecode(words[0]), os.fsdecode(words[1].strip(b" \t")) if len(words) > 1 else "")


def started_by_env(argument: str, path: str) -> Optional[Started]:
    """What "env ARGUMENT" starts, where ARGUMENT is one word for the kernel. None: nothing that can be told."""
    words, splits, search = [argument], False, None
    while words:
        word = words.pop(0)
        split = _SPLIT.match(word)
        if split:
            splits = True
            text = word[split.end():].lstrip("= ") or (words.pop(0) if words else "")
            words = _split(text, path) + words
        elif word in _ENV_WITH_VALUE:
            words = words[1:]
        elif word.startswith("PATH="):
            search = word[len("PATH="):]
        elif not word.startswith("-") and "=" not in word:
            if " " in word and not splits:
                raise Fault(f"env would look for a program of the name '{word}': #!/usr/bin/env -S takes several "
                            f"words: {path}")
            return Started(word, splits, search)
    return None


def _split(text: str, path: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise Fault(f"the words after env -S: {error}: {path}") from error


def find_program(name: str, jobs: Jobs, search: Optional[str] = None) -> Optional[str]:
    """The program that NAME is in PATH, or in SEARCH. What a version manager has there (pyenv) stands for another
    one."""
    found = shutil.which(name, path=search)
    if not found or not os.path.isfile(found):
        return None
    return real_program(os.path.abspath(found), jobs)


def real_program(path: str, jobs: Jobs) -> str:
    """PATH itself, or what it starts if it is a version manager's shim."""
    if os.path.basename(os.path.dirname(path)) != "shims" or not os.access(path, os.R_OK):
        return path
    with open(path, "rb") as file:
        manager = _SHIM.search(file.read(4096))
    if not manager:
        return path
    found = jobs.tool([os.fsdecode(manager.group(1)), "which", os.path.basename(path)])
    program = os.fsdecode(found.output.strip())
    if found.status != 0 or not os.path.isfile(program):
        raise Fault(f"{path}: {found.first_error or 'unable to find the program that it starts'}")
    return program

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Find what is wrong in the documents of a source tree.

documents.py tables|links|files|citations|words|modules TOP
  tables     a row with another number of cells than its table's head, a row outside a table, text glued to a table
  links      a relative link, or the heading that it names, that does not exist
  files      a file of the source tree that a document names, and that does not exist
  citations  a document that a source file names, and that does not exist
  words      a row of docs/use/tasks.md in which ktrun's command has more words than a neighbour's
  modules    a module or a directory of host/launcher/ that the first lines of the __init__.py beside it do not list
Prints FILE:LINE: WHAT for each. Exit: 0 when there is none; 1.
"""
import glob
import os
import re
import shlex
import sys
from typing import Callable, Iterator

Finding = tuple[str, int, str]  # file, line, what

PLACES = "applets|bench|docs|examples|host|patches|rootfs|scripts|test|\\.ci"
CITED = re.compile(r"\bdocs/[\w/-]+\.(?:md|json|png)\b|\bdesign\.md\b")
SOURCE_NAME = re.compile(r"[a-z][\w-]*\.(?:c|h|sh|py|awk)")


def source_files(top: str) -> Iterator[str]:
    """Paths below TOP, but for what is built or belongs to git."""
    for directory, names, files in os.walk(top):
        if directory == top:
            names[:] = [name for name in names if name not in ("build", ".git")]
        names[:] = [name for name in names if name != "__pycache__"]
        for name in files:
            yield os.path.relpath(os.path.join(directory, name), top)


def documents(top: str) -> list[str]:
    return sorted(path for path in source_files(top) if path.endswith(".md"))


def lines_of(top: str, path: str) -> list[str]:
    with open(os.path.join(top, path), encoding="utf-8") as file:
        return file.read().splitlines()


def prose(top: str, path: str) -> Iterator[tuple[int, str]]:
    """(number, line) of each line outside of code blocks."""
    is_code = False
    for number, line in enumerate(lines_of(top, path), 1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code:
            yield number, line


def cells(row: str) -> int:
    return len(re.findall(r"(?<!\\)\|", row)) - 1


def is_separator(row: str) -> bool:
    return re.fullmatch(r"\|(?: *:?-+:? *\|)+", row) is not None


def check_table(rows: list[tuple[int, str]], after: str) -> Iterator[tuple[int, str]]:
    """ROWS: (number, line), of which each begins with a bar; AFTER: the line that follows."""
    first, head = rows[0]
    if len(rows) < 3 or not is_separator(rows[1][1]):
        yield first, "row outside a table: " + head
        return
    for number, row in rows:
        if not row.endswith("|"):
            yield number, "row without its last bar: " + row
        elif cells(row) != cells(head):
            yield number, "%d cells, not %d: %s" % (cells(row), cells(head), row)
    if after.strip():
        yield rows[-1][0] + 1, "text glued to a table: " + after


def tables(top: str) -> Iterator[Finding]:
    for path in documents(top):
        rows: list[tuple[int, str]] = []
        for number, line in [*prose(top, path), (0, "")]:
            if line.startswith("|") and (not rows or number == rows[-1][0] + 1):
                rows.append((number, line))
                continue
            for where, what in check_table(rows, line) if rows else ():
                yield path, where, what
            rows = [(number, line)] if line.startswith("|") else []


def anchors(top: str, path: str) -> Iterator[str]:
    for _, line in prose(top, path):
        if line.startswith("#"):
            title = re.sub(r"[^\w -]", "", line.lstrip("#").strip().lower())
            yield title.replace(" ", "-")


def links(top: str) -> Iterator[Finding]:
    for path in documents(top):
        for number, line in prose(top, path):
            for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line)):
                if re.match(r"[a-z]+:", target):
                    continue
                name, _, anchor = target.partition("#")
                found = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
                if not os.path.exists(os.path.join(top, found)):
                    yield path, number, "no such file: " + target
                elif anchor and anchor not in anchors(top, found):
                    yield path, number, "no such heading: " + target


def alternatives(pattern: str) -> list[str]:
    """a/{b,c}.sh: a/b.sh, a/c.sh"""
    braces = re.search(r"\{([^{}]*)\}", pattern)
    if not braces:
        return [pattern]
    return [path for part in braces.group(1).split(",")
            for path in alternatives(pattern[:braces.start()] + part + pattern[braces.end():])]


def files(top: str) -> Iterator[Finding]:
    names = {os.path.basename(path) for path in source_files(top)}
    for path in documents(top):
        for number, line in prose(top, path):
            for word in re.sub(r"\]\([^)]*\)", " ", line).replace("`", " ").split():
                word = word.lstrip("([\"")
                if re.match("(?:%s)/" % PLACES, word):
                    for each in alternatives(word.rstrip(".,;:)\"")):
                        if not glob.glob(os.path.join(glob.escape(top), each)):
                            yield path, number, "no such file: " + each
                elif SOURCE_NAME.fullmatch(word) and word not in names:
                    yield path, number, "no file of this name: " + word


def citations(top: str) -> Iterator[Finding]:
    for path in sorted(source_files(top)):
        if path.endswith((".md", ".png")) or os.path.islink(os.path.join(top, path)):
            continue
        with open(os.path.join(top, path), encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                for cited in CITED.findall(line):
                    if not os.path.exists(os.path.join(top, cited)):
                        yield path, number, "no such document: " + cited


def words(top: str) -> Iterator[Finding]:
    """The first command of each cell is counted; a cell without one has no command for the task."""
    path = "docs/use/tasks.md"
    for number, line in prose(top, path) if os.path.exists(os.path.join(top, path)) else ():
        row = [re.search(r"`([^`]+)`", cell) for cell in line.split("|")[2:-1]] if line.startswith("| ") else []
        counts = [len(shlex.split(found.group(1))) for found in row if found]
        if row and row[0] and counts[0] > min(counts):
            yield path, number, "ktrun needs %d words, and %d are enough" % (counts[0], min(counts))


def modules(top: str) -> Iterator[Finding]:
    """A name begins a line or a column, or follows another one; that of a directory ends with a slash."""
    for directory, names, files in os.walk(os.path.join(top, "host/launcher")):
        names[:] = sorted(name for name in names if name != "__pycache__")
        path = os.path.relpath(os.path.join(directory, "__init__.py"), top)
        text = "\n".join(lines_of(top, path)).split('"""')[1]
        listed = set(re.findall(r"(?:^|  |, )([a-z_]+/?)(?=[ ,])", text, re.MULTILINE))
        modules_here = [name[:-3] for name in sorted(files) if name.endswith(".py") and name != "__init__.py"]
        for name in modules_here + [name + "/" for name in names]:
            if name not in listed:
                yield path, 2, "not listed: " + name


CHECKS: dict[str, Callable[[str], Iterator[Finding]]] = {
    "tables": tables, "links": links, "files": files, "citations": citations, "words": words,
    "modules": modules}


def main() -> None:
    if len(sys.argv) != 3 or sys.argv[1] not in CHECKS:
        sys.exit(__doc__)
    found = ["%s:%d: %s" % item for item in CHECKS[sys.argv[1]](sys.argv[2])]
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

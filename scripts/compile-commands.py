#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""compile-commands.py KT OUT: writes how each applet is compiled, in the form that clangd and clang-tidy read.

In:   KT, the directory of the kt objects in BusyBox's tree, where its build keeps the command of each object in
      .NAME.o.cmd; applets/, where the file that was compiled there has its original.
Out:  OUT, a JSON compilation database: the real commands, but with the originals' paths.
Exit: 0; 1 with a message when there is nothing to read.
"""
from __future__ import annotations

import json
import os
import re
import shlex
import sys


def originals(directory: str) -> dict[str, str]:
    """The path of each C file, by its name: kt/ in BusyBox's tree is flat."""
    return {name: os.path.abspath(os.path.join(place, name))
            for place, _, names in os.walk(directory) for name in names if name.endswith(".c")}


def command_in(path: str) -> list[str]:
    with open(path, encoding="utf-8") as file:
        found = re.match(r"cmd_\S+ := (.*)", file.readline())
    return shlex.split(found.group(1)) if found else []


def entry(command: list[str], directory: str, source: str, includes: list[str]) -> dict[str, object]:
    arguments = [command[0], *includes, *command[1:-1], source]
    return {"directory": directory, "file": source, "arguments": [word for word in arguments if "-Wp,-MD" not in word]}


def main(kt: str, out: str) -> None:
    sources = originals("applets")
    includes = ["-I" + place for place in sorted({os.path.dirname(path) for path in sources.values()})]
    entries = []
    for name in sorted(os.listdir(kt)):
        if name.startswith(".") and name.endswith(".o.cmd"):
            command = command_in(os.path.join(kt, name))
            source = sources.get(os.path.basename(command[-1])) if command else None
            if source:
                entries.append(entry(command, os.path.abspath(os.path.dirname(kt)), source, includes))
    if not entries:
        sys.exit("compile-commands: no commands in %s (make busybox)" % kt)
    with open(out + ".new", "w", encoding="utf-8") as file:
        json.dump(entries, file, indent=1)
        file.write("\n")
    os.replace(out + ".new", out)
    print("%s: %d files" % (out, len(entries)))


if __name__ == "__main__":
    main(*sys.argv[1:])

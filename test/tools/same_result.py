#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""same_result.py DIR DIR: prints what two runs of the same command say differently, one line per difference.

In:  two run directories, one of a cold run and one of a warm run. Times, the sizes of the stream and of dumps, and what
     names the run itself are left out, and so is how the guest was started. The payload's output is compared byte by
     byte, the scheduler's log without its numbers; the names of all files must be the same.
Exit: 0 nothing differs; 1 something does.
"""
import json
import os
import re
import sys
from typing import Any, Dict, Iterator, List

OWN = ("wall_ms", "start", "snapshot_age_secs", "elapsed_ms", "bytes", "bytes_sent", "frames", "kernel_log_bytes",
       "sched_log_bytes")
CONTENT = ("stdout", "stderr", "sched.log", "get.list")


def facts_of(directory: str) -> Dict[str, Any]:
    with open(directory + "/result.json", encoding="utf-8") as file:
        facts: Dict[str, Any] = {key: value for key, value in json.load(file).items() if key not in OWN}
    for key in ("started", "rerun"):
        facts["run"].pop(key)
    facts["marks"] = sorted(mark["what"] for mark in facts["marks"])
    for dump in facts["dumps"]:
        for key in ("bytes", "lines"):
            dump.pop(key)  # what ran at that moment
    for test in facts["tests"]:
        test.pop("ms")
    return {key: without_times(value) for key, value in facts.items()}


def without_times(value: Any) -> Any:
    """Texts have times in them: [   15.821580] WARNING; after 2.51 s; ms=2518; failed to check in for 2.008s."""
    if isinstance(value, str):
        return re.sub(r"\[ *[0-9]+\.[0-9]{6}\]|[0-9]+\.[0-9]+ ?s\b|\bms=[0-9]+", "TIME", value)
    if isinstance(value, list):
        return [without_times(item) for item in value]
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items()}
    return value


def files_of(directory: str) -> List[str]:
    return sorted(os.path.relpath(os.path.join(path, name), directory)
                  for path, _, names in os.walk(directory) for name in names)


def content_of(path: str) -> str:
    """Of a scheduler's log only what comes before a dump, without numbers: a verifier's has times and addresses."""
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        text = file.read()
    if not path.endswith("sched.log"):
        return text
    return re.sub("[0-9a-f]*[0-9][0-9a-f]*", "N", text.partition("DEBUG DUMP")[0])


def differences(one: str, other: str) -> Iterator[str]:
    left, right = facts_of(one), facts_of(other)
    for key in sorted(set(left) | set(right)):
        if left.get(key) != right.get(key):
            yield "%s: %.300s, and %.300s" % (key, left.get(key), right.get(key))
    if files_of(one) != files_of(other):
        yield "files: %s" % " ".join(sorted(set(files_of(one)) ^ set(files_of(other))))
    for name in CONTENT:
        if content_of(one + "/" + name) != content_of(other + "/" + name):
            yield "the content of " + name


def main(one: str, other: str) -> int:
    found = list(differences(one, other))
    print("".join(line + "\n" for line in found), end="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Print what a CI system would run, as a script for sh.

ci_steps.py action FILE [INPUT=VALUE...]    the steps of a composite action for GitHub, in order
ci_steps.py gitlab FILE JOB [NAME=VALUE...] the commands of a job for GitLab
VALUEs replace defaults of inputs and variables; github.action_path, runner.arch are given as INPUTs of these names. Of
a step that uses another action, the line "# uses ACTION KEY PATH" is printed. An expression without a value, an input
that is required and not given, or a step of another form is an error.
Exit: 0; 1 for such an error.
"""
from __future__ import annotations

import re
import shlex
import sys
from typing import Any, Iterator

import yaml  # type: ignore


class Wrong(Exception):
    """The text says what."""


def expanded(text: str, values: dict[str, str]) -> str:
    """GitHub's ${{ NAME }}."""
    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in values:
            raise Wrong(f"no value for {name}")
        return values[name]
    return re.sub(r"\$\{\{\s*([A-Za-z_.-]+)\s*\}\}", value, text)


def action_values(action: dict[str, Any], given: dict[str, str]) -> dict[str, str]:
    values = dict(given)
    for name, described in action["inputs"].items():
        chosen = given.get(name, described.get("default"))
        if chosen is None:
            raise Wrong(f"the input {name} is required")
        values[f"inputs.{name}"] = str(chosen)
    return values


def action_steps(action: dict[str, Any], given: dict[str, str]) -> Iterator[str]:
    values = action_values(action, given)
    if action["runs"]["using"] != "composite":
        raise Wrong("no composite action")
    for step in action["runs"]["steps"]:
        if "uses" in step:
            options = step.get("with", {})
            yield f"# uses {step['uses']} {expanded(options['key'], values)} {expanded(options['path'], values)}"
            continue
        if step["shell"] not in ("sh", "bash") or not set(step) <= {"name", "shell", "run", "working-directory"}:
            raise Wrong(f"a step of another form: {step}")
        directory = expanded(step.get("working-directory", "."), values)
        yield f"(cd {shlex.quote(directory)} && {step['shell']} -e <<'END-OF-STEP'"
        yield from (expanded(step["run"], values), "END-OF-STEP", ")")


def gitlab_steps(jobs: dict[str, Any], name: str, given: dict[str, str]) -> Iterator[str]:
    job = jobs[name]
    for variable, value in {**job.get("variables", {}), **given}.items():
        yield f"export {variable}={shlex.quote(str(value))}"
    yield from (*job.get("before_script", []), *job["script"])


def main() -> None:
    if len(sys.argv) < 3 or sys.argv[1] not in ("action", "gitlab"):
        sys.exit(__doc__)
    with open(sys.argv[2], encoding="utf-8") as file:
        content = yaml.safe_load(file)
    words = sys.argv[3:]
    given = dict(word.split("=", 1) for word in words if "=" in word)
    try:
        steps = (action_steps(content, given) if sys.argv[1] == "action"
                 else gitlab_steps(content, words[0], given))
        print("set -e", *steps, sep="\n")
    except (Wrong, KeyError) as error:
        sys.exit(f"ci_steps.py: {sys.argv[2]}: {error}")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-2.0-only
"""What a scheduler of the scx project says of itself: its answer to a request for statistics, as numbers.

In:  a line of JSON, {"errno":0,"args":{"resp":{...}}}, as rust/scx_stats of that project has it; the guest may have
     sent anything. Out: numbers by name, nested names with dots between them.
"""
from __future__ import annotations

import json
import re
from typing import Any, Iterator, Optional

NUMBERS_MAX = 500
_NAME_MAX, _DEPTH_MAX = 90, 20
_VALUE_MAX = 1e300
_STRANGE = re.compile(r"[^A-Za-z0-9_.-]+", re.ASCII)


def parse_answer(text: str) -> dict[str, float]:
    """Empty for an answer without numbers, or an error. What is no number (text, a flag) is left out."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    response = _member(_member(answer, "args"), "resp")
    found: dict[str, float] = {}
    for name, number in _numbers(response, "", _DEPTH_MAX):
        if len(found) == NUMBERS_MAX:
            break
        found[name] = number
    return found


def _member(value: Any, name: str) -> Optional[Any]:
    return value.get(name) if isinstance(value, dict) else None


def _numbers(value: Any, name: str, depth: int) -> Iterator[tuple[str, float]]:
    if isinstance(value, list):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for key, part in value.items() if depth else ():
            yield from _numbers(part, f"{name}.{key}" if name else str(key), depth - 1)
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and name and abs(value) <= _VALUE_MAX:
        yield _STRANGE.sub("_", name[:_NAME_MAX]), value

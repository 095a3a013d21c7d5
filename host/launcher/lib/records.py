# SPDX-License-Identifier: GPL-2.0-only
"""JSON objects as dataclasses, with their types checked.

A run directory may come from anywhere: what is read back has exactly the fields that ktrun writes, each of its type.
"""
from __future__ import annotations

import dataclasses
import functools
import json
import os
import stat
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from .text import BIDI, LINE_ENDS, REPLACED, read_at_most

Record = TypeVar("Record")
# What a terminal or a reader of text would act on (json escapes the others), and what is no UTF-8: U+FFFD for each
# byte, as ktrecv writes it.
_ESCAPES = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), *BIDI, *LINE_ENDS)}
_ESCAPES.update({code: REPLACED for code in range(0xD800, 0xE000)})


class BadRecord(Exception):
    """Not what ktrun writes; the text says where."""


def read_json(path: str, most: int) -> Any:
    """At most MOST bytes of JSON. Raises BadRecord."""
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise BadRecord("no regular file")
            data = read_at_most(file, most + 1)
        if len(data) > most:
            raise BadRecord(f"more than {most} bytes")
        return json.loads(data.decode("utf-8"), object_pairs_hook=_object)
    except (OSError, ValueError, RecursionError) as error:
        raise BadRecord(str(error)) from error


def _open_at_once(path: str, flags: int) -> int:
    """A FIFO would wait for its writer."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two values for a key, one reader would take the first and another the last."""
    keys = dict(pairs)
    if len(keys) != len(pairs):
        raise BadRecord("a key that is there twice")
    return keys


def from_json(kind: type[Record], value: Any, is_exact: bool = True) -> Record:
    """VALUE as KIND. EXACT: a field that KIND does not have is an error, and one that an older ktrun did not write yet
    has its default. Else it is the other way round."""
    if not isinstance(value, dict):
        raise BadRecord(f"no object for {kind.__name__}")
    hints = _hints_of(kind)  # type: ignore[arg-type]
    if is_exact and set(value) - set(hints):
        raise BadRecord(f"unknown key {sorted(set(value) - set(hints))[0]!r:.100}")
    fields: dict[str, Any] = {}
    for name, hint in hints.items():
        if name not in value and is_exact:
            continue
        if name not in value:
            raise BadRecord(f"no key {name!r}")
        fields[name] = _value(name, hint, value[name], is_exact)
    try:
        return kind(**fields)
    except TypeError as error:  # a field without a default
        raise BadRecord(f"{kind.__name__}: {error}") from error


@functools.lru_cache(maxsize=None)
def _hints_of(kind: type[Any]) -> dict[str, Any]:
    """A stream has ten thousand tests, and each would take as long as reading a page of them."""
    return get_type_hints(kind)


def _value(name: str, hint: Any, value: Any, is_exact: bool) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Union:
        return None if value is None else _value(name, arguments[0], value, is_exact)
    if origin is tuple:
        if not isinstance(value, list):
            raise BadRecord(f"{name}: no list")
        return tuple(_value(name, arguments[0], item, is_exact) for item in value)
    if dataclasses.is_dataclass(hint):
        return from_json(hint, value, is_exact)
    if type(value) is not hint:
        raise BadRecord(f"{name}: not of type {hint.__name__}: {value!r:.100}")
    return value


def to_json(record: Any) -> bytes:
    """One key per line, so that a line-based tool reads it too; no text can break a line."""
    return lines_of(dataclasses.asdict(record))


def lines_of(values: dict[str, Any]) -> bytes:
    lines = [f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}"
             for key, value in values.items()]
    return ("{\n" + ",\n".join(lines).translate(_ESCAPES) + "\n}\n").encode("utf-8")

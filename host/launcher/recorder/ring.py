# SPDX-License-Identifier: GPL-2.0-only
"""The raw pages of a kernel's trace ring (per_cpu/cpuN/trace_pipe_raw): when each event was, and where its bytes lie.

The kernel's own text of an event has names in it that a program chooses; in the pages a length says where each ends
(docs/architecture.md, rule 12). In: a page of one CPU, from a guest, so of any content. Out: events, in the order of
their writing. Raises BadPage where the page goes wrong; the events before that were right. Pure.

A page: u64 time, u64 commit (the size of the data, and flags), data. An event: u32, of which the low 5 bits are the
type and the others the time since the event before, then its bytes. The kernel's include/linux/ring_buffer.h has the
types.
"""
from __future__ import annotations

import struct
from typing import Iterator

_HEADER = struct.Struct("<QQ")
HEADER_SIZE = _HEADER.size
_WORD = struct.Struct("<I")
_COUNT = struct.Struct("<Q")
_SIZE_MASK = (1 << 27) - 1  # of commit
_MISSED_EVENTS, _MISSED_STORED = 1 << 31, 1 << 30
_LONG_EVENT, _PADDING, _TIME_EXTEND, _TIME_STAMP = 0, 29, 30, 31
_TIME_HIGH = 0xF8 << 56  # what an absolute time stamp leaves out


class BadPage(Exception):
    """The text says what is wrong."""


def start_ns(page: bytes) -> int:
    """Of the first event of a page."""
    if len(page) < _HEADER.size:
        raise BadPage("a page without a header")
    time: int = _HEADER.unpack_from(page)[0]
    return time


def lost_events(page: bytes) -> int:
    """How many were overwritten right before this page, as far as the page says it; at least 1 if any were."""
    if len(page) < _HEADER.size:
        return 0
    _, commit = _HEADER.unpack_from(page)
    if not commit & _MISSED_EVENTS:
        return 0
    at = _HEADER.size + (commit & _SIZE_MASK)
    if commit & _MISSED_STORED and at + _COUNT.size <= len(page):
        count: int = _COUNT.unpack_from(page, at)[0]
        return max(1, count)
    return 1


def events_of_page(page: bytes) -> Iterator[tuple[int, int, int]]:
    """Time in nanoseconds, start and end of each event's bytes."""
    page_ns = time = start_ns(page)
    at, end = _HEADER.size, _HEADER.size + (_HEADER.unpack_from(page)[1] & _SIZE_MASK)
    if end > len(page):
        raise BadPage(f"{end} bytes in a page of {len(page)}")
    while at < end:
        word = _word(page, at, end)
        kind, delta = word & 31, word >> 5
        if kind == _PADDING and not delta:
            return
        if _LONG_EVENT < kind < _PADDING:
            begin, after = at + 4, at + 4 + 4 * kind
        else:
            extra = _word(page, at + 4, end)
            begin, after = at + 8, at + 8
            if kind == _TIME_EXTEND:
                delta += extra << 27
            elif kind == _TIME_STAMP:
                delta, time = delta + (extra << 27), page_ns & _TIME_HIGH
            else:  # a long event, or one that was discarded: its length counts from the word with the length on
                after = at + 4 + extra
        if after > end or after < begin:
            raise BadPage(f"an event at {at} that ends at {after}, in {end} bytes")
        time += delta
        if kind < _PADDING:
            yield time, begin, after
        at = (after + 3) & ~3


def _word(page: bytes, at: int, end: int) -> int:
    if at + 4 > end:
        raise BadPage(f"an event at {at} without its length, in {end} bytes")
    word: int = _WORD.unpack_from(page, at)[0]
    return word

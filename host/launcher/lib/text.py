# SPDX-License-Identifier: GPL-2.0-only
"""Untrusted text: the one place where bytes of a guest or a user become something that may be shown.

In:  bytes and strings of any origin (strings carry undecodable bytes as surrogate escapes).
Out: text that can neither drive a terminal nor leave its place in a line, XML or HTML.
"""
from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import IO, Iterator, Optional

LINE_MAX = 1000  # bytes: a guest need not send a newline ever
_BLOCK = 262144
REPLACED = "\ufffd"

# What turns the direction of a text around, and what ends a line for a reader that is not a terminal.
BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
LINE_ENDS = (0x2028, 0x2029)
_SURROGATES = range(0xD800, 0xE000)
_NO_CHARACTERS = [plane + last for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF)]
_CLEAN = {code: REPLACED for code in (*range(128, 160), *BIDI, *LINE_ENDS, *_SURROGATES, *_NO_CHARACTERS)}
_CLEAN.update({code: chr(0x2400 + code) for code in range(32) if code != 9})
_CLEAN[127] = "\u2421"
# U+DC80 and up stand for bytes that are no UTF-8: those below 0xa0 are C1 controls to a terminal that knows no UTF-8.
# Other surrogates have no bytes.
_TERMINAL = {code: "?" for code in (*range(32), *range(127, 160), *BIDI, *LINE_ENDS, *range(0xD800, 0xDCA0),
                                    *range(0xDD00, 0xE000))}
_PRINTABLE = bytes(b if b == 10 or 32 <= b < 127 else 63 for b in range(256))


class Fault(Exception):
    """Bad input, or a host that cannot do its part: one clear line, exit code 205."""


class Unbuilt(Fault):
    """A kernel, a scheduler or another file of what is tested is missing, or is not what it should be. A bisect goes on
    without this commit; for all others it is bad input like any other."""


def note(text: str) -> None:
    """Print one line on stderr. Names may be in any language, but cannot drive the terminal."""
    write_stderr(without_controls("ktrun: " + text) + b"\n")


def write_stderr(data: bytes) -> None:
    """A closed stderr must neither end the run nor skip the clean-up."""
    with contextlib.suppress(OSError):
        write_all(2, data)


def print_error(data: bytes) -> None:
    """On stderr, for people. Raises OSError where it is lost: a full disk, a broken device."""
    try:
        write_all(2, data)
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.EBADF):
            raise


def write_stdout(data: bytes) -> None:
    """Raises OSError. Nothing goes through sys.stdout, whose buffer would fail only when Python ends."""
    write_all(1, data)


def print_text(data: bytes) -> None:
    """For people: one who reads only the begin (head, a pager) is no error."""
    with contextlib.suppress(BrokenPipeError):
        write_stdout(data)


def write_all(descriptor: int, data: bytes) -> None:
    """Raises OSError."""
    while data:
        data = data[os.write(descriptor, data):]


def without_controls(text: str) -> bytes:
    """What comes from the user, as bytes for a terminal: each control character becomes "?", C1 controls and what turns
    the direction of text around as well."""
    return os.fsencode(text.translate(_TERMINAL))


def printable(text: str) -> str:
    """What comes from a guest, for a terminal: ASCII and newlines stay, each other byte becomes "?"."""
    return printable_bytes(text.encode("utf-8", "replace"))


def printable_bytes(data: bytes) -> str:
    return data.translate(_PRINTABLE).decode("ascii")


def duration(secs: float) -> str:
    """For people, in the largest unit of which there are two."""
    for unit, size in (("days", 86400), ("hours", 3600), ("min", 60)):
        if secs >= 2 * size:
            return f"{int(secs / size)} {unit}"
    return f"{max(0, int(secs))} s"


def one_line(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ")


def last_line(path: str) -> str:
    """Of a program's log: warnings come before the error. At most LINE_MAX bytes; empty where it said nothing."""
    with open(path, "rb") as file:
        file.seek(max(0, os.stat(path).st_size - LINE_MAX))
        return decoded(file.read(LINE_MAX).rstrip().rpartition(b"\n")[2])


def in_parentheses(text: str) -> str:
    """After other text; nothing for an empty one."""
    return f" ({text})" if text else ""


def decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def clean(text: str) -> str:
    """Text for XML, HTML and TAP: control characters as their pictures, what may not be shown as U+FFFD.

    A tab stays. A newline is a control character: the text of a line has none.
    """
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_CLEAN)


def xml(text: str) -> str:
    """Clean text for an element or for an attribute in double quotes, of XML or HTML."""
    import html
    return html.escape(clean(text), quote=False).replace('"', "&quot;")


def shell_word(text: str) -> str:
    """TEXT as one single-quoted word of a shell, byte for byte."""
    return "'" + text.replace("'", "'\\''") + "'"


def read_at_most(file: IO[bytes], most: int) -> bytes:
    """read() takes memory for all that it is asked for, however small a file is."""
    status = os.fstat(file.fileno())
    return file.read(min(most, status.st_size + 1) if stat.S_ISREG(status.st_mode) else most)


def short_lines(path: str, start: int = 0, end: Optional[int] = None) -> Iterator[bytes]:
    """The lines of a file, without their ends; a line of more than LINE_MAX bytes comes in pieces."""
    for block in blocks_of_lines(path, start, end):
        yield from block.split(b"\n")


def blocks_of_lines(path: str, start: int = 0, end: Optional[int] = None) -> Iterator[bytes]:
    """The same lines, many in one piece of bytes: a guest may print 10^8 lines, and Python takes a microsecond for
    each.

    The last line of a block has no end.
    """
    left = (os.stat(path).st_size if end is None else end) - start
    rest = b""
    with open(path, "rb") as file:
        file.seek(start)
        while left > 0:
            data = file.read(min(_BLOCK, left))
            left = left - len(data) if data else 0
            whole, newline, rest = (rest + data).rpartition(b"\n")
            if newline:
                yield _cut_long(whole)
            if len(rest) > LINE_MAX:
                cut = (len(rest) - 1) // LINE_MAX * LINE_MAX
                yield _cut_long(rest[:cut])
                rest = rest[cut:]
    if rest:
        yield rest


def _cut_long(lines: bytes) -> bytes:
    """With an end after each LINE_MAX bytes of a line. Each step goes to the last end within reach, so there are
    few."""
    pieces: list[bytes] = []
    at = 0
    while len(lines) - at > LINE_MAX:
        end = lines.rfind(b"\n", at, at + LINE_MAX + 1)
        pieces.append(lines[at:end] if end >= 0 else lines[at:at + LINE_MAX])
        at = end + 1 if end >= 0 else at + LINE_MAX
    return b"\n".join([*pieces, lines[at:]])


def ends_of(path: str, head: int, tail: int) -> list[str]:
    """The lines of at most HEAD bytes of a file's begin and TAIL of its end; between them what was left out."""
    size = os.path.getsize(path) if os.path.exists(path) else 0
    with open(path if size else os.devnull, "rb") as file:
        if size <= head + tail:
            return _lines_of(file.read(head + tail))
        begin = _lines_of(file.read(head))
        file.seek(size - tail)
        return [*begin, f"[... {size - head - tail} of {size} bytes left out ...]", *_lines_of(file.read(tail))]


def _lines_of(data: bytes) -> list[str]:
    lines = decoded(data.replace(b"\0", b"\xff").replace(b"\r", b"")).split("\n")
    return lines if lines[-1] else lines[:-1]

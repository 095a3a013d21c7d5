# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's machine protocol (QMP), as much of it as saving and resuming a guest needs.

In:  a connected socket; a deadline for everything that is asked through it. Out: replies, the end of a migration.
Ends: each wait ends at the deadline, when QEMU closes its side, or for a signal (Interrupted). QmpError says why.
"""
from __future__ import annotations

import collections
import json
import socket
import time
from typing import Any

from .jobs import Jobs

_MESSAGE_MAX = 1024 * 1024
_BLOCK = 65536


class QmpError(Exception):
    """QEMU refused, did not answer in time, or is gone. The text says which."""


class Qmp:
    def __init__(self, connection: socket.socket, jobs: Jobs, secs: float) -> None:
        self._connection, self._jobs = connection, jobs
        self._deadline = time.monotonic() + secs
        self._received = b""
        self._events: collections.deque[dict[str, Any]] = collections.deque()  # that came before a reply

    def begin(self) -> None:
        """The greeting. Then migrations report how they go, and leave out memory that is a shared file."""
        self._message()
        self.execute("qmp_capabilities")
        capabilities = [{"capability": name, "state": True} for name in ("events", "x-ignore-shared")]
        self.execute("migrate-set-capabilities", capabilities=capabilities)

    def execute(self, command: str, **arguments: Any) -> Any:
        try:
            self._connection.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        except OSError as error:
            raise QmpError(f"QEMU takes no commands: {error.strerror}") from error
        while True:
            message = self._message()
            if "return" in message:
                return message["return"]
            if "error" in message:
                raise QmpError(f"{command}: {message['error'].get('desc', 'an error')}")
            self._events.append(message)

    def migrate(self, command: str, uri: str) -> None:
        """Until the migration (migrate, or migrate-incoming) has completed."""
        self.execute(command, uri=uri)
        while True:
            message = self._events.popleft() if self._events else self._message()
            status = message["data"]["status"] if message.get("event") == "MIGRATION" else None
            if status == "completed":
                return
            if status in ("failed", "cancelled"):
                raise QmpError(f"{command}: {status}")

    def _message(self) -> dict[str, Any]:
        while b"\n" not in self._received:
            if len(self._received) > _MESSAGE_MAX:
                raise QmpError("a message without an end")
            if not self._jobs.wait_readable(self._connection, self._deadline - time.monotonic()):
                raise QmpError("QEMU did not answer in time")
            try:
                data = self._connection.recv(_BLOCK)
            except OSError as error:
                raise QmpError(f"unable to read from QEMU: {error.strerror}") from error
            if not data:
                raise QmpError("QEMU has ended")
            self._received += data
        line, _, self._received = self._received.partition(b"\n")
        try:
            message = json.loads(line)
        except ValueError as error:
            raise QmpError(f"not a message of QEMU's: {error}") from error
        if not isinstance(message, dict):
            raise QmpError("not a message of QEMU's")
        return message

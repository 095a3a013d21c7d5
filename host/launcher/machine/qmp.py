# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's machine protocol (QMP), as much of it as saving, resuming and dumping a guest needs.

In:  a connected socket; a deadline for what is asked through it. Out: replies, events, the end of a migration.
Ends: each wait ends at the deadline, when QEMU closes its side, or for a signal (Interrupted). QmpError says why.
"""
from __future__ import annotations

import collections
import json
import socket
import time
from typing import Any, Sequence

from ..lib.jobs import Jobs

_MESSAGE_MAX = 1024 * 1024
_BLOCK = 65536


class QmpError(Exception):
    """QEMU refused, did not answer in time, or is gone. The text says which."""


class Qmp:
    def __init__(self, connection: socket.socket, jobs: Jobs, secs: float) -> None:
        self._connection, self._jobs = connection, jobs
        self._deadline = time.monotonic() + secs
        self._received = b""
        self._events: collections.deque[dict[str, Any]] = collections.deque()
        self._replies: collections.deque[dict[str, Any]] = collections.deque()

    @property
    def source(self) -> socket.socket:
        """It can be read when events have come, or QEMU is gone."""
        return self._connection

    def begin(self) -> None:
        """The greeting."""
        self._message()
        self.execute("qmp_capabilities")

    def prepare_migrations(self) -> None:
        """Migrations report how they go, and leave out memory that is a shared file."""
        capabilities = [{"capability": name, "state": True} for name in ("events", "x-ignore-shared")]
        self.execute("migrate-set-capabilities", capabilities=capabilities)

    def kept(self) -> "Qmp":
        """The same on a descriptor of its own, for when this one is closed."""
        other = Qmp(self._connection.dup(), self._jobs, 0)
        other._received, other._events, other._replies = self._received, self._events, self._replies
        return other

    def close(self) -> None:
        self._connection.close()

    def allow(self, secs: float) -> None:
        """What is asked from now on has so many seconds."""
        self._deadline = time.monotonic() + secs

    def receive(self) -> None:
        """What has come, for a source that can be read."""
        self._receive()
        self._keep_received()

    def take_events(self) -> list[str]:
        """The names of those that were received, also together with a reply: no more may come to wake a caller that
        waits for the source."""
        self._keep_received()
        names = [str(event["event"]) for event in self._events]
        self._events.clear()
        return names

    def cpu_threads(self) -> list[int]:
        """The threads that run the guest's CPUs: one for each, or one for all (TCG)."""
        self.begin()
        found = self.execute("query-cpus-fast")
        try:
            return sorted({int(cpu["thread-id"]) for cpu in found})
        except (KeyError, TypeError, ValueError) as error:
            raise QmpError("query-cpus-fast names no threads") from error

    def execute(self, command: str, **arguments: Any) -> Any:
        self.send(command, arguments)
        return self.reply(command)

    def send(self, command: str, arguments: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
        """Without waiting for the reply. QEMU gets copies of the descriptors."""
        data = json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n"
        try:
            if descriptors:
                socket.send_fds(self._connection, [data], descriptors)
            else:
                self._connection.sendall(data)
        except OSError as error:
            raise QmpError(f"QEMU takes no commands: {error.strerror}") from error

    def reply(self, command: str) -> Any:
        while not self._replies:
            self._keep(self._message())
        self.raise_error(command)
        return self._replies.popleft()["return"]

    def raise_error(self, command: str) -> None:
        """If a reply has been received that is one."""
        if self._replies and "error" in self._replies[0]:
            error = self._replies.popleft()["error"]
            raise QmpError(f"{command}: {error.get('desc', 'an error')}")

    def _keep_received(self) -> None:
        while b"\n" in self._received:
            self._keep(self._message())

    def _keep(self, message: dict[str, Any]) -> None:
        if "return" in message or "error" in message:
            self._replies.append(message)
        elif "event" in message:
            self._events.append(message)

    def migrate(self, command: str, uri: str) -> None:
        """Until the migration (migrate, or migrate-incoming) has completed."""
        self.execute(command, uri=uri)
        while True:
            if not self._events:
                self._keep(self._message())
                continue
            message = self._events.popleft()
            status = message["data"]["status"] if message["event"] == "MIGRATION" else None
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
            self._receive()
        line, _, self._received = self._received.partition(b"\n")
        try:
            message = json.loads(line)
        except ValueError as error:
            raise QmpError(f"not a message of QEMU's: {error}") from error
        if not isinstance(message, dict):
            raise QmpError("not a message of QEMU's")
        return message

    def _receive(self) -> None:
        try:
            data = self._connection.recv(_BLOCK)
        except OSError as error:
            raise QmpError(f"unable to read from QEMU: {error.strerror}") from error
        if not data:
            raise QmpError("QEMU has ended")
        self._received += data

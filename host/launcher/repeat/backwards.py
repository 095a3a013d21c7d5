# SPDX-License-Identifier: GPL-2.0-only
"""--repeat --gdb: a debugger at a recorded guest, which it can also step and continue backwards.

In:  how a QEMU that replays the log is started; a debugger, which connects to a port of this machine. Out: to the
     debugger, what that QEMU answers. Ends: when the debugger detaches, kills the guest or leaves.

QEMU itself goes backwards by loading a snapshot. A guest with a virtio-serial port stands still after that: QEMU 7.2
has a timer of the guest's clock that is overdue then, and waits for it, while the log wants an instruction first
(hw/char/virtio-serial-bus.c, timer_mod(s->post_load->timer, 1)). So this module lies between the two, and goes back by
a new QEMU that runs from the start to the instruction before. That takes a whole replay, but no state of QEMU's.

The protocol is the debugger's own: "$TEXT#SUM", which the other side acknowledges by "+" (gdb's manual, "Remote
Protocol"). "bs" and "bc" step and continue backwards.
"""
from __future__ import annotations

import re
import signal
import socket
import time
from typing import Callable, Iterator, Optional, Protocol, Sequence

from ..lib.jobs import Job, Jobs
from ..lib.text import Fault
from ..machine.qmp import Qmp, QmpError

_BLOCK = 65536
_PACKET = re.compile(rb"\$([^#]*)#..", re.DOTALL)
_PACKET_MAX = 1 << 20
_ANSWER_SECS = 60
_INTERRUPT = b"\3"
_BEGIN_OF_HISTORY = b"T05replaylog:begin;"
Start = Callable[[Sequence[str], Sequence[int]], Job]  # of QEMU, with these arguments and descriptors


class DebuggerLeft(Exception):
    """It detached, ended, or has killed the guest."""


class Stopped(Exception):
    """The debugger has stopped the guest (Ctrl-C) on its way to where it was to go."""


class Lost(Exception):
    """QEMU did not do what it should, or is gone. The text says what."""


class Packets:
    """The protocol with one side. Each method raises GONE when that side has closed."""

    def __init__(self, connection: socket.socket, gone: Exception) -> None:
        self.source = connection
        self._gone = gone
        self._received = b""

    def send(self, text: bytes) -> None:
        self._send(b"$%s#%02x" % (text, sum(text) % 256))

    def interrupt(self) -> None:
        self._send(_INTERRUPT)

    def receive(self) -> list[bytes]:
        """The packets that are whole now, acknowledged, and _INTERRUPT."""
        try:
            data = self.source.recv(_BLOCK)
        except OSError as error:
            raise self._gone from error
        if not data or len(self._received) > _PACKET_MAX:
            raise self._gone
        self._received += data
        return list(self._take())

    def _send(self, data: bytes) -> None:
        try:
            self.source.sendall(data)
        except OSError as error:
            raise self._gone from error

    def _take(self) -> Iterator[bytes]:
        while True:
            self._received = self._received.lstrip(b"+-")
            if self._received.startswith(_INTERRUPT):
                self._received = self._received[1:]
                yield _INTERRUPT
                continue
            found = _PACKET.match(self._received)
            if not found:
                return
            self._received = self._received[found.end():]
            self._send(b"+")
            yield found.group(1)


class Replay:
    """One QEMU that replays the log; at first it stands before the first instruction."""

    def __init__(self, start: Start, jobs: Jobs) -> None:
        self._jobs = jobs
        stub, far_stub = socket.socketpair()
        monitor, far_monitor = socket.socketpair()
        with far_stub, far_monitor:
            self.job = start(["-chardev", f"socket,id=gdb,fd={far_stub.fileno()}", "-gdb", "chardev:gdb", "-S",
                              "-chardev", f"socket,id=qmp,fd={far_monitor.fileno()}",
                              "-mon", "chardev=qmp,mode=control",
                              "-action", "shutdown=pause"], [far_stub.fileno(), far_monitor.fileno()])
        self.stub = Packets(stub, Lost("QEMU has ended"))
        self._qmp = Qmp(monitor, jobs, _ANSWER_SECS)
        self._qmp.begin()

    def close(self) -> None:
        self.job.send(signal.SIGKILL)
        self.job.reap()
        self.stub.source.close()
        self._qmp.close()

    def ask(self, text: bytes, answers: tuple[bytes, ...] = ()) -> bytes:
        """The stub's next packet, or the next that begins as one of ANSWERS."""
        self.stub.send(text)
        return self._answer(text, answers)

    def _answer(self, text: bytes, answers: tuple[bytes, ...]) -> bytes:
        deadline = time.monotonic() + _ANSWER_SECS
        while self._jobs.wait_readable(self.stub.source, deadline - time.monotonic()):
            for packet in self.stub.receive():
                if not answers or packet.startswith(answers):
                    return packet
        raise Lost(f"QEMU does not answer the debugger's {text[:20].decode('ascii', 'replace')}")

    @property
    def position(self) -> int:
        """Instructions since the start."""
        self._qmp.allow(_ANSWER_SECS)
        return int(self._qmp.execute("query-replay")["icount"])

    @property
    def is_at_breakpoint(self) -> bool:
        self._qmp.allow(_ANSWER_SECS)
        return str(self._qmp.execute("query-status")["status"]) == "debug"

    def stop_at(self, position: int) -> None:
        self._qmp.allow(_ANSWER_SECS)
        self._qmp.execute("replay-break", icount=position)

    def go(self, secs: float, gdb: Optional[Packets] = None) -> None:
        """Until the guest stops, or has come to its end. Raises Stopped, when the guest stands, and DebuggerLeft."""
        deadline, is_asked_to_stop = time.monotonic() + secs, False
        sources = [self._qmp.source, *([gdb.source] if gdb else [])]
        self._qmp.allow(secs)
        self._qmp.take_events()
        self._qmp.execute("cont")
        while not {"STOP", "SHUTDOWN"} & set(self._qmp.take_events()):
            ready = self._jobs.wait_any((), sources, max(0.0, deadline - time.monotonic()))
            if ready is None:
                raise Lost(f"the guest did not stop in {secs:.0f} s")
            if ready is self._qmp.source:
                self._qmp.receive()
            elif gdb and _INTERRUPT in gdb.receive():  # gdb sends nothing else before it has its answer
                self.stub.interrupt()
                is_asked_to_stop = True
        self.settle()
        if is_asked_to_stop:
            raise Stopped

    def settle(self) -> None:
        """What the stub says by itself when the guest stops is not for the debugger."""
        self.ask(b"qC", (b"QC",))


class Debugger:
    """Between a debugger and a QEMU, which is a new one after each way back."""

    def __init__(self, start: Start, secs: float, jobs: Jobs) -> None:
        self._start, self._secs, self._jobs = start, secs, jobs
        self._replay = Replay(start, jobs)
        self._breakpoints: list[bytes] = []  # as they were asked for
        self._greeting = b""
        self._threads: dict[bytes, bytes] = {}  # the newest choice for each kind of operation
        self._gdb: Optional[Packets] = None

    def close(self) -> None:
        self._replay.close()

    def go_to_end(self) -> int:
        """Returns how many instructions the log has."""
        self._replay.go(self._secs)
        return self._replay.position

    def serve(self, connection: socket.socket) -> None:
        """Raises DebuggerLeft, Lost."""
        gdb = self._gdb = Packets(connection, DebuggerLeft())
        while True:
            ready = self._jobs.wait_any((), (gdb.source, self._replay.stub.source), None)
            side = gdb if ready is gdb.source else self._replay.stub
            for packet in side.receive():
                if side is gdb:
                    self._on_request(packet, gdb)
                else:
                    gdb.send(_with_reverse(packet))

    def _on_request(self, packet: bytes, gdb: Packets) -> None:
        if packet == _INTERRUPT:
            self._replay.stub.interrupt()
        elif packet in (b"bs", b"bc"):
            try:
                gdb.send(self._step_back() if packet == b"bs" else self._continue_back())
            except Stopped:
                gdb.send(self._arrive())
        elif packet[:1] in (b"D", b"k") or packet.startswith(b"vKill"):
            gdb.send(b"OK")
            raise DebuggerLeft
        else:
            self._remember(packet)
            self._replay.stub.send(packet)

    def _remember(self, packet: bytes) -> None:
        """What another QEMU has to be told, too."""
        if packet.startswith(b"qSupported"):
            self._greeting = packet
        elif packet[:1] == b"H":
            self._threads[packet[1:2]] = packet
        elif packet[:1] == b"Z" and packet not in self._breakpoints:
            self._breakpoints.append(packet)
        elif packet[:1] == b"z" and b"Z" + packet[1:] in self._breakpoints:
            self._breakpoints.remove(b"Z" + packet[1:])

    def _restart(self) -> None:
        self._replay.close()
        self._replay = Replay(self._start, self._jobs)
        for packet in [self._greeting, *self._threads.values()]:
            if packet:
                self._replay.ask(packet)

    def _go_to(self, position: int) -> bytes:
        """A new QEMU at POSITION, with the breakpoints. Returns why it has stopped, for the debugger."""
        self._restart()
        if position:
            self._replay.stop_at(position)
            self._replay.go(self._secs, self._gdb)
        return self._arrive()

    def _arrive(self) -> bytes:
        """Why the guest stands, for the debugger."""
        # QEMU takes this for a new debugger, and removes all breakpoints
        why = self._replay.ask(b"?", (b"T", b"S"))
        for packet in self._breakpoints:
            self._replay.ask(packet)
        return why

    def _step_back(self) -> bytes:
        position = self._replay.position
        return self._go_to(position - 1) if position else _BEGIN_OF_HISTORY

    def _continue_back(self) -> bytes:
        """To the last breakpoint before here, else to the start."""
        here = self._replay.position
        found = self._last_breakpoint_before(here) if here > 1 and self._breakpoints else None
        if found is None:
            self._go_to(0)
            return _BEGIN_OF_HISTORY
        return self._go_to(found)

    def _last_breakpoint_before(self, position: int) -> Optional[int]:
        self._go_to(0)
        found: Optional[int] = None
        while True:
            self._replay.stop_at(position - 1)
            self._replay.go(self._secs, self._gdb)
            if not self._replay.is_at_breakpoint:
                return found
            found = self._replay.position
            if found >= position - 1:
                return found
            self._step_over()

    def _step_over(self) -> None:
        """The instruction with the breakpoint, at which the guest would stop again."""
        for packet in self._breakpoints:
            self._replay.ask(b"z" + packet[1:])
        self._replay.ask(b"s", (b"T", b"S"))
        for packet in self._breakpoints:
            self._replay.ask(packet)


def _with_reverse(packet: bytes) -> bytes:
    """The answer to qSupported says what the debugger may ask for."""
    if not packet.startswith(b"PacketSize=") or b"ReverseStep+" in packet:
        return packet
    return packet + b";ReverseStep+;ReverseContinue+"


def debug(start: Start, port: int, waits: bool, secs: float, announce: Callable[[str], None], jobs: Jobs) -> None:
    """WAITS: the guest has not begun when the debugger comes; else it is at its end. SECS: for a replay. Raises
    Lost."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(1)
        except OSError as error:
            raise Fault(f"--gdb: port {port}: {error.strerror}") from error
        try:
            debugger = Debugger(start, secs, jobs)
            try:
                announce("before its first instruction" if waits
                         else f"at its end, after {debugger.go_to_end()} instructions")
                jobs.wait_any((), (listener,), None)
                connection, _ = listener.accept()
                with connection:
                    debugger.serve(connection)
            finally:
                debugger.close()
        except DebuggerLeft:
            return
        except QmpError as why:
            raise Lost(str(why)) from why

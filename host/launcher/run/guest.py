# SPDX-License-Identifier: GPL-2.0-only
"""One run of the guest: QEMU, the reader of its frames, and how both end.

In:  Preparation, a locked run directory. Out: the artifacts; Ending, and how the guest was started.
Ends: whatever happens, QEMU is gone and what arrived is decoded when run_guest returns.
"""
from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, replace
from typing import IO, Callable, Optional, Sequence

from ..judge.stream import NAME, decode_for_files, has_read, read_stream, reader_command, share_of, unwritten
from ..kernel.directory import find_vmlinux
from ..lib.jobs import CannotGoOn, Interrupted, Job, Jobs
from ..lib.records import BadRecord
from ..lib.rundir import CONSOLE, QEMU_LOG, STREAM, VMCORE, RunDirectory, create, replaced
from ..lib.text import note, write_stderr
from ..machine.arguments import ReplayLog, Served, shown_command
from ..machine.qmp import Qmp, QmpError
from ..plan import Plan, gdb_command
from ..repeat.replay_log import find_problem, keep_machine
from ..shares.virtiofsd import Servers
from .console_viewer import ConsoleViewer
from .file_limits import bound_of_files, full_file, limit_files
from .host import Ending
from .host_load import HostLoad, measure_load, read_ticks
from .pin import CpuLocks, Pin, pin_threads
from .start import COLD, UNKNOWN, Preparation, Start, start_guest
from .terminal import Terminal, make_ports
from .vmcore import Limits, Memory, NoVmcore, write_vmcore

END_SECS = 15  # from the exit frame to QEMU's own end: the guest still drains a slow console
SERVER_SECS = 2  # from the end of a daemon of virtiofs to that of QEMU, whose end it may have seen
STOP_SECS = 10  # from the request for dump and shutdown to the kill
READER_SECS = 5  # the reader of a run that was cut short may be stuck on a closed terminal or a full pipe
_ANSWER_SECS = 30  # QEMU's, about its threads, on a busy machine
_SHOWN_SIZE = 16 * 1024 * 1024  # of an archive; a smaller one is there at once
# Wake bytes (docs/internals/wire.md). A guest with ktbox.ack=1 waits for ACK; no other minds it.
ACK = b"\xae"
REPORT_AND_STOP = b"\xd1\xb7\xb8\xd3"  # a dump of the scheduler, all tasks, blocked tasks, an orderly end


@dataclass(frozen=True)
class Silence:
    """What was there at the limit, before anything was asked of the guest."""
    console_age_secs: Optional[int]
    frames_age_secs: Optional[int]
    hang_from: int


def run_guest(ready: Preparation, directory: RunDirectory, meanwhile: Callable[[], None],
              jobs: Jobs) -> tuple[Ending, Start]:
    """MEANWHILE: what the launcher may do while the guest boots."""
    started = time.monotonic()
    guest = _Guest(ready.plan, ready.work, directory, jobs)
    ending, start = Ending(), Start(UNKNOWN if ready.plan.options.warm else COLD)
    try:
        guest.open_ports()
        start = start_guest(ready, guest, jobs)
        guest.attach(start)
        meanwhile()
        silence = guest.wait_for_end()
        ending = replace(ending, qemu_killed=guest.qemu_lives)
        if silence:
            ending = replace(ending, timed_out=True, console_age_secs=silence.console_age_secs,
                             frames_age_secs=silence.frames_age_secs, hang_from=silence.hang_from)
        guest.drain()
    except Interrupted as signal_or_key:
        ending = replace(ending, interrupted=str(signal_or_key))
    except CannotGoOn as why:
        ending = replace(ending, error=str(why))
    except OSError as error:
        note(f"{error}")
        ending = replace(ending, error="ktrun itself could not go on")
    jobs.shield()
    reader_error = guest.stop()
    try:
        write_hang(directory, ending.hang_from)
    except OSError as error:
        ending = replace(ending, error=ending.error or f"unable to write hang.txt: {error.strerror}")
    status = guest.qemu_status
    ending = replace(ending, qemu_status=status, unwritten=guest.unwritten, load=guest.load, pin=guest.pin,
                     vmcore_problem=guest.vmcore_problem,
                     full=full_file(directory, ready.plan.options.streams_kib, status),
                     record_problem=find_problem(directory, ready.plan.options), reader_error=reader_error,
                     wall_ms=int((time.monotonic() - started) * 1000))
    return ending, start


class _Guest:
    """The processes of a run. open_ports, start_qemu, attach, wait_for_end, stop: in this order; stop also after one
    that failed."""

    def __init__(self, plan: Plan, work: str, directory: RunDirectory, jobs: Jobs) -> None:
        self._plan, self._work, self._directory, self._jobs = plan, work, directory, jobs
        self._qemu: Optional[Job] = None
        self._reader: Optional[Job] = None
        self._viewer: Optional[ConsoleViewer] = None
        self._terminal: Optional[Terminal] = None
        self._sender: Optional[Job] = None
        self._files: Optional[socket.socket] = None
        self._monitor: Optional[Qmp] = None
        self.vmcore_problem: Optional[str] = None
        self._is_stopped = False  # at its end, for a debugger
        self._servers = Servers()
        self._wake = -1
        self._deadline: Optional[float] = None
        self._ticks = read_ticks()
        self.load: Optional[HostLoad] = None
        self.pin: Optional[Pin] = None
        self._locks = CpuLocks()
        options = plan.options
        self._shows_progress = os.isatty(2) and not (options.quiet or options.verbose or options.is_interactive)

    @property
    def qemu_lives(self) -> bool:
        return self._qemu is not None and self._qemu.status is None

    @property
    def qemu_status(self) -> int:
        return self._qemu.reap() if self._qemu else 0

    @property
    def unwritten(self) -> Optional[str]:
        """Which output of ktrun's own could not be written."""
        return unwritten(self._reader.reap()) if self._reader else None

    def open_ports(self) -> None:
        os.mkfifo(f"{self._work}/hvc0.in")
        os.symlink("/dev/null", f"{self._work}/hvc0.out")
        self._wake = os.open(f"{self._work}/hvc0.in", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        make_ports(self._plan, self._work)
        if self._plan.options.verbose:
            self._viewer = ConsoleViewer(f"{self._work}/console.pipe", self._jobs)

    def serve(self) -> Optional[Served]:
        daemon = self._plan.directories.daemon
        if not daemon:
            return None
        self._servers.start(daemon, self._plan.directories.exports, self._work, self._jobs)
        descriptors = tuple(one.fileno() for one in self._servers.sockets)
        self._servers.make_ram(self._plan.options.topology, self._plan.options.memory_mib, self._work)
        return Served(f"{self._work}/ram", tuple(f"fd={number}" for number in descriptors), descriptors)

    def record(self, initramfs: str, words: str) -> Optional[ReplayLog]:
        if not self._plan.options.record_replay:
            return None
        return keep_machine(self._directory, self._plan, words, initramfs)

    def start_qemu(self, command: Sequence[str], keep: Sequence[int] = ()) -> Job:
        """The reader of the frames is there before: a QEMU that ends at once asks it to end, too."""
        self._start_reader()
        options = self._plan.options
        if options.limit_secs is not None:
            self._deadline = time.monotonic() + options.limit_secs
        if options.verbose:
            write_stderr(os.fsencode(shown_command(command)))
        if options.gdb and not options.stops_at_panic:
            note(f"{'waiting for a debugger' if options.gdb.when else 'a debugger may attach'}: {self._gdb_command()}")
        ours, far_end = socket.socketpair()
        monitor = ["-chardev", f"socket,id=pin,fd={far_end.fileno()}", "-mon", "chardev=pin,mode=control"]
        with ours, create(self._directory.file(QEMU_LOG)) as log:
            with far_end:
                self._qemu = self._jobs.start([*command, *(monitor if options.pin else [])], stdout=log,
                                              stderr=log, is_users=True,
                                              keep=[self._directory.lock_fd, far_end.fileno(), *keep, *_inherited()],
                                              prepare=lambda: limit_files(share_of(options.streams_kib)))
            if options.pin:
                self._pin(ours)
        self._servers.close_sockets()
        return self._qemu

    def _pin(self, monitor: socket.socket) -> None:
        """A QEMU that ends at once is not for this to report."""
        options = self._plan.options
        try:
            threads = Qmp(monitor, self._jobs, _ANSWER_SECS).cpu_threads()
        except QmpError as why:
            self.pin = Pin((), f"nothing is pinned: {why}")
            return
        self.pin = pin_threads(threads, options.topology.cpus, self._locks)
        if self.pin.warning and not options.quiet:
            note(f"--pin: figures of this run may be off: {self.pin.warning}")

    def _gdb_command(self) -> str:
        """As a person types it. What gdb can't read as a program has no symbols for it either."""
        kernel, gdb = self._plan.kernel, self._plan.options.gdb
        symbols = find_vmlinux(kernel) or kernel.symbols or (kernel.path if kernel.form == "elf" else "")
        return gdb_command(symbols, gdb.port if gdb else None)

    def abandon(self) -> None:
        for job in (self._qemu, self._reader):
            if job:
                job.send(signal.SIGKILL)
                job.reap()
        self._locks.release_all()
        self._qemu = self._reader = None
        self._directory.prepare(self._plan.options.gets_files)

    def adopt(self, directory: str, names: Sequence[str]) -> None:
        for name in names:
            with open(f"{directory}/{name}", "rb") as source, open(self._directory.file(name), "wb") as target:
                shutil.copyfileobj(source, target)
        if self._viewer:
            with open(f"{directory}/{CONSOLE}", "rb") as console:
                self._viewer.show(console.read())

    def attach(self, start: Start) -> None:
        """What gives to the guest, and takes from it."""
        self._monitor = start.monitor
        if start.files:
            self._send_files(start.files)
        self._terminal = Terminal(self._plan, self._work, self._jobs)

    def _send_files(self, port: socket.socket) -> None:
        """To a resumed guest, by a process of its own: the port may take them slowly, or never."""
        self._files = port
        with open(f"{self._work}/files.cpio", "rb") as files:
            self._sender = self._jobs.start(["cat"], stdin=files, stdout=port.fileno())
            size = os.fstat(files.fileno()).st_size
            if size >= _SHOWN_SIZE and self._shows_progress:
                self._show_sending(files, size, self._sender)

    def _show_sending(self, files: IO[bytes], size: int, sender: Job) -> None:
        """A line on the terminal, until all is sent or the limit is over. The sender moves the position of FILES. The
        reader, which has such a line too, waits meanwhile."""
        watched = [job for job in (self._qemu, sender) if job]
        self._signal_reader(signal.SIGSTOP)
        try:
            while not self._jobs.wait(*watched, secs=1):
                sent = os.lseek(files.fileno(), 0, os.SEEK_CUR)
                write_stderr(f"\r\033[Kktrun: files: {sent >> 20} of {size >> 20} MiB sent".encode())
                if self._deadline is not None and time.monotonic() >= self._deadline:
                    break
        finally:
            self._signal_reader(signal.SIGCONT)
            write_stderr(b"\r\033[K")
        if sender.status is not None:
            self._end_files()

    def _signal_reader(self, number: int) -> None:
        if self._reader:
            self._reader.send(number)

    def _end_files(self) -> None:
        """The guest reads to the end, and sees one that comes too early."""
        with contextlib.suppress(OSError):  # QEMU is gone
            if self._files:
                self._files.shutdown(socket.SHUT_WR)

    def _start_reader(self) -> None:
        options = self._plan.options
        command = reader_command(self._plan.paths.busybox, self._directory, options, options.plain, "-f",
                                 *(["--progress"] if self._shows_progress else []))
        stdout = subprocess.DEVNULL if options.report_on_stdout else None
        self._reader = self._jobs.start(command, stdout=stdout, keep=[self._directory.lock_fd],
                                        prepare=_hold_term)

    def wait_for_end(self) -> Optional[Silence]:
        """Until the run has ended, or the limit is over and the guest was asked to end."""
        left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        if self._wait(left):
            if self._plan.options.vmcore and not self._has_sent_all():
                self._keep_vmcore()
            return None
        if self._is_stopped:
            return None  # the limit ends only the debugger's time
        silence = self._measure_silence()
        self._keep_vmcore()
        self._send_wake(REPORT_AND_STOP)
        self._wait(STOP_SECS)
        return silence

    def _wait(self, secs: Optional[float]) -> bool:
        """Until QEMU has ended; False when SECS are over first.

        The reader ends at the exit frame; then the guest is told, and has END_SECS. It also ends when it cannot write
        to its stdout, and then the run goes on without it; but not when it ends for another reason.
        """
        deadline = None if secs is None else time.monotonic() + secs
        jobs = (self._qemu, self._reader, self._viewer and self._viewer.job, self._terminal and self._terminal.job,
                self._sender, *self._servers.jobs)
        watched = [job for job in jobs if job and job.status is None]
        has_exit_frame = False
        while self.qemu_lives:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ended = self._jobs.wait_any(watched, [self._monitor.source] if self._monitor else [], left)
            if ended is None:
                return has_exit_frame
            if isinstance(ended, socket.socket):
                self._on_monitor()
                continue
            watched.remove(ended)
            if self._terminal:
                self._terminal.check_end()
            if self._viewer and ended is self._viewer.job:
                self._viewer.replace()
            if ended is self._sender:
                self._end_files()
            if ended in self._servers.jobs and not has_exit_frame:
                self._check_server(ended)
            if ended is self._reader and has_read(ended.status or 0):
                self._measure_load()
                self._send_wake(ACK)
                has_exit_frame, deadline = True, time.monotonic() + END_SECS
            elif ended is self._reader:
                self._check_reader()
        return True

    def _on_monitor(self) -> None:
        """QEMU pauses a guest that has ended: it is dumped, unless it had sent all, and then QEMU ends."""
        assert self._monitor
        try:
            self._monitor.receive()
            if "SHUTDOWN" not in self._monitor.take_events():
                return
            if not self._has_sent_all():
                self._keep_vmcore()
                if self._plan.options.stops_at_panic:
                    note(f"the guest has stopped at its end: {self._gdb_command()}  (its command kill ends the run)")
                    self._is_stopped = True
                    return
            self._monitor.allow(END_SECS)
            self._monitor.execute("quit")
        except QmpError:  # QEMU has ended, or will be killed
            self._close_monitor()

    def _has_sent_all(self) -> bool:
        """Whether the reader finds the exit frame. QEMU writes nothing more."""
        if self._reader:
            self._reader.send(signal.SIGTERM)
            self._jobs.wait(self._reader)
        try:
            return read_stream(self._directory)[0].exit_code is not None
        except BadRecord:
            return False

    def _keep_vmcore(self) -> None:
        """Once."""
        options, path = self._plan.options, self._directory.file(VMCORE)
        if not options.vmcore or os.path.exists(path) or self.vmcore_problem:
            return
        limits = Limits(options.max_output.kib * 512, bound_of_files(share_of(options.streams_kib)))
        try:
            if not self._monitor:
                raise NoVmcore("QEMU has ended")
            write_vmcore(self._monitor, path, limits, Memory(self._plan.kernel.arch, options.memory_mib), self._work,
                         self._jobs)
        except NoVmcore as why:
            self.vmcore_problem = str(why)

    def _close_monitor(self) -> None:
        if self._monitor:
            self._monitor.close()
            self._monitor = None

    def _check_server(self, server: Job) -> None:
        """A daemon of virtiofs ends with QEMU. Raise CannotGoOn for one that ended before: the guest would wait for
        ever for its files."""
        if self._qemu and (not self._jobs.wait(self._qemu, secs=SERVER_SECS) or (self._qemu.status and server.status)):
            raise CannotGoOn(self._servers.describe_end(server))

    def _check_reader(self) -> None:
        """Raise CannotGoOn for a reader that was killed, or could not write to the run directory: what the payload
        printed from then on would reach nobody."""
        status = self._reader.status if self._reader else None
        if status is None or has_read(status):
            return
        if self._shows_progress:
            write_stderr(b"\r\x1b[K")  # the status line is the reader's
        self._directory.check_space()
        raise CannotGoOn(f"the helper that decodes the guest's frames (ktrecv) has ended, status {status}")

    def _measure_load(self) -> None:
        """While QEMU lives: it takes its counters with it, and only a guest with figures waits for that (ktbox.ack)."""
        if self._qemu and self.qemu_lives and self._plan.options.stats:
            self.load = measure_load(self._qemu.process.pid, self._ticks, self._plan.options.counts_instructions)

    def _send_wake(self, data: bytes) -> None:
        """A guest that takes nothing, or is gone, has its FIFO full at worst."""
        try:
            os.write(self._wake, data)
        except BlockingIOError:
            pass

    def _measure_silence(self) -> Silence:
        console = self._directory.file(CONSOLE)
        return Silence(_age_of(console), _age_of(self._directory.file(STREAM)), os.stat(console).st_size)

    def drain(self) -> None:
        """After the run: reader and viewer show the rest. They take as long as the one who takes ktrun's output, so a
        signal still interrupts."""
        self._stop_qemu()
        if self._reader:
            self._reader.send(signal.SIGTERM)
            self._jobs.wait(self._reader)
            self._check_reader()
        if self._viewer:
            self._viewer.wait()

    def _stop_qemu(self) -> None:
        """And what reads from it sees its end."""
        if self._qemu:
            if self._plan.options.record_replay:  # else it would not write its log to the end
                self._qemu.send(signal.SIGTERM)
                self._jobs.wait(self._qemu, secs=END_SECS)
            self._qemu.send(signal.SIGKILL)
            self._qemu.reap()
        if self._sender:
            self._sender.send(signal.SIGKILL)
            self._sender.reap()
        if self._files:
            self._files.close()
        self._close_monitor()
        self._servers.stop()
        if self._terminal:
            self._terminal.close()
        if self._viewer:
            self._viewer.close_pipe()

    def stop(self) -> Optional[str]:
        """No signal interrupts this: what drain() has left is cut short. Returns why the stream can't be decoded."""
        self._stop_qemu()
        self._locks.release_all()
        error = self._stop_reader()
        if self._viewer:
            self._viewer.stop()
        if self._wake >= 0:
            os.close(self._wake)
        return error

    def _stop_reader(self) -> Optional[str]:
        """On TERM the reader reads to the end of the file.

        A reader that died, or was never started, has left no stream.json: then the stream is decoded for the files
        only.
        """
        if self._reader:
            self._reader.send(signal.SIGTERM)
            if not self._jobs.wait(self._reader, secs=READER_SECS):
                self._reader.send(signal.SIGKILL)
            if has_read(self._reader.reap()) and os.path.exists(self._directory.file(NAME)):
                return None
        options = self._plan.options
        return decode_for_files(self._plan.paths.busybox, self._directory, options, options.plain, self._jobs)


def _hold_term() -> None:
    """A QEMU that ends at once asks the reader to end before it has its signalfd: blocked, the signal waits for
    that."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _inherited() -> list[int]:
    """The descriptors that ktrun was started with: an argument of --qemu-arg may name one (fd=7)."""
    found: list[int] = []
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        with contextlib.suppress(OSError):  # that of the listing is closed
            if descriptor > 2 and os.get_inheritable(descriptor):
                found.append(descriptor)
    return found


def _age_of(path: str) -> Optional[int]:
    status = os.stat(path)
    return max(0, int(time.time()) - int(status.st_mtime)) if status.st_size else None


def write_hang(directory: RunDirectory, hang_from: Optional[int]) -> None:
    """hang.txt: what the console got after the guest was asked what it does."""
    if hang_from is None:
        return
    with open(directory.file(CONSOLE), "rb") as console, replaced(directory.file("hang.txt")) as hang:
        console.seek(hang_from)
        shutil.copyfileobj(console, hang)

# SPDX-License-Identifier: GPL-2.0-only
"""--hosts: the cells of a matrix on other machines, which need ssh, QEMU and Python, and share no file system.

Each host has a keeper: an ssh that brings the kit (kit.py) and stays. The host cleans up when it ends, whatever the
reason. Through its connection the cells go (far_cell.py), which GNU parallel starts. In: Options; what is to run.
Out: the cells' results in the directory, as without hosts; notes about hosts that are left out.
Ends: no cell or no host is left; a signal. Then the hosts are clean, but for those that can't be reached.
"""
from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sys
import time
from dataclasses import dataclass
from typing import Callable, Iterator, Mapping, Optional, Sequence

from ..lib.jobs import Interrupted, Job, Jobs, python_words
from ..lib.paths import Paths
from ..lib.rundir import RunDirectory
from ..lib.text import Fault, decoded, note, one_line, shell_word
from ..options.options import Options
from . import far_boot
from .far_cell import SETUP, STRIKES
from .file import Host
from .kit import write_kit

_ANSWER_SECS = 600  # for a host that gets the kit over a slow line, and tries KVM
_ANSWER_MAX = 65536
_CLEAN_SECS = 45  # for a host that ends its cells
_SOCKET_MAX = 80  # of a path: ssh adds to it, and Linux takes 107 bytes
_STOP_MS = 30000  # for a cell that is asked to end, to bring what there is
_SLACK = 64 * 1024 * 1024  # of a result beyond --max-output
_PYTHON = "exec python3 -ISu -c 'import sys; exec(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())))'"


@dataclass
class Keeper:
    host: Host
    job: Job
    hold: int  # its end is the end of the keeper's stdin
    answer: socket.socket
    messages: str  # a file
    command: tuple[str, ...]  # for a cell
    top: str = ""  # the kit, on the host
    slots: int = 0


class HostFailed(Exception):
    """The text says how."""


def check_for_hosts(cell: Options) -> None:
    """Raise Fault for what only this machine has."""
    if cell.shares:
        raise Fault("--hosts: a directory of --ro or --rw is on this machine only: bring it with -i")
    if cell.host_root:
        raise Fault("--hosts: the root of --host-root is on this machine only: bring what the payload needs with -i")
    if cell.record:
        raise Fault("--hosts: the file of --record is on this machine only")


def run_on_hosts(directory: RunDirectory, recipes: Mapping[str, str], different: Mapping[str, Options],
                 hosts: Sequence[Host], is_unfinished: Callable[[str], bool], show: Optional[Callable[[], None]],
                 work: str, paths: Paths, jobs: Jobs, quiet: bool) -> None:
    """RECIPES: of each cell that is to run. DIFFERENT: the cells' options, by recipe. SHOW is called each second."""
    remove_half_results(directory.path)
    kit = f"{work}/kit"
    symbols = write_kit(kit, different, paths, work, jobs)
    if not quiet:
        where = "1 host, which" if len(hosts) == 1 else f"{len(hosts)} hosts; each"
        note(f"matrix: {len(recipes)} cells to run on {where} gets {os.stat(kit).st_size >> 20} MiB; "
             f"directory {directory.path}")
    most = max(options.max_output.kib for options in different.values()) * 1024 + _SLACK
    with _keepers(hosts, kit, work, jobs) as keepers:
        alive = _answered(keepers, jobs)
        if not alive:
            raise Fault("--hosts: no host can run the matrix")
        setup = {"directory": directory.path, "recipes": recipes, "symbols": symbols, "most": most,
                 "translate": python_words(f"{paths.top}/host", "outcome", "translate")}
        _write_setup(work, setup, alive)
        _run_passes(directory, list(recipes), alive, is_unfinished, show, work, paths, jobs)


def remove_half_results(directory: str) -> None:
    """Of a machine that lost its power. The lock is ours."""
    for entry in os.scandir(directory):
        if re.fullmatch(r"\.[0-9]{5,}\.[0-9]+\.new", entry.name) and entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)


@contextlib.contextmanager
def _keepers(hosts: Sequence[Host], kit: str, work: str, jobs: Jobs) -> Iterator[list[Keeper]]:
    """Leaving the block ends them, and waits until their hosts are clean."""
    boot = f"{work}/boot"
    with open(far_boot.__file__, "rb") as source, open(boot, "wb") as target:
        text = source.read()
        target.write(b"%d\n" % len(text) + text)
    keepers: list[Keeper] = []
    try:
        for number, host in enumerate(hosts):
            keepers.append(_start_keeper(number, host, boot, kit, work, jobs))
        yield keepers
    finally:
        jobs.shield()
        for keeper in keepers:
            os.close(keeper.hold)
        deadline = time.monotonic() + _CLEAN_SECS
        for keeper in keepers:
            if not jobs.wait(keeper.job, secs=max(0.0, deadline - time.monotonic())):
                note(f"matrix: {keeper.host.name} does not end: what ktbox has left there is below its temporary "
                     f"directory, {keeper.top or 'ktbox-host.*'}")


def _start_keeper(number: int, host: Host, boot: str, kit: str, work: str, jobs: Jobs) -> Keeper:
    """cat sends the kit, and then keeps the connection's stdin open as long as ktrun holds its own."""
    command, for_cells = _commands(host, f"{work}/{number}")
    held, hold = os.pipe2(os.O_CLOEXEC)
    reading, writing = os.pipe2(os.O_CLOEXEC)
    ours, theirs = socket.socketpair()
    messages = f"{work}/{number}.keeper"
    with open(messages, "wb") as errors, theirs:
        jobs.start(["cat", boot, kit, "-"], stdin=held, stdout=writing, stderr=errors)
        job = jobs.start([*command, _PYTHON], stdin=reading, stdout=theirs.fileno(), stderr=errors, is_users=True,
                         orphaned=signal.SIGTERM, prepare=lambda: os.setpgid(0, 0))
    for descriptor in (held, reading, writing):
        os.close(descriptor)
    return Keeper(host, job, hold, ours, messages, for_cells)


def _commands(host: Host, path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of the keeper and of the cells, which share its connection: so a host needs one login, and a connection that
    breaks ends all of it at once."""
    if host.command == ("sh", "-c") or len(path) > _SOCKET_MAX:
        return host.command, host.command
    *words, login = host.command
    shared = ("-o", f"ControlPath={path.replace('%', '%%')}")
    return ((*words, "-o", "ControlMaster=yes", *shared, login), (*words, "-o", "ControlMaster=no", *shared, login))


def _answered(keepers: Sequence[Keeper], jobs: Jobs) -> list[Keeper]:
    """Those whose host can do its part. The others are named."""
    deadline = time.monotonic() + _ANSWER_SECS
    alive = []
    for keeper in keepers:
        try:
            _read_answer(keeper, deadline, jobs)
            alive.append(keeper)
        except HostFailed as why:
            _leave_out(keeper, str(why))
    return alive


def _read_answer(keeper: Keeper, deadline: float, jobs: Jobs) -> None:
    data = b""
    while b"\n" not in data:
        if not jobs.wait_readable(keeper.answer, max(0.0, deadline - time.monotonic())):
            raise HostFailed(f"it did not answer within {_ANSWER_SECS} s")
        more = keeper.answer.recv(4096)
        if not more or len(data) > _ANSWER_MAX:
            keeper.job.send(signal.SIGKILL)
            keeper.job.reap()
            raise HostFailed(_why_ended(keeper))
        data += more
    try:
        answer = json.loads(data.partition(b"\n")[0])
        if "error" in answer:
            raise HostFailed(str(answer["error"]))
        keeper.top, slots = answer["top"], answer["slots"]
        if not re.fullmatch(r"/[A-Za-z0-9_./+-]{1,400}", keeper.top, re.ASCII) or type(slots) is not int or slots < 1:
            raise HostFailed("its answer is not what ktbox sends")
    except (ValueError, KeyError, TypeError) as error:
        raise HostFailed("its answer is not what ktbox sends") from error
    keeper.slots = keeper.host.slots or min(slots, 1000)


def _why_ended(keeper: Keeper) -> str:
    """The last line that ssh, or Python on the host, has said."""
    with open(keeper.messages, "rb") as file:
        lines = [line.strip() for line in decoded(file.read(_ANSWER_MAX)).split("\n") if line.strip()]
    if keeper.job.status == 127:
        return f"it has no python3: {lines[-1]:.300}" if lines else "it has no python3"
    return f"{lines[-1]:.300}" if lines else f"its connection has ended (status {keeper.job.status})"


def _leave_out(keeper: Keeper, why: str) -> None:
    note(f"matrix: {keeper.host.name} is left out: {one_line(why)}")


def _write_setup(work: str, setup: Mapping[str, object], keepers: Sequence[Keeper]) -> None:
    """What far_cell.py knows of the matrix."""
    hosts = {keeper.host.name: {"command": keeper.command, "top": keeper.top, "keeper": keeper.job.process.pid}
             for keeper in keepers}
    program = ("import sys; sys.path.insert(0, sys.argv[1]); from launcher.hosts.far_host import cell; "
               "cell(*sys.argv[2:])")
    with open(f"{work}/{SETUP}", "w", encoding="utf-8", errors="surrogateescape") as file:
        json.dump({**setup, "hosts": hosts, "python": ["python3", "-ISXutf8", "-c", program]}, file)


def _run_passes(directory: RunDirectory, cells: list[str], alive: list[Keeper], is_unfinished: Callable[[str], bool],
                show: Optional[Callable[[], None]], work: str, paths: Paths, jobs: Jobs) -> None:
    """parallel gives a cell to two hosts at most. One that lost both runs again, as long as that brings something."""
    left = cells
    while left and alive:
        hosts = len(alive)
        _run_pass(directory, left, alive, show, work, paths, jobs)
        again = [name for name in left if is_unfinished(name) and not os.path.exists(f"{directory.path}/{name}")]
        if len(again) == len(left) and len(alive) == hosts:
            return
        left = again


def _run_pass(directory: RunDirectory, cells: Sequence[str], alive: list[Keeper],
              show: Optional[Callable[[], None]], work: str, paths: Paths, jobs: Jobs) -> None:
    listed, logins = f"{work}/unfinished", f"{work}/hosts"
    with open(listed, "w", encoding="ascii") as file:
        file.write("".join(f"{name}\n" for name in cells))
    _write_logins(logins, alive, None)
    helper = " ".join(map(shell_word, python_words(f"{paths.top}/host", "hosts.far_cell", "main", work)))
    parallel = jobs.start(["parallel", "--will-cite", "--termseq", f"TERM,{_STOP_MS},KILL,25", "--retries", "2",
                           "-a", listed, "--sshloginfile", logins, "--ssh", helper,
                           "--joblog", f"+{directory.path}/joblog", "./{}.sh"],
                          keep=[directory.lock_fd], is_users=True, orphaned=signal.SIGTERM)
    try:
        secs = 1 if show else None
        while (ended := jobs.wait(parallel, *(keeper.job for keeper in alive), secs=secs)) is not parallel:
            if show:
                show()
            if ended:
                _drop(alive, lambda keeper: keeper.job is ended, work)
                if not alive:
                    break
                _write_logins(logins, alive, logins)
        _drop(alive, lambda keeper: len(_strikes(keeper, work)) >= STRIKES, work)
    except Interrupted:
        jobs.shield()
        raise
    finally:
        parallel.send(signal.SIGTERM)
        parallel.reap()


def _drop(alive: list[Keeper], is_gone: Callable[[Keeper], bool], work: str) -> None:
    for keeper in [keeper for keeper in alive if is_gone(keeper)]:
        alive.remove(keeper)
        strikes = _strikes(keeper, work)
        why = _why_ended(keeper)
        if len(strikes) >= STRIKES:
            why = f"it could not run {STRIKES} cells one after the other, the last: {strikes[STRIKES - 1]:.300}"
        _leave_out(keeper, why)


def _strikes(keeper: Keeper, work: str) -> list[str]:
    """What its cells could not do (far_cell.py)."""
    path = f"{work}/strikes.{keeper.host.name}"
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()


def _write_logins(path: str, keepers: Sequence[Keeper], old: Optional[str]) -> None:
    """parallel reads the file again when it is two seconds younger. An empty one would mean this machine."""
    younger = os.stat(old).st_mtime + 2 if old else time.time()
    new = f"{path}.new"
    with open(new, "w", encoding="ascii") as file:
        file.write("".join(f"{keeper.slots}/{keeper.host.name}\n" for keeper in keepers))
    os.utime(new, (younger, younger))
    os.replace(new, path)

# SPDX-License-Identifier: GPL-2.0-only
"""What runs on a host of --hosts, from the kit that far_boot.py has unpacked.

keep: looks whether the host can do its part, answers with one line of JSON, and cleans up when stdin ends. That is when
ktrun ends, however it ends, or the connection does.
cell: runs one recipe, and sends the run directory. When stdin ends, it ends the run, as TERM does.
Both in: stdin, whose end counts. Out: stdout; messages on stderr. Exit: 0; 1.
"""
from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from typing import BinaryIO, Iterator

from ..lib.jobs import Jobs, end_with_parent, python_words
from ..lib.paths import Paths
from ..lib.rundir import check_free
from ..lib.text import Fault, note
from ..lib.workdir import work_directory
from ..machine.accelerator import choose_accelerator
from ..machine.qemu_faults import ask_qemu
from ..matrix.slots import count_slots
from ..plan import Plan, find_qemu
from ..single import run_recipe
from .far_files import send_end, send_tree
from .kit import META, Recipe, read_recipe

_SPACE_LEAST = 64 * 1024 * 1024  # of a small run
_STOP_SECS = 25  # for a run that is asked to end


def keep(top: str) -> None:
    """Until the end of stdin."""
    for name in ("cells", "cache", "tmp"):
        os.mkdir(f"{top}/{name}")
    with open(f"{top}/lock", "wb"):
        pass
    os.environ["TMPDIR"] = f"{top}/tmp"
    try:
        try:
            answer = _look(top)
        except Fault as fault:
            answer = {"error": str(fault)}
        print(json.dumps(answer), flush=True)
        while sys.stdin.buffer.read(4096):
            pass
    finally:
        _end_cells(top)


def _look(top: str) -> dict[str, object]:
    """Raises Fault for a host that can't run a cell."""
    with open(f"{top}/{META}", encoding="utf-8") as file:
        meta = json.load(file)
    if os.uname().machine != meta["machine"]:
        raise Fault(f"its machine is {os.uname().machine}, and this ktbox is built for {meta['machine']}")
    check_free(top, "its temporary directory", _SPACE_LEAST)
    with Jobs() as jobs, work_directory() as work:
        plan = _plan_here(read_recipe(top, meta["first"]), top, work, jobs)
        accel = choose_accelerator(plan, work, jobs)
    return {"top": top, "accel": accel, "slots": count_slots(meta["memory_mib"], meta["cpus"], accel)}


def _plan_here(recipe: Recipe, top: str, output: str, jobs: Jobs) -> Plan:
    """The host has a QEMU of its own."""
    with open(f"{top}/version", encoding="utf-8") as file:
        paths = Paths(top, top, f"{top}/cells", f"{top}/cache", "", file.read().strip())
    qemu = find_qemu(recipe.plan.kernel)
    return replace(recipe.plan, paths=paths, qemu=qemu, qemu_says=ask_qemu(qemu, paths.cache, jobs), output=output)


def _end_cells(top: str) -> None:
    """Cells hold the lock. They have seen the end of their own stdin; one that does not end is killed, and its run with
    it."""
    with open(f"{top}/lock", "rb") as lock:
        for number, secs in ((signal.SIGTERM, _STOP_SECS + 5), (signal.SIGKILL, 5)):
            if _lock_within(lock, secs):
                return
            for name in os.listdir(f"{top}/cells"):
                with contextlib.suppress(OSError, ValueError):
                    os.killpg(int(name.rpartition(".")[2]), number)
        _lock_within(lock, 5)


def _lock_within(lock: BinaryIO, secs: int) -> bool:
    def give_up(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(secs)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return True
    except TimeoutError:
        return False
    finally:
        signal.alarm(0)


def cell(top: str, recipe: str, name: str, host: str) -> None:
    """The process group of a cell is that of its number, by which keep() ends it."""
    if os.getpgrp() != os.getpid():  # sshd has made a session of it
        os.setpgid(0, 0)
    with _place(top, name) as place:
        with open(f"{place}/err", "wb") as errors:
            run = subprocess.Popen(python_words(f"{top}/host", "hosts.far_host", "run", top, recipe, f"{place}/run",
                                                host),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
        _wait(run)
        with contextlib.suppress(BrokenPipeError):  # nobody is there any more
            send_tree(place, sys.stdout.buffer)
            send_end(sys.stdout.buffer)


@contextlib.contextmanager
def _place(top: str, name: str) -> Iterator[str]:
    with open(f"{top}/lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        place = f"{top}/cells/{name}.{os.getpid()}"
        os.mkdir(place)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _wait(run: "subprocess.Popen[bytes]") -> None:
    """Until the run has ended, or stdin has: then it is asked to end."""
    poll = select.poll()
    ended = os.pidfd_open(run.pid)
    poll.register(ended, select.POLLIN)
    poll.register(0, select.POLLIN | select.POLLHUP)
    while True:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if ended in ready:
            run.wait()
            return
        if not os.read(0, 4096):
            break
    run.terminate()
    try:
        run.wait(_STOP_SECS)
    except subprocess.TimeoutExpired:
        run.kill()
        run.wait()


def run(top: str, recipe_name: str, output: str, host: str) -> int:
    """One cell, in a process of its own."""
    end_with_parent(signal.SIGTERM)
    os.environ["TMPDIR"] = f"{top}/tmp"
    try:
        recipe = read_recipe(top, recipe_name)
        with Jobs() as jobs:
            return run_recipe(recipe, _plan_here(recipe, top, output, jobs), host, jobs)
    except Fault as fault:
        note(str(fault))
    except OSError as error:
        note(f"ktrun itself could not go on: {error}")
    return 205

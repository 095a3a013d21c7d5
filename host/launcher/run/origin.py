# SPDX-License-Identifier: GPL-2.0-only
"""What was run, where and when: for who reads a result days later, or on another machine.

In:  a Plan, before the run. Out: Origin, which host.json keeps and result.json and the page show.
"""
from __future__ import annotations

import os
import shlex
import time

from ..lib.text import Fault
from ..plan import Plan
from .host import Origin

_VARIABLES = ("KTRUN_OPTS", "KTRUN_KERNEL", "KTRUN_ACCEL", "KTRUN_QEMU")


def find_origin(plan: Plan) -> Origin:
    scheduler = plan.options.scheduler
    return Origin(started=now(), hostname=os.uname().nodename,
                  qemu=plan.qemu_says, rerun=_rerun(plan.options.words),
                  scheduler_sha256=_sha256(scheduler) if scheduler else None)


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _rerun(words: tuple[str, ...]) -> str:
    """A command line of a shell that runs this again, wherever it is typed."""
    variables = [f"{name}={shlex.quote(os.environ[name])}" for name in _VARIABLES if os.environ.get(name)]
    return " ".join([f"cd {shlex.quote(os.getcwd())} &&", *variables, "ktrun", *map(shlex.quote, words)])


def _sha256(path: str) -> str:
    from ..lib.digest import sha256_of  # a run without a scheduler starts sooner without it
    try:
        return sha256_of(path)
    except OSError as error:
        raise Fault(f"scheduler {path}: {error.strerror}") from error

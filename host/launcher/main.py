# SPDX-License-Identifier: GPL-2.0-only
"""The entry of ktrun: the command line, then one run, a replay, a repetition, a matrix, a comparison or a history.

In:  the arguments. Out: see single.py, outcome.py, repeat/runs.py, matrix/runs.py, compare/runs.py,
     kernel/releases.py, kernel/check.py and report/history.py. Each imports what it needs only when its turn comes, so
     that --version and a bad option cost no more than the parser.
Exit: the verdict's code, see judge/verdicts.py; 205 for bad input or a host that cannot do its part; 130 for a signal.
"""
from __future__ import annotations

import os
from typing import TYPE_CHECKING, Sequence

from .judge.bisection import skip_commit
from .lib.paths import Paths, find_paths
from .lib.text import Fault, Unbuilt, note, write_stderr
from .options.cli import is_bisect, parse
from .options.options import Options

if TYPE_CHECKING:
    from .lib.jobs import Jobs


def main(top: str, words: Sequence[str]) -> int:
    os.environ["LC_ALL"] = "C"
    stdin = _standard_input()
    try:
        _check_directory()
        paths = find_paths(top)
        return _run(parse(words, paths.version, stdin, os.environ.get("KTRUN_OPTS", "")), paths)
    except Unbuilt as fault:
        if is_bisect(words):
            return skip_commit(str(fault))
        note(str(fault))
    except Fault as fault:
        note(str(fault))
    except OSError as error:
        note(f"ktrun itself could not go on: {error}")
    except MemoryError:
        note("ktrun itself could not go on: it got no more memory (ulimit -v?)")
    except Exception:  # Python's own code for it is 1, which would be the payload's, or a bad commit
        import traceback
        write_stderr(b"ktrun itself has failed:\n" + traceback.format_exc().encode("ascii", "backslashreplace"))
    return 205


def _check_directory() -> None:
    try:
        os.getcwd()
    except OSError as error:
        raise Fault(f"the current directory is no longer there: {error.strerror}") from error


def _run(options: Options, paths: Paths) -> int:
    from .lib.jobs import Interrupted, Jobs
    try:
        with Jobs() as jobs:
            if options.warm_list or options.warm_clear:
                from .warm.cache import clear_cache, list_cache
                return (list_cache if options.warm_list else clear_cache)(paths)
            if options.kernels or options.kernel_config or options.check:
                return _show_kernels(options, paths, jobs)
            if options.matrix:
                from .matrix.runs import run_matrix
                return run_matrix(options, paths, jobs)
            if options.compare:
                from .compare.runs import run_comparison
                return run_comparison(options, paths, jobs)
            if options.history_of:
                from .report.history import show_history
                return show_history(options)
            if options.repeat:
                from .repeat.runs import repeat
                return repeat(options, paths, jobs)
            if options.replay:
                from .outcome import replay
                return replay(options, paths, jobs)
            from .single import prepare_and_run
            return prepare_and_run(options, paths, jobs)
    except Interrupted as signal:
        note(f"stopped by {signal}")
        return 130


def _show_kernels(options: Options, paths: Paths, jobs: Jobs) -> int:
    """What needs no run."""
    if options.kernels:
        from .kernel.releases import list_kernels
        return list_kernels(paths, jobs)
    from .kernel.check import check_kernel, print_fragment
    if options.kernel_config:
        return print_fragment(options.kernel_config)
    from .plan import choose_kernel
    return check_kernel(choose_kernel(options, paths, jobs))


def _standard_input() -> str:
    """The file behind stdin; empty when it is closed.

    A file that ktrun or a child opens must not become its stdout: what is closed becomes /dev/null.
    """
    try:
        stdin = os.readlink("/proc/self/fd/0")
    except OSError:
        stdin = ""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    return stdin

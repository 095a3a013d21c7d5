# SPDX-License-Identifier: GPL-2.0-only
"""Checks of what the user gave and of what the host must have, before anything starts.

Bad input costs one clear line, never a boot. In: Options. Out: Plan, all that preparing and running need.
"""
from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import time
from dataclasses import dataclass
from typing import Iterator, Optional

from .files.include import check_include, check_program, name_of_include
from .files.scenario import GUEST_PLACE, PROGRAM, read_scenario
from .files.shell_history import check_history
from .kernel.config import FOR_SCHEDULERS, GOES_WITHOUT, Config, find_config
from .kernel.directory import is_build_tree, is_of_linux, read_kernel_at
from .kernel.image import X86_64, Kernel
from .kernel.modules import check_modules_option, check_options
from .lib.jobs import Jobs
from .lib.paths import Paths
from .lib.rundir import check_output, is_ours
from .lib.text import Fault, Unbuilt, note, shell_word
from .lib.user_paths import check_file
from .machine.qemu_faults import ask_qemu
from .machine.topology import check_topology
from .options.options import Options
from .options.values import Include, parse_kernel
from .recorder.least_output import check_space
from .shares.host_root import GUEST_ROOT, Directories, check_host_root, find_directories, variables

MEMORY_MIB_LEAST = 128
TERMINAL, STREAM_INPUT = "terminal", "stream"
# execve(2): MAX_ARG_STRLEN of one word with its NUL; a quarter of the stack's limit, 8 MiB in the guest, for all words
# with a pointer each. The guest adds variables of its own, and the words of a shell.
_WORD_MAX, _WORDS_MAX = 32 * 4096, 2 * 1024 ** 2
_GDB_PORTS = range(1234, 1334)
_POINTER_SIZE, _GUEST_WORDS_SIZE = 8, 4096


@dataclass(frozen=True)
class Plan:
    options: Options
    paths: Paths
    kernel: Kernel
    qemu: str
    forced_accel: Optional[str]
    output: str  # the run directory
    qemu_says: str  # about its version
    hz: Optional[int]  # of the kernel's timer, where its configuration is known
    directories: Directories  # of the host
    stdin_kind: Optional[str]  # what ktrun passes on to the guest: TERMINAL, STREAM_INPUT or nothing

    @property
    def has_terminal(self) -> bool:
        return self.stdin_kind == TERMINAL

    @property
    def archive(self) -> str:
        return f"{self.paths.parts}/{self.kernel.arch.archive}"


def make_plan(options: Options, paths: Paths, jobs: Jobs) -> Plan:
    """Raises Fault with the first thing that is wrong."""
    check_busybox(paths)
    image = choose_kernel(options, paths, jobs)
    options = options._replace(kernel=image)
    with _of_the_commit():
        kernel = read_kernel_at(image)
    check_base(paths, kernel)
    qemu = find_qemu(kernel)
    check_scheduler_options(options)
    with _of_the_commit():
        _check_guest_files(options, kernel)
    if options.memory_mib < MEMORY_MIB_LEAST:
        raise Fault(f"-m {options.memory_mib}: too little memory: the guest needs at least {MEMORY_MIB_LEAST} MiB")
    check_topology(options.topology, options.memory_mib)
    check_host_root(options, kernel)
    with _of_the_commit():
        check_modules_option(options.modules)
        config = find_config(kernel.path, kernel.release, kernel.config)
        directories = find_directories(options, kernel, config, jobs)
        _check_kernel_options(options, kernel, config, directories)
    stdin_kind = _stdin_kind(options)
    options = _with_kselftest(_with_tests(_with_scenario(options), paths, jobs), kernel)
    options = with_gdb_port(options)
    _check_arguments(options)
    check_output(options.output or paths.runs, options.output)
    check_reports(options)
    check_history(options)
    if options.record:
        from .figures.run_records import check_record
        check_record(options.record, options)
    check_space(options)
    if options.gates:
        from .figures.gates import check_units
        check_units(options.gates)
    if options.is_interactive and not options.stdin:
        raise Fault("--shell: standard input is closed")
    if directories.slower and not options.quiet:
        note(f"--host-root comes by virtio-9p, which is slower than virtiofs: {directories.slower}")
    plan = Plan(options, paths, kernel, qemu, os.environ.get("KTRUN_ACCEL") or None,
                options.output or new_directory(paths), ask_qemu(qemu, paths.cache, jobs),
                config.hz if config else None, directories, stdin_kind)
    check_can_be_recorded(plan)
    return plan


def check_can_be_recorded(plan: Plan) -> None:
    """Raise Fault for a run of --record-replay that can't be recorded."""
    options = plan.options
    if not options.record_replay:
        return
    if options.topology.cpus != 1:
        raise Fault(f"--record-replay: QEMU records one CPU, not {options.topology.cpus}: give -c 1")
    if plan.forced_accel == "kvm":
        raise Fault("--record-replay: QEMU records under TCG only, and KTRUN_ACCEL is kvm")
    if plan.kernel.arch is not X86_64:
        raise Fault(f"--record-replay: for x86-64 only, and the kernel is for {plan.kernel.arch.title}")
    if not plan.qemu_says:
        raise Fault(f"--record-replay: {plan.qemu} does not say its version, by which --repeat knows it again")


@contextlib.contextmanager
def _of_the_commit() -> Iterator[None]:
    """Around checks of files that a build makes."""
    try:
        yield
    except Fault as fault:
        raise Unbuilt(str(fault)) from fault


def new_directory(paths: Paths) -> str:
    return f"{paths.runs}/{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"


def check_busybox(paths: Paths) -> None:
    if not os.access(paths.busybox, os.X_OK):
        raise Fault(f"{paths.busybox} is not built: run make")


def check_base(paths: Paths, kernel: Kernel) -> None:
    archive = f"{paths.parts}/{kernel.arch.archive}"
    if not os.access(archive, os.R_OK):
        make = "make" if kernel.arch.name == "x86_64" else f"make ARCH={kernel.arch.name}"
        raise Fault(f"{archive} is not built: run {make}")


def choose_kernel(options: Options, paths: Paths, jobs: Jobs) -> str:
    """The path of an image or a directory. A release is looked for, and fetched if need be."""
    word = options.kernel or _kernel_of_environment() or _tree_here(options) or _default_kernel(paths)
    if word.startswith("/"):
        return word
    from .kernel.releases import find_release
    return find_release(word, paths, jobs, options.dry_run)


def _kernel_of_environment() -> Optional[str]:
    word = os.environ.get("KTRUN_KERNEL")
    return parse_kernel("KTRUN_KERNEL", word) if word else None


def _tree_here(options: Options) -> Optional[str]:
    """Who has just built a kernel is in its tree, and means that one."""
    here = os.getcwd()
    if not is_build_tree(here) or not is_of_linux(here):
        return None
    if not options.quiet:
        note(f"kernel: that of this build tree, {here} (-k names another one)")
    return here


def _default_kernel(paths: Paths) -> str:
    if not paths.default_kernel:
        raise Fault("no kernel: give one with -k or in KTRUN_KERNEL")
    if not os.path.exists(paths.default_kernel):
        raise Fault(f"no kernel {paths.default_kernel}: run make kernel, or give one with -k")
    return paths.default_kernel


def find_qemu(kernel: Kernel) -> str:
    name = os.environ.get("KTRUN_QEMU") or kernel.arch.qemu
    path = shutil.which(name)
    if not path:
        raise Fault(f"no program {name}: is the package {kernel.arch.package} installed?")
    accel = os.environ.get("KTRUN_ACCEL") or "tcg"
    if accel not in ("kvm", "tcg"):
        raise Fault(f"KTRUN_ACCEL: neither kvm nor tcg: {accel}")
    return path


def check_scheduler_options(options: Options) -> None:
    """Raise Fault for what only a scheduler has, and there is none."""
    if options.scheduler:
        return
    if options.scheduler_args:
        raise Fault("-a: arguments of a scheduler, and there is none: give it with -s")
    if options.expect_death is not None:
        raise Fault("--expect-death: there is no scheduler that could die: give it with -s")


def _check_guest_files(options: Options, kernel: Kernel) -> None:
    if options.scheduler:
        check_program("scheduler", options.scheduler, kernel.arch)
    for option, path in (("--enable", options.enable), ("--disable", options.disable)):
        if path:
            check_file(f"{option} script", path)
    for include in options.includes:
        check_include(include.source, kernel.arch)


def _check_arguments(options: Options) -> None:
    """Linux's limits for execve(2), so that a command which the guest can't run costs no boot."""
    words = [("the command: an argument", word) for word in options.arguments]
    words += [(f"-e: {name}", f"{name}={text}") for name, text in options.variables]
    words += [(f"the variable {name}", f"{name}={text}") for name, text in variables()] if options.host_root else []
    total = _GUEST_WORDS_SIZE
    for what, word in words:
        size = len(os.fsencode(word)) + 1
        if size > _WORD_MAX:
            raise Fault(f"{what} of {size - 1} bytes: Linux takes at most {_WORD_MAX - 1}: {word[:40]}...")
        total += size + _POINTER_SIZE
    if total > _WORDS_MAX:
        raise Fault(f"the command and its variables take {total} bytes: Linux takes at most {_WORDS_MAX}")


def _check_kernel_options(options: Options, kernel: Kernel, config: Optional[Config], directories: Directories) -> None:
    """Raise Fault for what a guest can't do without, and say what this run goes without."""
    for missing in check_options(kernel, config, options.modules, directories.drivers):
        is_missed = missing.option.rank == GOES_WITHOUT or (missing.option.rank == FOR_SCHEDULERS and options.scheduler)
        if is_missed and not options.quiet:
            note(f"the run goes without an option of the kernel: {missing}")


def _stdin_kind(options: Options) -> Optional[str]:
    """A closed stdin and /dev/null are the same: then the guest has no such port, and the payload's stdin is empty."""
    if options.is_interactive:
        return TERMINAL
    # a second attempt would find nothing to read, and QEMU does not record that port
    reads = options.command is not None and not (options.kselftest or options.retries or options.record_replay)
    return STREAM_INPUT if reads and options.stdin not in ("", "/dev/null") else None


def _with_tests(options: Options, paths: Paths, jobs: Jobs) -> Options:
    """--test is the guest's command: kt-test with the scripts' places in the guest."""
    if not options.tests:
        return options
    if options.command is not None or options.kselftest or options.shell:
        raise Fault("--test is the guest's command: neither --, --kselftest nor --shell goes with it")
    names: list[str] = []
    for path in options.tests:
        name = os.path.basename(path)
        with _of_the_commit():
            _check_test(path, name, paths, jobs)
        if name in names:
            raise Fault(f"--test: two scripts with the name {name}")
        names.append(name)
    root = GUEST_ROOT if options.host_root else ""
    arguments = (f"{root}/usr/bin/kt-test", *(f"{root}/tests/{name}" for name in names))
    return options._replace(command=" ".join(["kt-test", *(f"/tests/{name}" for name in names)]), arguments=arguments)


def _with_scenario(options: Options) -> Options:
    """The guest's command becomes kt-scenario with that command, if there is one."""
    if not options.scenario:
        return options
    if options.tests or options.kselftest or options.shell:
        raise Fault("--scenario: neither --test, --kselftest nor --shell goes with it")
    with _of_the_commit():
        read_scenario(options.scenario)
    command = "kt-scenario " + shell_word(os.path.basename(options.scenario))
    root = GUEST_ROOT if options.host_root else ""
    return options._replace(command=f"{command} {options.command}" if options.command is not None else command,
                            arguments=(root + PROGRAM, root + GUEST_PLACE, *options.arguments))


def _with_kselftest(options: Options, kernel: Kernel) -> Options:
    """The guest's command becomes the runner, an include, with the words after --."""
    if not options.kselftest:
        return options
    if options.shell:
        raise Fault("--kselftest: --shell does not go with it")
    with _of_the_commit():
        check_program("--kselftest: runner", options.kselftest, kernel.arch)
    includes, runner = [Include(options.kselftest, "")], "/include-files/" + name_of_include(options.kselftest)
    if options.host_root:
        includes, runner = [], os.path.realpath(options.kselftest)
    arguments = (runner, *options.arguments)
    return options._replace(includes=[*options.includes, *includes], arguments=arguments,
                            command=" ".join(map(shell_word, arguments)))


def with_gdb_port(options: Options) -> Options:
    if options.gdb is None:
        return options
    ports = [options.gdb.port] if options.gdb.port else _GDB_PORTS
    port = next((port for port in ports if _is_free(port)), None)
    if port is None:
        raise Fault(f"--gdb: port {ports[0]} is in use"
                    + (f", and {len(ports) - 1} after it" if len(ports) > 1 else ""))
    return options._replace(gdb=options.gdb._replace(port=port))


def gdb_command(symbols: str, port: Optional[int]) -> str:
    """As a person types it. SYMBOLS: a vmlinux; empty: there is none."""
    return " ".join(["gdb", *([symbols] if symbols else []), f"-ex 'target remote :{port}'"])


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as QEMU does
        try:
            one.bind(("127.0.0.1", port))
            one.listen()
            return True
        except OSError:
            return False


def _check_test(path: str, name: str, paths: Paths, jobs: Jobs) -> None:
    check_file("--test: script", path)
    if not re.fullmatch(r"[A-Za-z0-9._+][A-Za-z0-9._+-]*", name, re.ASCII):
        raise Fault(f"--test: not a plain name (letters, digits, . _ + -): {name}")
    syntax = jobs.tool([paths.busybox, "sh", "-n", path])
    if syntax.status != 0:
        raise Fault(f"--test: not a script for sh: {syntax.first_error}")
    with open(path, "rb") as file:
        if b"shunit2" not in file.read():
            raise Fault(f"--test: no shunit2 script (it does not end with . shunit2): {path}")


def check_reports(options: Options) -> None:
    """Raise Fault for a report that cannot be written, where that can be seen before anything starts."""
    on_stdout = [option for option, path in options.reports.items() if path == "-"]
    if len(on_stdout) > 1:
        raise Fault(f"{on_stdout[0]} and {on_stdout[1]} both on stdout")
    if on_stdout and options.is_interactive:
        raise Fault(f"{on_stdout[0]}: stdout is the shell's")
    directory = options.output or options.replay
    seen: dict[str, str] = {}
    for option, path in options.reports.items():
        if path and path != "-":
            _check_report(option, path)
            real = os.path.realpath(path)
            if directory and os.path.dirname(real) == os.path.realpath(directory) and is_ours(os.path.basename(real)):
                raise Fault(f"{option}: a file of the run itself: {path}")
            if os.path.isfile(path) or not os.path.exists(path):
                if real in seen:
                    raise Fault(f"{seen[real]} and {option} both in {path}")
                seen[real] = option


def _check_report(option: str, path: str) -> None:
    directory = os.path.dirname(path) or "/"
    if not os.path.isdir(directory):
        raise Fault(f"{option}: no such directory: {directory}")
    if os.path.isdir(path):
        raise Fault(f"{option}: a directory is in the way: {path}")
    if not os.access(path if os.path.exists(path) else directory, os.W_OK):
        raise Fault(f"{option}: not writable: {path}")

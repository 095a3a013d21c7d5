# SPDX-License-Identifier: GPL-2.0-only
"""What -i, -s and the #! lines of scripts bring into the guest, and where it goes.

A program is at the place that it has on the host, and so are its libraries: so $ORIGIN, DT_RPATH and DT_RUNPATH lead
to what they lead to on the host, for each program. Names of the user's (/include-files/NAME, /scheduler) are links to
programs. What the guest has itself stays: then, and below the directories that /init mounts (/tmp, /run), the place is
below /.ktbox/host, and /init makes links into that where nothing is (mounts.sh).
"""
from __future__ import annotations

import os
import re
import stat
from typing import Callable, Iterator, Optional, Sequence

from ..kernel.image import Architecture
from ..lib.jobs import Jobs
from ..lib.text import Fault, note
from ..options.values import Include
from .archive import Tree
from .include import check_machine, name_of_include
from .libraries import CACHE, Found, Loader
from .scripts import Line, Started, find_program, read_line, real_program, started_by_env

ELSEWHERE = "/.ktbox/host"
COMMANDS = "/.ktbox/bin"
_HIDDEN = ("/tmp/", "/run/", "/dev/", "/proc/", "/sys/", "/var/run/")
_OWN = ("/.ktbox/", "/include-files/", "/tests/", "/lib/ktbox/")
_COMMAND_DIRECTORIES = ("/bin", "/sbin", "/usr/bin", "/usr/sbin")
_NESTED_MAX = 5  # of interpreters that are scripts: the kernel's own limit
_NOTES_MAX = 5
_PYTHON = re.compile(r"python(\d\.\d+)[a-z]*")
_PYTHON_OMITS = re.compile(r"tests?|idlelib|turtledemo|ensurepip|(site|dist)-packages|config-.*|.*\.opt-[12]\.pyc")
_PERL = re.compile(r"perl(5\.[0-9.]+)?")
_PERL_TREES = r'print join("\n", $Config{privlibexp}, $Config{archlibexp}, grep { m{/perl-base$} } @INC)'
_Omit = Callable[[str], bool]


class GuestFiles:
    """Collects into TREE. OWN: names and modes of the base initramfs. Raises Fault for what can't be brought."""

    def __init__(self, tree: Tree, own: dict[str, int], arch: Architecture, jobs: Jobs) -> None:
        self._tree, self._own, self._arch, self._jobs = tree, own, arch, jobs
        self._own_commands = {os.path.basename(name) for name in own
                              if "/" + os.path.dirname(name) in _COMMAND_DIRECTORIES}
        self._loader = Loader(os.environ.get("LD_LIBRARY_PATH", ""))
        self._programs: dict[str, str] = {}  # real path on the host, and place in the guest
        self._scripts: set[str] = set()
        self._notes: list[str] = []
        self._commands: dict[str, str] = {}

    def scheduler(self, path: str) -> None:
        """/scheduler leads to it."""
        real = os.path.realpath(path)
        self._tree.link("/scheduler", self._program(real, is_named=True))

    def include(self, item: Include) -> None:
        source, guest = item
        target = _chosen_place(guest) if guest else "/include-files/" + name_of_include(source)
        if guest and guest.lstrip("/") in self._own and not guest.startswith("/etc/"):
            raise Fault(f"-i: the guest needs its own {guest}: give another place, PATH:GUEST")
        if target in self._tree and not guest:
            raise Fault(f"two includes with the name {name_of_include(source)}")
        if os.path.isdir(source):
            self._directory(source, target, lambda name: False,
                            lambda path, place: self._included_file(path, place, bool(guest)))
        else:
            real = os.path.realpath(real_program(source, self._jobs))
            # /dev/fd/N of a file without a name
            self._file(real if os.path.exists(real) else source, target, bool(guest))

    def check_command(self, name: str, shared: Sequence[str]) -> None:
        """A program of the host that was not brought would be "not found" after a whole boot. SHARED: directories of
        the guest that the host has."""
        path = os.path.abspath(name)
        if not name.startswith("/"):
            name = "/" + name  # as the guest's shell sees it, whose directory is /
        is_known = name in self._tree or self._is_there(name) or name.startswith(("/dev/", "/proc/", "/sys/")) \
            or any(name.startswith(place + "/") for place in shared)
        if not is_known and os.path.isfile(path) and os.access(path, os.X_OK):
            raise Fault(f"the command is a file of this machine, and the guest does not have it: {path}: give it with "
                        "-i")

    def _is_there(self, name: str) -> bool:
        """By a name that leads over a link, too."""
        if name.lstrip("/") in self._own or _elsewhere(name) in self._tree:
            return True
        parents = name.split("/")[1:-1]
        return any("/" + "/".join(parents[:count]) in self._tree for count in range(1, len(parents) + 1))

    def finish(self) -> Optional[str]:
        """After the last include. Returns LD_LIBRARY_PATH if a library was found by it."""
        for name, target in self._commands.items():
            self._tree.link(f"{COMMANDS}/{name}", target)
        for line in self._notes[:_NOTES_MAX]:
            note(line)
        if len(self._notes) > _NOTES_MAX:
            note(f"... and {len(self._notes) - _NOTES_MAX} more like these")
        if not self._loader.used_environment:
            return None
        words = re.split("[:;]", os.environ.get("LD_LIBRARY_PATH", ""))
        return ":".join(os.path.abspath(word or ".") for word in words)

    # Files

    def _file(self, real: str, target: str, has_place: bool) -> None:
        dynamic = self._loader.dynamic(real)
        if dynamic and dynamic.interpreter and not has_place:
            self._tree.link(target, self._program(real, is_named=True))
            return
        self._tree.file(target, real)
        if dynamic:
            self._object(real, target, is_named=bool(dynamic.interpreter))
            if not has_place:
                self._tree.file(self._place(real), real)  # where the loader finds it by its name alone
        elif os.stat(real).st_mode & 0o111:
            self._script(real, is_named=True)
        if has_place and os.stat(real).st_mode & 0o111:
            self._command(os.path.basename(target), target)

    def _included_file(self, path: str, target: str, has_place: bool) -> None:
        """Of a directory, where a program may be data: what it lacks costs a note."""
        self._tree.file(target, path)
        if self._loader.dynamic(path):
            self._object(os.path.realpath(path), target, is_named=False)
            if not has_place:  # a plugin, which programs look for where the host has it
                directory, name = os.path.split(path)
                self._tree.file(self._place(f"{os.path.realpath(directory)}/{name}"), path)
        elif os.stat(path).st_mode & 0o111:
            self._script(path, is_named=False)
        if os.stat(path).st_mode & 0o111:
            self._command(os.path.basename(target), target)

    def _directory(self, source: str, target: str, omits: _Omit, add: Callable[[str, str], None]) -> None:
        for path, name, status in _walk(source, omits):
            place = f"{target}/{name}" if name else target
            if status is None:
                self._tree.link(place, os.readlink(path))
            elif stat.S_ISDIR(status.st_mode):
                self._tree.directory(place, stat.S_IMODE(status.st_mode) | 0o700)
            elif stat.S_ISREG(status.st_mode):
                if not os.access(path, os.R_OK):
                    raise Fault(f"include is not readable: {path}")
                add(path, place)
            else:
                self._tree.node(place, status)

    def _command(self, name: str, target: str) -> None:
        self._commands.setdefault(name, target)

    # Places

    def _place(self, path: str) -> str:
        if path.startswith(_HIDDEN) or path.startswith(_OWN) or self._is_own(path):
            return _elsewhere(path)
        return path

    def _is_own(self, path: str) -> bool:
        name = path.lstrip("/")
        if os.path.dirname(path) in _COMMAND_DIRECTORIES and os.path.basename(path) in self._own_commands:
            return True  # another directory of PATH might come first
        parts = name.split("/")
        parents = ("/".join(parts[:count]) for count in range(1, len(parts)))
        return name in self._own or any(not stat.S_ISDIR(self._own.get(parent, stat.S_IFDIR)) for parent in parents) \
            or len(parts) == 1

    # Programs and what they need

    def _program(self, real: str, is_named: bool) -> str:
        """The place of the program or script with this real path, which is brought with all that it needs."""
        if real not in self._programs:
            self._programs[real] = place = self._place(real)
            self._tree.file(place, real)
            if self._loader.dynamic(real):
                self._object(real, place, is_named)
                self._runtime(real)
            else:
                self._script(real, is_named)
        return self._programs[real]

    def _object(self, real: str, place: str, is_named: bool, program: Optional[str] = None,
                is_quiet: bool = False) -> None:
        libraries = self._loader.libraries(real, program)
        for name in libraries.missing:
            relative = self._loader.relative_directory(real)
            where = f" ({relative} in its run path is relative: the guest starts programs in /)" if relative else ""
            message = f"shared library not found on this machine: {name}, for {real}{where}"
            if is_named:
                raise Fault(message)
            if not is_quiet:
                self._notes.append(message)
        for found in libraries.found:
            self._library(found, real, place)

    def _library(self, found: Found, real: str, place: str) -> None:
        """At the host's place; a program that is elsewhere finds by $ORIGIN what is as far away from it as on the
        host."""
        self._tree.file(self._place(found.path), found.path)
        if found.is_default:
            if os.access(CACHE, os.R_OK):
                self._tree.file(CACHE, CACHE)
            return
        directory = os.path.realpath(os.path.dirname(found.path))
        self._tree.file(self._place(f"{directory}/{os.path.basename(found.path)}"), found.path)
        if place != real:
            distance = os.path.relpath(found.path, os.path.dirname(real))
            self._tree.file(os.path.normpath(f"{os.path.dirname(place)}/{distance}"), found.path)

    # Scripts

    def _script(self, path: str, is_named: bool, depth: int = 1) -> None:
        real = os.path.realpath(path)
        if real in self._scripts:
            return
        self._scripts.add(real)
        try:
            line = read_line(path)
            if line:
                self._interpreter(line, path, depth)
        except Fault as fault:
            if is_named or depth > 1:
                raise
            self._notes.append(str(fault))

    def _interpreter(self, line: Line, path: str, depth: int) -> None:
        name = line.interpreter
        if not name.startswith("/"):
            raise Fault(f"the interpreter has a relative path, which nothing has in the guest: {name}, for {path}")
        if depth > _NESTED_MAX:
            raise Fault(f"the interpreters are scripts, one of the other, more than {_NESTED_MAX} deep: {path}")
        if os.path.basename(name) == "env":
            started = started_by_env(line.argument, path) if line.argument else None
            if started:
                self._started(started, path, depth)
            if not started or not started.splits:  # BusyBox's env has no -S
                self._absolute(name, path, depth)
            elif os.path.isfile(name):
                self._replace(name)
            return
        self._absolute(name, path, depth)

    def _started(self, started: Started, path: str, depth: int) -> None:
        """What env looks for in PATH, or in the one that the script gives it: there it must lie in the guest, too."""
        name = started.name
        if "/" in name:
            self._absolute(name, path, depth)
            return
        if name in self._own_commands:
            return
        program = find_program(name, self._jobs, started.search)
        if not program:
            where = "PATH" if started.search is None else f"PATH={started.search}"
            raise Fault(f"the interpreter is not in {where} on this machine: {name}, for {path}")
        if started.search is not None:
            self._absolute(program, path, depth)
            return
        self._command(name, self._interpreter_place(program, path, depth))

    def _absolute(self, name: str, path: str, depth: int) -> None:
        if name.lstrip("/") in self._own:
            return
        if not os.path.isfile(name):
            raise Fault(f"the interpreter is not on this machine: {name}, for {path}")
        program = self._interpreter_place(name, path, depth)
        link = self._place(name)
        if link != program:
            self._tree.link(link, program)
        self._environment_of(name)

    def _interpreter_place(self, name: str, path: str, depth: int) -> str:
        if not os.access(name, os.X_OK):
            raise Fault(f"the interpreter is not executable: {name}, for {path}")
        check_machine(name, self._arch, f"the interpreter of {path}")
        real = os.path.realpath(name)
        if self._loader.dynamic(real) or real in self._programs:
            return self._program(real, is_named=True)
        self._programs[real] = place = self._place(real)
        self._tree.file(place, real)
        self._scripts.discard(real)
        self._script(real, is_named=True, depth=depth + 1)
        return place

    def _replace(self, name: str) -> None:
        """A program at its own place, though the guest has one there."""
        real = os.path.realpath(name)
        self._tree.file(name, real)
        self._object(real, name, is_named=True)

    # What interpreters load at run time

    def _runtime(self, real: str) -> None:
        base = os.path.basename(real)
        python = _PYTHON.fullmatch(base)
        prefix = os.path.dirname(os.path.dirname(real))
        if python:
            for library in ("lib", "lib64"):
                root = f"{prefix}/{library}/python{python.group(1)}"
                if os.path.isdir(root):
                    self._runtime_tree(root, real, lambda name: bool(_PYTHON_OMITS.fullmatch(name)))
        elif _PERL.fullmatch(base) and os.uname().machine == self._arch.name:
            found = self._jobs.tool([real, "-MConfig", "-e", _PERL_TREES])
            for root in os.fsdecode(found.output).split("\n"):
                if os.path.isdir(root):
                    self._runtime_tree(root, real, lambda name: name == "pod")

    def _runtime_tree(self, root: str, program: str, omits: _Omit) -> None:
        def add(path: str, target: str) -> None:
            self._tree.file(target, path)
            if path.endswith(".so") or ".so." in path:
                self._object(os.path.realpath(path), target, is_named=False, program=program, is_quiet=True)

        self._directory(root, self._place(root), omits, add)

    def _environment_of(self, name: str) -> None:
        """Of a Python with an environment of its own (venv), which it knows by the path it was started with."""
        prefix = os.path.dirname(os.path.dirname(name))
        if not os.path.isfile(prefix + "/pyvenv.cfg"):
            return
        self._tree.file(self._place(prefix + "/pyvenv.cfg"), prefix + "/pyvenv.cfg")
        if os.path.isdir(prefix + "/lib"):
            self._runtime_tree(prefix + "/lib", os.path.realpath(name), lambda name: False)


def _chosen_place(guest: str) -> str:
    return _elsewhere(guest) if guest.startswith(_HIDDEN) else guest


def _elsewhere(path: str) -> str:
    return ELSEWHERE + (path[len("/var"):] if path.startswith("/var/run/") else path)


def _walk(root: str, omits: _Omit) -> Iterator[tuple[str, str, Optional[os.stat_result]]]:
    """Paths and names below ROOT, directories before what is in them. Links are followed, but for those that lead
    nowhere, or to a directory that they are in: those have no status. OMITS says which names to leave out."""
    status = os.stat(root)
    pending: list[tuple[str, str, frozenset[tuple[int, int]]]] = [(root, "", frozenset())]
    yield root, "", status
    while pending:
        directory, prefix, above = pending.pop()
        status = os.stat(directory)
        inside = above | {(status.st_dev, status.st_ino)}
        try:
            entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
        except OSError as error:
            raise Fault(f"include is not readable: {directory}: {error.strerror}") from error
        for entry in entries:
            if omits(entry.name):
                continue
            found = _status_of(entry, inside)
            yield entry.path, prefix + entry.name, found
            if found and stat.S_ISDIR(found.st_mode):
                pending.append((entry.path, prefix + entry.name + "/", inside))


def _status_of(entry: "os.DirEntry[str]", inside: frozenset[tuple[int, int]]) -> Optional[os.stat_result]:
    try:
        status = entry.stat()
    except OSError as error:
        if entry.is_symlink():
            return None
        raise Fault(f"include is not readable: {entry.path}: {error.strerror}") from error
    if entry.is_symlink() and stat.S_ISDIR(status.st_mode) and (status.st_dev, status.st_ino) in inside:
        return None
    return status

# SPDX-License-Identifier: GPL-2.0-only
"""What a comparison compares: its sides, its payloads, and the order of its runs.

In:  Options: the operands of --compare, or a file of --matrix. Out: Design, which is also the file compare.plan of the
directory: a second call goes on only with the same sides, and the same bytes of their schedulers and kernels. Raises
Fault before anything starts.
"""
from __future__ import annotations

import itertools
import os
import random
import re
import shlex
from dataclasses import dataclass, replace
from typing import Any, Iterator, Optional, Sequence

from ..lib.digest import sha256_of
from ..lib.jobs import Jobs
from ..lib.paths import Paths
from ..lib.records import BadRecord, lines_of, read_json
from ..lib.text import Fault
from ..matrix.cells import not_for_many
from ..matrix.file import Matrix, read_matrix, retry_words
from ..options.cli import environment_words, parse, words_of_runs
from ..options.options import Options
from ..options.values import parse_kernel, parse_path, parse_scheduler
from ..plan import Plan, make_plan

NAME = "compare.plan"
SCHEMA = 1
SIDES_MAX = 26
RUNS, RUNS_UNTIL, RUNS_UNTIL_LEAST = 10, 40, 6
_PLAN_MAX = 16 * 1024 * 1024
_OPTION_OF = {"scheduler": "-s", "args": "-a", "kernel": "-k", "topology": "--topology", "memory": "-m",
              "append": "--append"}
_KEY = re.compile(rf"(?:{'|'.join(_OPTION_OF)}|options)=", re.ASCII)
_NEXT_KEY = re.compile(rf"[ \t]+(?={_KEY.pattern})", re.ASCII)


@dataclass(frozen=True)
class Side:
    letter: str
    label: str
    words: tuple[str, ...]  # options of its runs
    scheduler_sha256: Optional[str] = None
    kernel_sha256: str = ""


@dataclass(frozen=True)
class Payload:
    name: str
    words: tuple[str, ...]  # empty: none


@dataclass(frozen=True)
class Design:
    seed: int
    sides: tuple[Side, ...]
    payloads: tuple[Payload, ...]
    common: tuple[str, ...]
    runs: int  # of each side, unless the command line says otherwise
    directory: str = ""  # in which the runs' relative paths are


@dataclass(frozen=True)
class Turn:
    """One run of the comparison."""
    name: str
    round: int  # from 0: each side has one run of each payload in it
    payload: int
    side: int


def turns(design: Design, rounds: int) -> Iterator[Turn]:
    """ABBA: a second round has the sides in the opposite order of the first one, which the seed shuffles; what drifts
    with the time adds the same to each."""
    chance = random.Random(f"order/{design.seed}")
    number = itertools.count(1)
    order: list[int] = []
    for at in range(rounds):
        order = order[::-1] if at % 2 else chance.sample(range(len(design.sides)), len(design.sides))
        for payload in range(len(design.payloads)):
            for side in order:
                yield Turn(f"{next(number):05d}", at, payload, side)


def make_design(options: Options, paths: Paths, jobs: Jobs) -> tuple[Design, Plan]:
    """And a Plan of the first side's run. Every side is checked as a run of its own is."""
    if len(options.compare) == 1 and not _KEY.match(options.compare[0]):
        design = _of_file(options, paths, jobs)
    else:
        design = _of_operands(options)
    if not 2 <= len(design.sides) <= SIDES_MAX:
        raise Fault(f"--compare: {len(design.sides)} sides, not 2 to {SIDES_MAX}: a scheduler with its arguments, "
                    "none, or KEY=VALUE")
    plans = [_check(design, side, payload, paths, jobs) for side in design.sides for payload in design.payloads]
    digests: dict[str, str] = {}
    sides = [_with_digests(side, plans[at * len(design.payloads)], digests) for at, side in enumerate(design.sides)]
    return replace(design, sides=tuple(sides), common=_with_kernel(design.common, plans[0])), plans[0]


def _with_kernel(words: tuple[str, ...], plan: Plan) -> tuple[str, ...]:
    """Which kernel a release is, is decided once, not by each run."""
    return tuple((plan.options.kernel or word) if option == "-k" and not word.startswith("-") else word
                 for option, word in zip(("", *words), words))


def words_of(design: Design, side: Side, payload: Payload) -> list[str]:
    """The command line of a run, without -o."""
    is_measured = {"--stats", "--stats-all"} & set(design.common + side.words)
    words = [*design.common, *side.words, *([] if is_measured else ["--stats"])]
    return words + (["--", *payload.words] if payload.words else [])


def _check(design: Design, side: Side, payload: Payload, paths: Paths, jobs: Jobs) -> Plan:
    try:
        options = parse(words_of(design, side, payload), paths.version, "/dev/null", defaults="")
        wrong = not_for_many(options._replace(tests=[]))
        if wrong:
            raise Fault(f"not for many runs: {wrong}")
        if options.record_replay:
            raise Fault("--record-replay: no figure of a recorded run says how fast anything is")
        return make_plan(options, paths, jobs)
    except Fault as fault:
        raise Fault(f"--compare: {side.letter} ({side.label}): {fault}") from fault
    except SystemExit:
        raise Fault(f"--compare: {side.letter} ({side.label}): not for a run: {' '.join(side.words)}") from None


def _of_operands(options: Options) -> Design:
    if options.command is None and not options.tests:
        raise Fault("--compare: nothing to measure: give a command after --")
    common = words_of_runs(environment_words(os.environ.get("KTRUN_OPTS", ""))) + words_of_runs(options.words)
    sides: list[Side] = []
    for operand in options.compare:
        try:
            words = _words_of_operand(operand, words_of_runs(options.words))
        except Fault as fault:
            raise Fault(f"--compare: {_letter(len(sides))} ({operand or repr(operand)}): {fault}") from fault
        sides.append(_side(len(sides), _label(operand), words, sides))
    payload = Payload("" if options.tests else shown_words(options.arguments), options.arguments)
    return Design(0, tuple(sides), (payload,), tuple(common), RUNS, os.getcwd())


def _letter(number: int) -> str:
    return chr(ord("A") + number % SIDES_MAX)


def _side(number: int, label: str, words: Sequence[str], others: Sequence[Side]) -> Side:
    """A side may be there twice, to see what the same differs from itself."""
    same = sum(re.sub(r" #[0-9]+\Z", "", other.label) == label for other in others)
    return Side(_letter(number), f"{label} #{same + 1}" if same else label, tuple(words))


def _words_of_operand(operand: str, words_for_all: Sequence[str]) -> list[str]:
    keys = _read_operand(operand)
    given = next((key for key in keys if _OPTION_OF.get(key) in words_for_all), None)
    if given:
        raise Fault(f"{_OPTION_OF[given]} is given for all sides, too")
    return [word for key, value in keys.items() for word in _words(key, value)]


def _read_operand(operand: str) -> dict[str, str]:
    """KEY=VALUE..., each up to the next KEY=; what comes before the first KEY= is a scheduler with its arguments."""
    keys: dict[str, str] = {}
    for part in _NEXT_KEY.split(operand.strip(" \t")):
        key, _, value = part.partition("=") if _KEY.match(part) else ("scheduler", "", part)
        if not value.strip(" \t"):
            raise Fault(f"an empty {key}")
        if key in keys:
            raise Fault(f"{key} is there twice")
        keys[key] = value.strip(" \t")
    return keys


def _words(key: str, value: str) -> list[str]:
    """Options of ktrun."""
    if key == "options":
        return environment_words(value)
    if key != "scheduler":
        return [_OPTION_OF[key], parse_kernel("kernel", value) if key == "kernel" else value]
    if value == "none":
        return []
    path, *arguments = re.split(r"[ \t]+", value, maxsplit=1)
    return ["-s", parse_scheduler("-s", path), *(["-a", arguments[0]] if arguments else [])]


def _label(operand: str) -> str:
    """Short and unambiguous: a scheduler without its directory."""
    if _KEY.match(operand):
        return operand
    path, *arguments = re.split(r"[ \t]+", operand.strip(" \t"), maxsplit=1)
    return " ".join([os.path.basename(path) or path, *arguments])


def _of_file(options: Options, paths: Paths, jobs: Jobs) -> Design:
    """Kernels x topologies x schedulers are the sides; each payload is compared on its own."""
    path = parse_path("--compare", options.compare[0])
    if not os.path.exists(path):
        raise Fault(f"--compare: one operand is a file of --matrix, and there is none: {options.compare[0]}")
    other = next((word for word in words_of_runs(options.words) if word not in ("--warm", "--cold")), None)
    if other or options.command is not None:
        raise Fault(f"--compare FILE: what is asked of a run stands in the file: {other or '--'}")
    matrix = read_matrix(path, options, paths, jobs)
    common = ["-m", str(matrix.memory_mib), "-t", str(matrix.limit_secs), *retry_words(matrix),
              *matrix.options]
    common += ["--warm"] if options.warm else []
    payloads = tuple(Payload(payload.name, ("sh", "-c", payload.command)) for payload in matrix.payloads
                     if payload.command)
    if not payloads:
        raise Fault(f"--compare: nothing to measure: {path} has no payload")
    return Design(0, tuple(_sides_of(matrix)), payloads, tuple(common), matrix.repeat if matrix.repeat > 1 else RUNS,
                  os.getcwd())


def _sides_of(matrix: Matrix) -> Iterator[Side]:
    """Named by what differs."""
    sides: list[Side] = []
    for kernel, topology, scheduler in itertools.product(matrix.kernels, matrix.topologies, matrix.schedulers):
        parts = ((len(matrix.schedulers), scheduler.name), (len(matrix.topologies), str(topology)),
                 (len(matrix.kernels), kernel))
        label = " ".join(text for count, text in parts if count > 1) or scheduler.name
        words = ["-k", kernel, "--topology", str(topology)]
        if scheduler.path:
            words += ["-s", scheduler.path, *(["-a", scheduler.arguments] if scheduler.arguments else [])]
        sides.append(_side(len(sides), label, words, sides))
    yield from sides


def _with_digests(side: Side, plan: Plan, known: dict[str, str]) -> Side:
    scheduler = plan.options.scheduler
    return replace(side, words=_with_kernel(side.words, plan),
                   scheduler_sha256=_digest(scheduler, known) if scheduler else None,
                   kernel_sha256=_digest(plan.kernel.path, known))


def _digest(path: str, known: dict[str, str]) -> str:
    if path not in known:
        try:
            known[path] = sha256_of(path)
        except OSError as error:
            raise Fault(f"--compare: unable to read {path}: {error.strerror}") from error
    return known[path]


def choose_seed(directory: Optional[str], wanted: Optional[int]) -> int:
    """A directory that has a comparison keeps its seed."""
    path = f"{directory}/{NAME}"
    if directory and os.path.lexists(path):
        try:
            seed = read_json(path, _PLAN_MAX)["seed"]
        except (BadRecord, KeyError, TypeError) as error:
            raise Fault(f"{path} is not what ktrun writes: {error}") from error
        if type(seed) is not int or not 0 <= seed < 10 ** 9:
            raise Fault(f"{path} is not what ktrun writes: seed")
        if wanted not in (None, seed):
            raise Fault(f"--seed {wanted}: the comparison in {directory} has the seed {seed}: give a new directory "
                        "with -o")
        return seed
    return wanted if wanted is not None else int.from_bytes(os.urandom(4), "little") % 10 ** 9


def plan_bytes(design: Design) -> bytes:
    plan: dict[str, Any] = {
        "schema": SCHEMA, "seed": design.seed, "directory": design.directory, "common": design.common,
        "payloads": [{"name": payload.name, "words": payload.words} for payload in design.payloads],
        "sides": [{"letter": side.letter, "label": side.label, "words": side.words,
                   "scheduler_sha256": side.scheduler_sha256, "kernel_sha256": side.kernel_sha256}
                  for side in design.sides],
    }
    return lines_of(plan)


def shown_words(words: Sequence[str]) -> str:
    return " ".join(map(shlex.quote, words))

# SPDX-License-Identifier: GPL-2.0-only
"""Figures of a run: how well the payload was scheduled.

In:  the run directory's files `stats`, `stdout`, `stderr` and the dump of the scheduler's death. Out: Metrics, by name,
each with its unit, and the reason for each that is absent. docs/use/stats.md says what each is. Nothing here changes a
verdict.

A figure is a difference between the sample at the payload's start and the one at its end. A guest that died has no
end: then the last sample counts.
"""
from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field, replace
from typing import Callable, Optional, Sequence

from ..judge.stream import Stream
from ..lib.rundir import RunDirectory
from ..machine.topology import cpu_numbers
from .benchmarks import read_benchmarks
from .histogram import BadHistogram, Latencies, Wakeups, parse_migrations, parse_wakeups
from .samples import TICK_US, Sample, Sched, events_of_dump, growth_of_sched, parse_samples
from .stats_file import NAME, OWN_MAX, Record, StatsFile, read_stats

WINDOW_MS = 40  # applets/guest/ktwatch.c
_LATE_US = WINDOW_MS * 1000 // 4  # tasks that wait as long do not fit into a window
_PARTS = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
_DUMP_MAX = 64 * 1024 * 1024
_LATENCY_NAMES = ("wake_count", *(f"wake_{part}" for part in _PARTS), "wake_max")
_NUMBERS = ("nr_rejected", "hotplug_seq", "enable_seq")
# Metrics of one kernel file, by the section that has it, and the option of the kernel.
_SOURCES = {
    "stat": (("context_switches", "util", "idle", "steal", "runnable_mean", "runnable_max"), "/proc/stat"),
    "schedstat": (("cpu_time", "run_queue_wait", "run_queue_wait_mean", "runs"), "/proc/schedstat, CONFIG_SCHEDSTATS"),
    "psi_cpu": (("psi_cpu_some", "psi_cpu_full", "idle_while_waiting"), "/proc/pressure/cpu, CONFIG_PSI"),
    "psi_io": (("psi_io_some", "psi_io_full"), "/proc/pressure/io, CONFIG_PSI"),
    "psi_memory": (("psi_memory_some", "psi_memory_full"), "/proc/pressure/memory, CONFIG_PSI"),
    "scx_nr_rejected": (("nr_rejected",), "/sys/kernel/sched_ext/nr_rejected, CONFIG_SCHED_CLASS_EXT"),
    "scx_hotplug_seq": (("hotplug_seq",), "/sys/kernel/sched_ext/hotplug_seq, CONFIG_SCHED_CLASS_EXT"),
    "scx_enable_seq": (("enable_seq",), "/sys/kernel/sched_ext/enable_seq, CONFIG_SCHED_CLASS_EXT"),
    "scx_switch_all": (("switch_all",), "/sys/kernel/sched_ext/switch_all, CONFIG_SCHED_CLASS_EXT"),
}
_GROWS = re.compile(r"events\.|psi_|(context_switches|cpu_time|run_queue_wait|runs|runnable_max|nr_rejected|idle|steal"
                    r"|idle_while_waiting|duration)\Z")  # with each sample
_SUMS_OVER_CPUS = ("cpu_time", "run_queue_wait", "run_queue_wait_mean", "runs", "idle", "steal")
_MIGRATIONS = ("migrations", "migrations_llc", "migrations_node")


@dataclass(frozen=True)
class Value:
    value: float
    unit: str


@dataclass
class Metrics:
    """Empty for a run without figures."""
    values: dict[str, Value] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)  # why, by name
    samples: list[Sample] = field(default_factory=list)
    wakeups: str = ""  # which were timed: "windows" or "all"

    def add(self, name: str, value: float, unit: str) -> None:
        self.values[name] = Value(value, unit)

    def lack(self, names: Sequence[str], reason: str) -> None:
        for name in names:
            if name not in self.values:
                self.absent.setdefault(name, reason)


def read_metrics(directory: RunDirectory, stream: Stream, is_asked: bool) -> Metrics:
    """Raises OSError."""
    file = read_stats(directory.file(NAME))
    metrics = Metrics()
    if is_asked:
        metrics.samples = parse_samples(file.records)
        _add_events_at_death(metrics.samples, stream, directory)
        _measure(metrics, file, stream.exec_exit_code is not None)
        for name, value in read_benchmarks(directory).items():
            metrics.add(name, *value)
    for name, value in file.own.items():
        metrics.add(f"payload.{name}", *value)
    if file.own_left_out:
        metrics.lack(["payload"], f"{file.own_left_out} frames of `ktsend metric` are left out: the payload has sent "
                     f"more than {OWN_MAX} names")
    if is_asked and file.left_out:
        metrics.lack(["frames"], f"{file.left_out} frames of figures have another form or are too many: left out")
    if is_asked and file.foreign:
        metrics.lack(["foreign_frames"], f"{file.foreign} frames of figures are not ktwatch's, but another program's "
                     "of the guest: left out")
    return metrics


def _all_names() -> Sequence[str]:
    return (*_LATENCY_NAMES, *_task(_LATENCY_NAMES), *_MIGRATIONS, "events", "duration",
            *itertools.chain.from_iterable(names for names, _ in _SOURCES.values()))


def _measure(metrics: Metrics, file: StatsFile, has_ended: bool) -> None:
    """HAS_ENDED: the payload's status came, so its figures should have, too. The last sample of a guest that died is
    all that there is."""
    samples = metrics.samples
    if file.is_older:
        metrics.lack(_all_names(), "the run is of an older ktbox, whose frames of figures do not show who sent them")
        return
    if not samples or samples[0].kind != "begin":
        metrics.lack(_all_names(), "the guest sent no figures: the payload was not started, or the guest lacks ktwatch")
        return
    if file.is_torn:
        metrics.lack(_all_names(), "frames of ktwatch are missing")
        metrics.samples = []
        return
    if has_ended and samples[-1].kind != "end":
        metrics.lack(_all_names(), "ktwatch ended before the payload (was it killed?), so its figures have no end")
        metrics.samples = []
        return
    _add_counts(metrics, samples)
    _add_histograms(metrics, file)
    begin = next(record for record in file.records if record.kind == "begin")
    for section, (names, source) in _SOURCES.items():
        why = begin.why_absent(section) or "a counter is missing, or went back"
        metrics.lack(names, f"{source}: {why}")


def _add_counts(metrics: Metrics, samples: list[Sample]) -> None:
    """All that is counted from sample to sample."""
    first, last = samples[0], samples[-1]
    metrics.add("duration", max(0, last.ms - first.ms) / 1000, "s")
    _add_counters(metrics, first, last)
    _add_cpus(metrics, first, last)
    _lack_sums_over_cpus(metrics, first, last)
    _add_work_conservation(metrics, samples)
    _add_events(metrics, samples)
    _add_scheduler(metrics, samples)


def first_beyond(metrics: Metrics, name: str, is_beyond: Callable[[float], bool]) -> Optional[int]:
    """The guest's milliseconds of the first sample at which the metric NAME was beyond a limit: of one that only grows.
    Of another one the last sample's. None without samples."""
    samples = metrics.samples
    if not samples:
        return None
    low, high = 0, len(samples) - 1
    while low < high and _GROWS.match(name):
        middle = (low + high) // 2
        until = Metrics(samples=samples[:middle + 1])
        _add_counts(until, until.samples)
        value = until.values.get(name)
        low, high = (low, middle) if value is not None and is_beyond(value.value) else (middle + 1, high)
    return samples[high].ms


def _growth(first: Optional[int], last: Optional[int]) -> Optional[int]:
    """None where a counter is missing, or is less than before: no kernel's does that."""
    return last - first if first is not None and last is not None and last >= first else None


def _add_counters(metrics: Metrics, first: Sample, last: Sample) -> None:
    switches = _growth(first.context_switches, last.context_switches)
    if switches is not None:
        metrics.add("context_switches", switches, "count")
    _add_waits(metrics, growth_of_sched(first, last))
    for name in first.psi:
        pressure = _growth(first.psi[name], last.psi.get(name))
        if pressure is not None:
            metrics.add(f"psi_{name}", pressure, "us")
    for name in _NUMBERS:
        number = _growth(first.numbers.get(f"scx_{name}"), last.numbers.get(f"scx_{name}"))
        if number is not None:
            metrics.add(name, number, "count")
    if "scx_switch_all" in last.numbers:
        metrics.add("switch_all", last.numbers["scx_switch_all"], "flag")
    runnable = [sample.runnable for sample in metrics.samples if sample.runnable is not None]
    if runnable:
        metrics.add("runnable_mean", sum(runnable) / len(runnable), "tasks")
        metrics.add("runnable_max", max(runnable), "tasks")


def _add_waits(metrics: Metrics, sched: Optional[Sched]) -> None:
    if sched is None:
        return
    metrics.add("cpu_time", sched.ran_ns // 1000, "us")
    metrics.add("run_queue_wait", sched.waited_ns // 1000, "us")
    metrics.add("runs", sched.runs, "count")
    if sched.runs:
        metrics.add("run_queue_wait_mean", sched.waited_ns / sched.runs / 1000, "us")


def _lack_sums_over_cpus(metrics: Metrics, first: Sample, last: Sample) -> None:
    """The counters of a CPU go with it when it is taken offline: a sum without them would be too small, and nobody
    could see it."""
    cpus = sorted(first.cpus.keys() ^ last.cpus.keys())
    if cpus:
        metrics.lack(_SUMS_OVER_CPUS, f"CPU {', '.join(map(str, cpus[:10]))} was not online both at the payload's "
                     "start and at its end, and its counters are in one sample only")


def _add_cpus(metrics: Metrics, first: Sample, last: Sample) -> None:
    ticks = {cpu: parts for cpu in first.cpus if (parts := _ticks(first, last, cpu)) is not None}
    if not ticks:
        return
    busy, idle, steal = (sum(parts[at] for parts in ticks.values()) for at in range(3))
    if busy + idle + steal:
        metrics.add("util", 100 * busy / (busy + idle + steal), "%")
    if first.cpus.keys() == last.cpus.keys():
        metrics.add("idle", idle * TICK_US, "us")
        metrics.add("steal", steal * TICK_US, "us")
    for cpu, parts in sorted(ticks.items()):
        if sum(parts):
            metrics.add(f"cpu.{cpu}.util", 100 * parts[0] / sum(parts), "%")


def _ticks(first: Sample, last: Sample, cpu: int) -> Optional[tuple[int, int, int]]:
    """Busy, idle and stolen ones. A CPU that is offline at the end has none; idle time may go back by a tick."""
    if cpu not in last.cpus or cpu not in first.cpus:
        return None
    before, after = first.cpus[cpu], last.cpus[cpu]
    return max(0, after.busy - before.busy), max(0, after.idle - before.idle), max(0, after.steal - before.steal)


def idle_while_waiting_us(before: Sample, after: Sample) -> Optional[int]:
    """A lower bound: the time that a task waited, and the time that the idlest CPU was idle, can't both fit into the
    interval without this overlap."""
    waited = _growth(before.psi.get("cpu_some"), after.psi.get("cpu_some"))
    ticks = [parts for cpu in after.cpus if (parts := _ticks(before, after, cpu)) is not None]
    length = (after.ms - before.ms) * 1000
    if waited is None or not ticks or length < 0:
        return None
    idle = min(length, max(parts[1] for parts in ticks) * TICK_US)
    return max(0, min(waited, length) + idle - length)


def _add_work_conservation(metrics: Metrics, samples: list[Sample]) -> None:
    parts = [idle_while_waiting_us(*pair) for pair in zip(samples, samples[1:])]
    if parts and all(part is not None for part in parts):
        metrics.add("idle_while_waiting", sum(part or 0 for part in parts), "us")


def growth_of_events(before: Optional[dict[str, int]], after: dict[str, int]) -> dict[str, int]:
    """A scheduler that is attached anew counts from 0."""
    old = before or {}
    return {name: count - old.get(name, 0) if count >= old.get(name, 0) else count for name, count in after.items()}


def _add_events(metrics: Metrics, samples: list[Sample]) -> None:
    total: dict[str, int] = {}
    before = samples[0].events
    if before is not None:
        total = {name: 0 for name in before}
    for sample in samples[1:]:
        if sample.events is not None:
            for name, count in growth_of_events(before, sample.events).items():
                total[name] = total.get(name, 0) + count
        before = sample.events
    for name, count in sorted(total.items()):
        metrics.add(f"events.{name}", count, "ns" if name.endswith("_DURATION") else "count")
    if not total:
        metrics.lack(["events"], "no scheduler was attached" if all(sample.scheduler is None for sample in samples)
                     else "/sys/kernel/sched_ext/root/events: the kernel has no such file (Linux 6.15 and later do)")


def _add_scheduler(metrics: Metrics, samples: list[Sample]) -> None:
    """The scheduler's last words: nobody but it knows which of its numbers are counters."""
    own = next((sample.own for sample in reversed(samples) if sample.own is not None), None)
    for name, number in (own or {}).items():
        metrics.add(f"scx.{name}", number, "number")
    problem = next((sample.own_problem for sample in reversed(samples) if sample.own_problem), None)
    if own is None and problem:
        metrics.lack(["scx"], f"/var/run/scx/root/stats: {problem}")
    if own == {}:
        metrics.lack(["scx"], "the scheduler's answer on /var/run/scx/root/stats has no numbers")


def _add_events_at_death(samples: list[Sample], stream: Stream, directory: RunDirectory) -> None:
    """The file with the counters goes with the scheduler; its dump has what they were then."""
    dump = stream.death_dump
    lost = next((at for at, (before, after) in enumerate(zip(samples, samples[1:]), 1)
                 if before.events and not after.events), None)
    if not dump or lost is None or any(sample.events for sample in samples[lost:]):
        return
    path = directory.file(dump.file)
    if not 0 < directory.size(dump.file) <= _DUMP_MAX:
        return
    with open(path, encoding="ascii", errors="replace", newline="\n") as file:
        events = events_of_dump(file.read())
    known = samples[lost - 1].events or {}
    if set(events) == set(known) and all(events[name] >= known[name] for name in known):
        samples[lost] = replace(samples[lost], events=events)


def _add_histograms(metrics: Metrics, file: StatsFile) -> None:
    topology = next((record for record in file.records if record.kind == "topology"), None)
    record = next((record for record in reversed(file.records) if record.kind == "histograms"), None)
    names = (*_LATENCY_NAMES, *_task(_LATENCY_NAMES))
    metrics.wakeups = ((topology.text("wakeups") if topology else None) or "")[:16]
    if record is None:
        metrics.lack((*names, *_MIGRATIONS), "the guest ended before it could send the kernel's histograms")
        return
    try:
        _add_wakeups(metrics, record, topology)
        _add_migrations(metrics, record, topology)
    except BadHistogram as error:
        metrics.lack((*names, *_MIGRATIONS), f"not a histogram: {error}")


def _task(names: Sequence[str]) -> list[str]:
    return [f"task.{name}" for name in names]


def _add_wakeups(metrics: Metrics, record: Record, topology: Optional[Record]) -> None:
    text, names = record.text("wakeup"), (*_LATENCY_NAMES, *_task(_LATENCY_NAMES))
    if text is None or not text.strip():
        why = record.why_absent("wakeup") or (topology and topology.why_absent("wakeup")) or "no histogram came"
        metrics.lack(names, f"tracefs, CONFIG_HIST_TRIGGERS and CONFIG_SYNTH_EVENTS: {why}")
        return
    wakeups = parse_wakeups(text)
    mean = metrics.values.get("run_queue_wait_mean")
    if metrics.wakeups != "all" and mean and mean.value > _LATE_US:
        metrics.lack(names, f"tasks wait {mean.value / 1000:.0f} ms on average, too long for a window of {WINDOW_MS} "
                     "ms: --stats-all times all wakeups")
        return
    _add_all_latencies(metrics, wakeups)


def _add_all_latencies(metrics: Metrics, wakeups: Wakeups) -> None:
    _add_latencies(metrics, "", wakeups.everyone)
    _add_latencies(metrics, "task.", wakeups.new)
    for cpu, latencies in sorted(wakeups.cpus.items()):
        _add_latencies(metrics, f"cpu.{cpu}.", latencies)
    if wakeups.dropped:
        metrics.add("wake_dropped", wakeups.dropped, "count")


def _add_latencies(metrics: Metrics, prefix: str, latencies: Latencies) -> None:
    metrics.add(f"{prefix}wake_count", latencies.total, "count")
    for part, value in zip(_PARTS, latencies.percentiles(tuple(_PARTS.values()))):
        if value is None:
            metrics.lack([f"{prefix}wake_{part}"], f"{latencies.total} wakeups were timed, too few")
        else:
            metrics.add(f"{prefix}wake_{part}", value, "us")
    if metrics.wakeups == "all" and latencies.most is not None:
        metrics.add(f"{prefix}wake_max", latencies.most, "us")
    else:
        metrics.lack([f"{prefix}wake_max"], "no wakeup was timed" if metrics.wakeups == "all"
                     else "only --stats-all times all wakeups")


def _add_migrations(metrics: Metrics, record: Record, topology: Optional[Record]) -> None:
    text = record.text("migrate")
    if text is None:
        why = (topology.why_absent("migrate") if topology else None) or "no histogram came"
        metrics.lack(_MIGRATIONS, f"tracefs, CONFIG_HIST_TRIGGERS: {why}")
        return
    moves = parse_migrations(text)
    metrics.add("migrations", sum(moves.values()), "count")
    for name, groups, what in (("migrations_llc", _groups(topology, "llc_"), "caches"),
                               ("migrations_node", _groups(topology, "node_"), "nodes")):
        if all(cpu in groups for pair in moves for cpu in pair):
            crossed = [count for (orig, dest), count in moves.items() if groups[orig] != groups[dest]]
            metrics.add(name, sum(crossed), "count")
        else:
            metrics.lack([name], f"the guest's kernel does not say which CPUs share their {what}")


def _groups(topology: Optional[Record], prefix: str) -> dict[int, str]:
    """The cache or node of each CPU, named by its list of CPUs."""
    groups: dict[int, str] = {}
    for name in topology.sections if topology else ():
        if name.startswith(prefix):
            text = ((topology.text(name) if topology else None) or "").strip()
            groups.update((cpu, text) for cpu in cpu_numbers(text))
    return groups

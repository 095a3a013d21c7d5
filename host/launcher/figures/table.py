# SPDX-License-Identifier: GPL-2.0-only
"""metrics.tsv: the samples of a run over time, for a spreadsheet or a plot.

In:  Metrics. Out: one line per sample, columns with tabs between them; "-" where the kernel said nothing. Counters are
the growth since the sample before.
"""
from __future__ import annotations

from typing import Iterator, Optional

from .metrics import Metrics, growth_of_events
from .samples import Sample, growth_of_sched

NAME = "metrics.tsv"
_COLUMNS = ("ms", "kind", "util", "runnable", "context_switches", "cpu_time_us", "run_queue_wait_us", "psi_cpu_some_us",
            "steal_ticks", "nr_rejected", "scheduler")


def table_bytes(metrics: Metrics) -> bytes:
    samples = metrics.samples
    cpus = sorted({cpu for sample in samples for cpu in sample.cpus})
    events = sorted({name for sample in samples for name in sample.events or ()})
    own = sorted({name for sample in samples for name in sample.own or ()})
    lines = ["\t".join([*_COLUMNS, *(f"cpu{cpu}_util" for cpu in cpus), *events, *(f"scx.{name}" for name in own)])]
    for at, sample in enumerate(samples):
        before = samples[at - 1] if at else sample
        lines.append("\t".join(_cell(value) for value in (*_row(before, sample, cpus, events),
                                                      *(_own_cell(sample, name) for name in own))))
    return "".join(line + "\n" for line in lines).encode("ascii", "replace")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else "".join(c if c.isprintable() else "?" for c in str(value))


def _own_cell(sample: Sample, name: str) -> Optional[str]:
    """The scheduler knows how many digits of its numbers count."""
    number = (sample.own or {}).get(name)
    return None if number is None else f"{number:.12g}"


def _row(before: Sample, sample: Sample, cpus: list[int], events: list[str]) -> Iterator[object]:
    sched = growth_of_sched(before, sample)
    yield from (sample.ms, sample.kind, busy_share(before, sample, None), sample.runnable)
    yield _growth(before.context_switches, sample.context_switches)
    yield from (sched.ran_ns // 1000, sched.waited_ns // 1000) if sched else (None, None)
    yield _growth(before.psi.get("cpu_some"), sample.psi.get("cpu_some"))
    yield _steal(before, sample)
    yield _growth(before.numbers.get("scx_nr_rejected"), sample.numbers.get("scx_nr_rejected"))
    yield sample.scheduler
    yield from (busy_share(before, sample, cpu) for cpu in cpus)
    growth = growth_of_events(before.events, sample.events) if sample.events is not None else {}
    yield from (growth.get(name) for name in events)


def _growth(before: Optional[int], after: Optional[int]) -> Optional[int]:
    return None if before is None or after is None else max(0, after - before)


def _steal(before: Sample, sample: Sample) -> Optional[int]:
    """Ticks, of the CPUs that are in both."""
    both = before.cpus.keys() & sample.cpus.keys()
    return sum(max(0, sample.cpus[cpu].steal - before.cpus[cpu].steal) for cpu in both) if both else None


def busy_share(before: Sample, after: Sample, cpu: Optional[int]) -> Optional[float]:
    """Percent, of one CPU or all; None: no tick has passed."""
    asked = after.cpus if cpu is None else (cpu,)
    chosen = [number for number in asked if number in before.cpus and number in after.cpus]
    busy = sum(max(0, after.cpus[number].busy - before.cpus[number].busy) for number in chosen)
    rest = sum(max(0, after.cpus[number].idle + after.cpus[number].steal
                   - before.cpus[number].idle - before.cpus[number].steal) for number in chosen)
    return 100 * busy / (busy + rest) if busy + rest else None

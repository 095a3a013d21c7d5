# SPDX-License-Identifier: GPL-2.0-only
"""The figures of a run for people: two or three lines of the summary; a table and small charts for the page.

In:  Metrics. Out: text, HTML. A chart is a line of at most 600 points, the largest value of each.
"""
from __future__ import annotations

from typing import Iterator, Optional, Sequence

from ..figures.metrics import Metrics, Value
from ..figures.table import busy_share
from ..lib.text import xml

_POINTS_MAX = 600
_ROWS_MAX = 400
_WIDTH, _HEIGHT = 600, 40
_ABSENT_SHOWN = 6


def figure_lines(metrics: Metrics, accel: str) -> Iterator[str]:
    """Without their heads."""
    if not metrics.values and not metrics.absent:
        return
    yield from filter(None, (_wakeups(metrics), _use(metrics), _programs(metrics)))
    missing = [name for name in metrics.absent if not name.startswith("cpu.")]
    if missing:
        more = f" and {len(missing) - _ABSENT_SHOWN} more" if len(missing) > _ABSENT_SHOWN else ""
        yield f"not measured: {', '.join(missing[:_ABSENT_SHOWN])}{more}; result.json says why"
    if accel == "tcg" and "duration" in metrics.values:
        yield "the machine is emulated (tcg): compare figures only with those of the same host and load"


def shown(value: Value) -> str:
    """A time in a unit that suits it."""
    if value.unit == "us":
        for size, unit in ((1000000, "s"), (1000, "ms")):
            if value.value >= size:
                return f"{value.value / size:.3g} {unit}"
    number = f"{value.value:.4g}" if isinstance(value.value, float) else str(value.value)
    return number if value.unit in ("count", "flag", "number", "tasks") else f"{number} {value.unit}"


def _joined(metrics: Metrics, names: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{title} {shown(metrics.values[name])}" for name, title in names if name in metrics.values)


def _wakeups(metrics: Metrics) -> Optional[str]:
    which = "task." if metrics.values.get("task.wake_count", Value(0, "")).value else ""
    if f"{which}wake_p50" not in metrics.values:
        return None
    parts = _joined(metrics, [(f"{which}wake_{part}", title) for part, title in (
        ("p50", "p50"), ("p90", "p90"), ("p99", "p99"), ("p999", "p99.9"), ("max", "max"))])
    count = shown(metrics.values[f"{which}wake_count"])
    return f"wake to run of {'the payload' if which else 'all tasks'}: {parts}; {count} wakeups timed"


def _use(metrics: Metrics) -> Optional[str]:
    return _joined(metrics, [("util", "CPUs busy"), ("context_switches", "switches"), ("migrations", "migrations"),
                             ("run_queue_wait_mean", "mean wait"),
                             ("idle_while_waiting", "idle while tasks waited")]) or None


def _programs(metrics: Metrics) -> Optional[str]:
    own = [name for name in metrics.values
           if name.startswith(("payload.", "hackbench.", "perf.", "cyclictest.", "stress-ng.",
                               "schbench."))]
    return ", ".join(f"{name} {shown(metrics.values[name])}" for name in own[:4]) or None


def figures_section(metrics: Metrics) -> str:
    """HTML; empty without figures."""
    if not metrics.values and not metrics.absent:
        return ""
    rows = [f"<tr><td><code>{xml(name)}</code></td><td>{xml(shown(value))}</td></tr>\n"
            for name, value in metrics.values.items()]
    rows += [f'<tr><td><code>{xml(name)}</code></td><td class="dim">{xml(reason)}</td></tr>\n'
             for name, reason in metrics.absent.items()]
    if len(rows) > _ROWS_MAX:
        rows[_ROWS_MAX:] = [f'<tr><td colspan="2">{len(rows) - _ROWS_MAX} more are in result.json</td></tr>\n']
    return _charts(metrics) + ('<div class="scroll"><table><thead><tr><th>Metric</th><th>Value</th></tr></thead>'
                               f"<tbody>\n{''.join(rows)}</tbody></table></div>\n")


def _charts(metrics: Metrics) -> str:
    samples = metrics.samples
    if len(samples) < 3:
        return ""
    pairs = list(zip(samples, samples[1:]))
    series: list[tuple[str, list[Optional[float]]]] = [
        ("CPUs busy, %", [busy_share(before, after, None) for before, after in pairs]),
        ("Runnable tasks", [sample.runnable for sample in samples[1:]]),
        ("Share of the time in which a task waited, %", [_pressure(before.psi, after.psi, after.ms - before.ms)
                                                         for before, after in pairs]),
    ]
    return "".join(_chart(title, [value or 0 for value in values]) for title, values in series if any(values))


def _pressure(before: dict[str, int], after: dict[str, int], ms: int) -> Optional[float]:
    if "cpu_some" not in before or "cpu_some" not in after or ms <= 0:
        return None
    return min(100.0, max(0.0, (after["cpu_some"] - before["cpu_some"]) / ms / 10))


def _chart(title: str, values: list[float]) -> str:
    step = -(-len(values) // _POINTS_MAX)
    points = [max(values[at:at + step]) for at in range(0, len(values), step)]
    top = max(points) or 1
    line = " ".join(f"{at * _WIDTH / max(1, len(points) - 1):.1f},{_HEIGHT - point / top * _HEIGHT:.1f}"
                    for at, point in enumerate(points))
    return (f'<figure class="spark"><figcaption>{title}, at most {top:.3g}</figcaption>'
            f'<svg viewBox="0 -2 {_WIDTH} {_HEIGHT + 4}" preserveAspectRatio="none" role="img" aria-label="{title}">'
            f'<polyline points="{line}"/></svg></figure>\n')

# SPDX-License-Identifier: GPL-2.0-only
"""The results of well-known programs, from what they print.

In:  the payload's stdout and stderr, the last MiB of each. Out: figures by name, with their unit. A program's output is
recognised by lines that it alone prints; test/data/output has what the programs of Debian 12 print, and schbench, which
Debian does not have. A result that is printed again takes the place of the one before.
"""
from __future__ import annotations

import os
import re
from typing import Callable

from ..lib.rundir import RunDirectory

Figures = dict[str, tuple[float, str]]
_BYTES_MAX = 1024 * 1024
_FIGURES_MAX = 500
_NUMBER = r"([0-9]{1,15}(?:\.[0-9]{1,9})?)"


def read_benchmarks(directory: RunDirectory) -> Figures:
    """Raises OSError."""
    found: Figures = {}
    for name in ("stdout", "stderr"):
        if directory.size(name):
            found.update(parse_output(_end_of(directory.file(name))))
    return dict(list(found.items())[:_FIGURES_MAX])


def _end_of(path: str) -> str:
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - _BYTES_MAX))
        return file.read(_BYTES_MAX).decode("ascii", "replace")


def parse_output(text: str) -> Figures:
    found: Figures = {}
    for parse in _PARSERS:
        found.update(parse(text))
    return found


def _hackbench(text: str) -> Figures:
    times = re.findall(r"^Running in (?:process|thread)(?:ed)? mode with [^\n]*\n(?:[^\n]*\n){0,3}?Time: " + _NUMBER
                       + r"$", text,
                       re.MULTILINE)
    return {"hackbench.time": (float(times[-1]), "s")} if times else {}


def _perf_bench(text: str) -> Figures:
    found: Figures = {}
    for part in re.split(r"^# Running '", text, flags=re.MULTILINE)[1:]:
        name = re.match(r"([a-z]{1,20})/([a-z0-9-]{1,30})' benchmark:\n", part)
        if not name:
            continue
        prefix = f"perf.{name.group(1)}.{name.group(2)}"
        for figure, unit, pattern in (("time", "s", r" *Total time: {} \[sec\]"),
                                      ("time_per_op", "us", r" *{} usecs/op"),
                                      ("ops", "1/s", r" *{} ops/sec")):
            value = re.search("^" + pattern.format(_NUMBER) + "$", part, re.MULTILINE)
            if value:
                found[f"{prefix}.{figure}"] = (float(value.group(1)), unit)
    return found


def _cyclictest(text: str) -> Figures:
    """Of the last report of each thread."""
    found = _cyclictest_histogram(text)
    if "# /dev/cpu_dma_latency set to" not in text:
        return found
    for match in re.finditer(r"^T: ?([0-9]{1,4}) \( *[0-9]+\) P: *[0-9]+ I: *[0-9]+ C: *([0-9]{1,15})"
                             r" Min: *([0-9]{1,15})"
                             r" Act: *[0-9]+ Avg: *([0-9]{1,15}) Max: *([0-9]{1,15})", text, re.MULTILINE):
        prefix = f"cyclictest.{match.group(1)}"
        found[f"{prefix}.cycles"] = (int(match.group(2)), "count")
        for name, value in zip(("min", "avg", "max"), match.groups()[2:]):
            found[f"{prefix}.{name}"] = (int(value), "us")
    return found


def _cyclictest_histogram(text: str) -> Figures:
    """What stands below the histogram of -h or -H: a line per figure, a column per thread. -H has one column more, of
    all threads. A value beyond the histogram is not in its total."""
    columns = {name: [int(word) for word in found[-1].split()] for name in
               ("Total", "Min Latencies", "Avg Latencies", "Max Latencies", "Histogram Overflows")
               if (found := re.findall(rf"^# {name}:((?: [0-9]{{1,15}})+)$", text, re.MULTILINE))}
    threads = len(re.findall(r"^# Thread [0-9]{1,4}:", text.rpartition("\n# Histogram Overflow at cycle number:\n")[2],
                             re.MULTILINE))
    if len(columns) < 5 or min(map(len, columns.values())) < threads:
        return {}
    total, least, mean, most, beyond = columns.values()
    figures: Figures = {}
    for at in range(threads):
        figures[f"cyclictest.{at}.cycles"] = (total[at] + beyond[at], "count")
        for name, value in (("min", least[at]), ("avg", mean[at]), ("max", most[at])):
            figures[f"cyclictest.{at}.{name}"] = (value, "us")
    return figures


def _stress_ng(text: str) -> Figures:
    """The table of --metrics or --metrics-brief."""
    found: Figures = {}
    row = re.compile(r"^stress-ng: (?:metrc|info): +\[[0-9]+\] ([a-z][a-z0-9-]{0,30}) +([0-9]{1,15})"
                     + (" +" + _NUMBER) * 5, re.MULTILINE)
    if "bogo ops real time" not in text:
        return found
    for match in row.finditer(text):
        prefix = f"stress-ng.{match.group(1)}"
        found[f"{prefix}.bogo_ops"] = (int(match.group(2)), "count")
        found[f"{prefix}.bogo_ops_per_s"] = (float(match.group(6)), "1/s")
        found[f"{prefix}.bogo_ops_per_cpu_s"] = (float(match.group(7)), "1/s")
    return found


def _schbench(text: str) -> Figures:
    """Of the last report of each kind; in its pipe mode it reports transfers instead of requests."""
    found: Figures = {}
    report = re.compile(r"^(Wakeup|Request) Latencies percentiles \(usec\) runtime [0-9]+ \(s\) "
                        r"\([0-9]+ total samples\)\n((?:\t[^\n]*\n)+)", re.MULTILINE)
    for match in report.finditer(text):
        prefix = f"schbench.{match.group(1).lower()}"
        for percent, value in re.findall(r"^\t[ *] *([0-9]{1,2}\.[0-9])th: ([0-9]{1,15}) ", match.group(2),
                                         re.MULTILINE):
            found[f"{prefix}_p{percent.replace('.', '').removesuffix('0')}"] = (int(value), "us")
        most = re.search(r" max=([0-9]{1,15})$", match.group(2), re.MULTILINE)
        if most:
            found[f"{prefix}_max"] = (int(most.group(1)), "us")
    if found:
        for name, pattern in (("rps", r"average rps: {}"), ("transfers", r"avg worker transfer: {} ops/sec [^\n]*")):
            rates = re.findall("^" + pattern.format(_NUMBER) + "$", text, re.MULTILINE)
            found.update({f"schbench.{name}": (float(rates[-1]), "1/s")} if rates else {})
    return found


_PARSERS: tuple[Callable[[str], Figures], ...] = (_hackbench, _perf_bench, _cyclictest, _stress_ng, _schbench)

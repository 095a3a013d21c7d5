# SPDX-License-Identifier: GPL-2.0-only
"""The frequency of the guest's clock, for a guest under TCG, which can't measure it.

It has the host's time stamp counter, and on a busy host it measures a wrong frequency for it; then its clock is wrong,
and with it all time-outs in the guest. Each further CPU calibrates its delay loop against the same busy host, and fails
in half of all loaded boots; with the frequency and HZ that is known too.

In:  kttsc's measurement, which takes 10 ms. Out: words of the kernel's command line.
"""
from __future__ import annotations

from typing import Optional

from ..lib.jobs import Jobs, Tool
from ..lib.paths import Paths
from ..plan import Plan, check_busybox


class Clock:
    def __init__(self, paths: Paths, jobs: Jobs) -> None:
        self._paths, self._jobs = paths, jobs
        self._measurement: Optional[Tool] = None

    def measure(self) -> None:
        """Begins, where a guest is to boot: so it takes its time beside other work, and before it is known whether the
        guest needs it. Raises Fault."""
        check_busybox(self._paths)
        self._measurement = self._jobs.begin([self._paths.busybox, "kttsc"])

    def words(self, plan: Plan, accel: str) -> str:
        """To come before the user's words, so that theirs win. With -icount the counter is another one, which no host
        disturbs."""
        is_needed = accel == "tcg" and plan.kernel.arch.name == "x86_64" and not plan.options.counts_instructions
        if is_needed and not self._measurement:
            self.measure()
        measured = self._measurement.finish() if self._measurement else None
        if not is_needed or not measured or measured.status != 0:  # the last: a host of another architecture
            return ""
        khz = int(measured.output)
        return f"tsc_early_khz={khz} " + (f"lpj={khz * 1000 // plan.hz} " if plan.hz else "")

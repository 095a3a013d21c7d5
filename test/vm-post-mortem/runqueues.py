# SPDX-License-Identifier: GPL-2.0-only
"""For drgn: what each CPU ran and how many tasks wanted it, from a vmcore with the kernel's debug information."""
from typing import Any

from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.percpu import per_cpu

prog: Any  # drgn's

for cpu in for_each_online_cpu(prog):
    queue = per_cpu(prog["runqueues"], cpu)
    print(f"CPU {cpu}: {queue.curr.comm.string_().decode()}, runnable {int(queue.nr_running)}")

# SPDX-License-Identifier: GPL-2.0-only
"""The CPUs and the memory that the guest sees: NUMA nodes, last-level caches, cores, threads.

Schedulers decide by topology. A socket of QEMU stands for a last-level cache: that is what Linux makes of one with
the CPUs of TCG and of KVM alike (dies show up only with Intel's CPUID, which costs TCG page-table isolation). A node
is a group of sockets.
"""
from __future__ import annotations

import re
from typing import NamedTuple

from ..lib.text import Fault
from ..options.values import parse_number

NODE_MIB_LEAST = 32
NODES_MAX = 128
CPUS_MAX = 255
APIC_MAX = 254  # 255 is the broadcast
CPUS_LISTED = 8192  # as many as a kernel of x86 can have (NR_CPUS)
_CPU = re.compile(r"[0-9]{1,4}", re.ASCII)
_LIST_MAX = 65536


class Topology(NamedTuple):
    nodes: int
    caches: int  # of a node
    cores: int  # of a cache
    threads: int  # of a core
    is_named: bool  # by --topology, not by -c

    @property
    def cpus(self) -> int:
        return self.nodes * self.caches * self.cores * self.threads

    @property
    def sockets(self) -> int:
        return self.nodes * self.caches

    @property
    def smp(self) -> str:
        """The value of QEMU's -smp."""
        return f"{self.cpus},sockets={self.sockets},dies=1,cores={self.cores},threads={self.threads}"

    def __str__(self) -> str:
        return f"{self.nodes},{self.caches},{self.cores},{self.threads}"


def parse_topology(option: str, value: str) -> Topology:
    """NODES,CACHES,CORES,THREADS, each from 1 to 999. Raises Fault."""
    words = value.split(",")
    if len(words) != 4 or not all(w.isascii() and w.isdigit() and w[0] != "0" and len(w) <= 3 for w in words):
        raise Fault(f"{option}: not NODES,CACHES,CORES,THREADS (four numbers from 1): {value}")
    nodes, caches, cores, threads = (int(word) for word in words)
    topology = Topology(nodes, caches, cores, threads, is_named=True)
    if topology.nodes > NODES_MAX:
        raise Fault(f"{option} {value}: {topology.nodes} nodes, and QEMU's machine takes {NODES_MAX}")
    if topology.cpus > CPUS_MAX:
        raise Fault(f"{option} {value}: {topology.cpus} CPUs, and QEMU's machine takes {CPUS_MAX}")
    return topology


def parse_cpus(option: str, value: str) -> Topology:
    """One node with one last-level cache."""
    return Topology(1, 1, parse_number(option, value, 1, CPUS_MAX), 1, is_named=False)


def check_topology(topology: Topology, memory_mib: int) -> None:
    """Raise Fault for a machine that cannot be built."""
    share = memory_mib // topology.nodes
    if topology.nodes > 1 and share < NODE_MIB_LEAST:
        raise Fault(f"--topology {topology}: {share} MiB for a node, and each needs {NODE_MIB_LEAST}: "
                    "give more with -m")
    last = _last_apic_number(topology)
    if last > APIC_MAX:
        raise Fault(f"--topology {topology}: the last CPU gets the APIC number {last}, and {APIC_MAX} is the highest: "
                    "counts that are powers of two need fewer")


def _last_apic_number(topology: Topology) -> int:
    """A CPU's number has a field of whole bits for each level, so odd counts leave gaps."""
    threads = _power_of_two(topology.threads)
    cores = _power_of_two(topology.cores)
    return (topology.sockets - 1) * cores * threads + (topology.cores - 1) * threads + topology.threads - 1


def _power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length()


def cpu_numbers(text: str) -> set[int]:
    """The kernel's list of CPUs, 0-3,8, of the host or of a guest: numbers below CPUS_LISTED. A part that is none says
    nothing."""
    numbers: set[int] = set()
    for part in text[:_LIST_MAX].strip().split(","):
        low, dash, high = part.partition("-")
        if _CPU.fullmatch(low) and (not dash or _CPU.fullmatch(high)):
            numbers.update(range(int(low), min(int(high if dash else low), CPUS_LISTED - 1) + 1))
    return numbers


def memory_arguments(topology: Topology, memory_mib: int, files: str = "") -> list[str]:
    """QEMU's arguments for the nodes. A remainder of memory goes to the first, which the kernel fills most.

    FILES: where the memory is a file, the options of that, which end with its directory; its name is that of the node,
    or "ram" (then the machine names it as its memory)."""
    kind = "memory-backend-file" if files else "memory-backend-ram"
    if topology.nodes == 1 and not files:
        return []
    cpus = topology.cpus // topology.nodes
    arguments: list[str] = []
    for node, (name, size) in enumerate(memory_files(topology, memory_mib)):
        place = f",{files}{name}" if files else ""
        arguments += ["-object", f"{kind},id={name},size={size}M{place}"]
        if topology.nodes > 1:
            arguments += ["-numa", f"node,nodeid={node},memdev={name},cpus={node * cpus}-{(node + 1) * cpus - 1}"]
    return arguments


def memory_files(topology: Topology, memory_mib: int) -> list[tuple[str, int]]:
    """The name of each node's memory, and its MiB."""
    if topology.nodes == 1:
        return [("ram", memory_mib)]
    share = memory_mib // topology.nodes
    return [(f"node{node}", share if node else memory_mib - share * (topology.nodes - 1))
            for node in range(topology.nodes)]


def kvm_cpu_words(topology: Topology) -> str:
    """What follows `-cpu host`: the guest would see the host's caches, and on AMD no threads without topoext."""
    if not topology.is_named:
        return ""
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        has_topoext = any(line.startswith("flags") and " topoext" in line for line in file)
    return ",host-cache-info=off,l3-cache=on" + (",topoext=on" if has_topoext else "")

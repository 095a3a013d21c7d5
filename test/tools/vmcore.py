# SPDX-License-Identifier: GPL-2.0-only
"""For drgn: what a vmcore says of its kernel, in VMCOREINFO and in the memory at an address of the kernel's.

In:  a core, without debug information, and its path. Out: two lines, which agree if registers, page tables and pages
are right.
"""
import re
import struct
import sys
from typing import Any

prog: Any  # drgn's


def info_of(path: str) -> str:
    with open(path, "rb") as core:
        core.seek(4096 + 32)  # struct kdump_sub_header, in the second block
        offset, size = struct.unpack("<QQ", core.read(16))
        core.seek(offset)
        return core.read(size).decode()


values = dict(re.findall("^([^=]*)=(.*)$", info_of(sys.argv[1]), re.MULTILINE))
print("VMCOREINFO", values["OSRELEASE"])
names = prog.read(int(values["SYMBOL(init_uts_ns)"], 16) + int(values["OFFSET(uts_namespace.name)"]), 6 * 65)
print("memory", *(names[field * 65:].split(b"\0")[0].decode() for field in (0, 2)))

# SPDX-License-Identifier: GPL-2.0-only
"""--check and --kernel-config: the options that a kernel needs for ktbox and sched_ext.

In:  a build tree (built or only configured), a directory, an image or a .config; the table of config.py. Out: on
     stdout a line for each option that is missing; or all options, as a fragment for the kernel's
     scripts/kconfig/merge_config.sh.
Exit: 0; 1 an option is missing without which no guest or no scheduler runs.
"""
from __future__ import annotations

import os

from ..lib.text import Fault, print_text, without_controls
from .config import (FOR_SCHEDULERS, NEEDED, Config, Missing, find_config, fragment, lacking_options, missing_line,
                     read_config)
from .directory import architecture_of, is_build_tree, read_kernel_at
from .image import NEITHER, Architecture
from .modules import find_modules


def print_fragment(arch: str) -> int:
    print_text(fragment(arch).encode())
    return 0


def check_kernel(path: str) -> int:
    config, arch, has_modules = _configuration(path)
    missing = [one for one in lacking_options(config, arch.name)
               if not (has_modules and one.is_module and one.option.module)]
    lines = [missing_line(one) for one in missing] or [f"{config.origin}: no option is missing"]
    print_text(b"".join(without_controls(line) + b"\n" for line in lines))
    return 1 if any(map(_is_needed, missing)) else 0


def _is_needed(missing: Missing) -> bool:
    return missing.option.rank in (NEEDED, FOR_SCHEDULERS)


def _configuration(path: str) -> tuple[Config, Architecture, bool]:
    """And whether its modules are, or will be, known."""
    tree = path if os.path.isdir(path) else os.path.dirname(path)
    if is_build_tree(tree) and path in (tree, f"{tree}/.config"):
        config = read_config(f"{tree}/.config")
        if not config:
            raise Fault(f"--check: unable to read {tree}/.config")
        return config, architecture_of(config, tree), True
    try:
        kernel = read_kernel_at(path)
    except Fault as fault:
        config = read_config(path) if str(fault).startswith(NEITHER) else None
        if not config or not config.names_options:
            raise
        return config, architecture_of(config, path), False
    config = find_config(kernel.path, kernel.release, kernel.config)
    if not config:
        raise Fault(f"--check: no configuration of this kernel is known: {kernel.path}")
    return config, kernel.arch, find_modules(kernel, None) is not None

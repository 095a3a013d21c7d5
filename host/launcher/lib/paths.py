# SPDX-License-Identifier: GPL-2.0-only
"""Where the parts of ktbox lie, and where a run may leave things.

ktrun works from its own tree, and from an installed copy (make install), to which it never writes. An installed
copy has the file "version" beside host/; a tree has config.mk there.
"""
from __future__ import annotations

import os
import re
from typing import NamedTuple

from .user_paths import absolute


class Paths(NamedTuple):
    top: str  # the tree, or its installed copy
    parts: str  # the built files
    runs: str  # new run directories
    cache: str  # what is remembered from run to run; empty: nothing is
    default_kernel: str  # may be empty
    version: str

    @property
    def busybox(self) -> str:
        return self.parts + "/busybox"

    @property
    def program(self) -> str:
        return self.top + "/host/ktrun"


def find_paths(top: str) -> Paths:
    """In: the directory above host/; HOME, XDG_STATE_HOME, XDG_CACHE_HOME."""
    if os.access(top + "/version", os.R_OK):
        return _installed_paths(top)
    build = top + "/build"
    return Paths(top, build, build + "/runs", build, build + "/kernel/image", _tree_version(top))


def _tree_version(top: str) -> str:
    with open(top + "/config.mk", encoding="utf-8") as file:
        found = re.search(r"^VERSION *:= *(.*)$", file.read(), re.MULTILINE)
    return found.group(1) if found else "unknown"


def _installed_paths(top: str) -> Paths:
    """A user without a home gets the runs in the current directory, and nothing is remembered."""
    state = _under_home("XDG_STATE_HOME", ".local/state")
    cache = _under_home("XDG_CACHE_HOME", ".cache")
    with open(top + "/version", encoding="utf-8") as file:
        version = file.read().strip()
    return Paths(top, top, state + "/ktbox/runs" if state else absolute("ktbox-runs"),
                 cache + "/ktbox" if cache else "", "", version)


def _under_home(variable: str, default: str) -> str:
    """An absolute directory or none, as the XDG base directory specification has it."""
    value = os.environ.get(variable, "")
    if value.startswith("/"):
        return value
    home = os.environ.get("HOME", "")
    return f"{home}/{default}" if home else ""

# SPDX-License-Identifier: GPL-2.0-only
"""What of ktrun's own environment a program that it starts gets.

A helper (ktrecv, modprobe, sed, ...) gets only what it needs: the caller's PYTHONHOME, PERL5OPT or POSIXLY_CORRECT is
meant for other programs. QEMU and the runs of a matrix may be scripts of the user, with variables of their own: they
get all but what changes how any program works.
"""
from __future__ import annotations

import os
import re

_SYSTEM_PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
_HELPERS = ("HOME", "USER", "LOGNAME", "TERM", "XDG_RUNTIME_DIR")
_NEVER = re.compile(
    r"(LD|LC|PYTHON|PERL|PERL5|PARALLEL|GREP|MALLOC|XZ|ZSTD|G|BASH|GIO)_.*|(PYTHON|PERL|PARALLEL|BASH).*"
    r"|POSIX.*|CDPATH|ENV|IFS|SHELL|SHELLOPTS|LANG|LANGUAGE|GCONV_PATH|GLIBC_TUNABLES|LOCPATH|NLSPATH|GZIP|TAR_OPTIONS"
    r"|MODPROBE_OPTIONS|PATH|TMPDIR|OPTIND|PS4")
PACKAGES = {"xz": "xz-utils", "setpriv": "util-linux", "flock": "util-linux", "modprobe": "kmod", "modinfo": "kmod",
            "depmod": "kmod", "nm": "binutils", "addr2line": "binutils"}


def helper_environment() -> dict[str, str]:
    return _with_own({name: os.environ[name] for name in _HELPERS if name in os.environ})


def user_environment() -> dict[str, str]:
    return _with_own({name: value for name, value in os.environ.items() if not _NEVER.fullmatch(name)})


def _with_own(variables: dict[str, str]) -> dict[str, str]:
    """PATH ends with the system's directories, where modprobe and the like are."""
    given = [directory for directory in os.environ.get("PATH", "").split(":") if directory]
    variables["PATH"] = ":".join(given + [directory for directory in _SYSTEM_PATH if directory not in given])
    variables.update(LC_ALL="C", SHELL="/bin/sh")
    if os.path.isdir(os.environ.get("TMPDIR", "")):
        variables["TMPDIR"] = os.environ["TMPDIR"]
    return variables


def package_of(program: str) -> str:
    """Debian's."""
    return PACKAGES.get(program, program)

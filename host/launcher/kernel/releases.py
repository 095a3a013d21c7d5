# SPDX-License-Identifier: GPL-2.0-only
"""Kernels by their release: -k VERSION and --kernels.

In:  a release, or the begin of one; the source tree, the cache, /boot and /lib/modules; Debian's archives, by
     fetch.py. Out: the path of an image or of a directory, which -k takes; a table on stdout. Raises Fault for a
     release that nobody has, or that is not the only one.
"""
from __future__ import annotations

import glob
import os
import re
from typing import NamedTuple, Sequence

from ..lib.jobs import Jobs
from ..lib.paths import Paths
from ..lib.text import Fault, print_text, without_controls
from .config import find_config
from .directory import read_kernel_at
from .fetch import CACHE, ask_debian, fetch_kernel, known_offers
from .image import read_kernel

_SHOWN = 6
_FIRST_WITH_SCHED_EXT = (6, 12)


class Found(NamedTuple):
    """A kernel on this machine."""
    release: str
    path: str
    origin: str


def find_release(word: str, paths: Paths, jobs: Jobs, is_dry: bool) -> str:
    """WORD: a whole release, or the begin of only one. What is here comes first; then Debian is asked."""
    here = kernels_here(paths)
    releases = matching(word, [found.release for found in here])
    if len(releases) == 1:
        return next(found.path for found in here if found.release == releases[0])
    if not releases:
        return _from_debian(word, here, paths, jobs, is_dry)
    raise _ambiguous(word, releases)


def matching(word: str, releases: Sequence[str]) -> list[str]:
    """Each release once, the newest first; only WORD if it is one. 6.1 is no begin of 6.12."""
    if word in releases:
        return [word]
    return sorted({release for release in releases if re.match(rf"{re.escape(word)}(?![0-9])", release)
                   or (not word[-1].isdigit() and release.startswith(word))}, key=age, reverse=True)


def age(release: str) -> list[tuple[int, int, str]]:
    """Numbers in a release count as numbers."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall("[0-9]+|[^0-9]+", release)]


def _ambiguous(word: str, releases: Sequence[str]) -> Fault:
    return Fault(f"-k {word}: {len(releases)} kernels begin so: give more of one: {_some(releases)}")


def _some(releases: Sequence[str]) -> str:
    more = f" and {len(releases) - _SHOWN} more" if len(releases) > _SHOWN else ""
    return ", ".join(releases[:_SHOWN]) + more


def _from_debian(word: str, here: Sequence[Found], paths: Paths, jobs: Jobs, is_dry: bool) -> str:
    offers = known_offers(paths)
    trouble = "not asked: -n" if is_dry and offers is None else ""
    if not is_dry and not matching(word, [offer.release for offer in offers or []]):
        offers, trouble = ask_debian(paths, jobs)
    releases = matching(word, [offer.release for offer in offers or []])
    if len(releases) > 1:
        raise _ambiguous(word, releases)
    if not releases:
        local = _some(sorted({found.release for found in here}, key=age, reverse=True)) or "none"
        newest = _some(sorted({offer.release for offer in offers or []}, key=age, reverse=True)) or "none"
        raise Fault(f"-k {word}: neither a file here nor a kernel: this machine has {local}; Debian has {newest}"
                    + (f" ({trouble})" if trouble else ""))
    if is_dry:
        raise Fault(f"-k {word}: {releases[0]} is still to be fetched from Debian, which -n does not do")
    return fetch_kernel(next(offer for offer in offers or [] if offer.release == releases[0]), paths, jobs)


def kernels_here(paths: Paths, system: str = "") -> list[Found]:
    """The first of a release is what -k RELEASE takes. SYSTEM: in front of /boot and /lib."""
    found = [Found(_release_in(path), path, "source tree") for path in _built(paths)]
    found += [Found(os.path.basename(path), path, "cache") for path in _cached(paths)]
    for pattern in ("/boot/vmlinuz-*", "/boot/vmlinux-*"):
        found += [Found(os.path.basename(path).split("-", 1)[1], path, "installed")
                  for path in sorted(glob.glob(glob.escape(system) + pattern))]
    found += [Found(os.path.basename(os.path.dirname(path)), os.path.dirname(path), "installed")
              for path in sorted(glob.glob(glob.escape(system) + "/lib/modules/*/vmlinuz"))]
    return [kernel for kernel in found if kernel.release]


def _built(paths: Paths) -> list[str]:
    """What make puts into the source tree; an installed ktrun has none."""
    if not paths.default_kernel:
        return []
    top = os.path.dirname(os.path.dirname(paths.default_kernel))
    images = [path for pattern in ("/kernel*/image", "/aarch64/kernel*/image")
              for path in sorted(glob.glob(glob.escape(top) + pattern))]
    return [os.path.dirname(path) for path in images]


def _release_in(directory: str) -> str:
    """As find-kernel.sh wrote it; else of the image."""
    try:
        with open(f"{directory}/version", encoding="utf-8", errors="replace") as file:
            return file.readline(256).strip()
    except OSError:
        try:
            return read_kernel(f"{directory}/image").release or ""
        except (Fault, OSError):
            return ""


def _cached(paths: Paths) -> list[str]:
    """One that is still being made has a dot in front of its name."""
    if not paths.cache:
        return []
    return [os.path.dirname(path) for path in sorted(glob.glob(f"{glob.escape(paths.cache)}/{CACHE}/*/image"))]


def list_kernels(paths: Paths, jobs: Jobs) -> int:
    """--kernels: a line for each, those that are here first."""
    here = kernels_here(paths)
    offers, trouble = ask_debian(paths, jobs) if paths.cache else (None, "there is no HOME to keep its list in")
    releases = {found.release for found in here}
    rows = [("KERNEL", "SCHED_EXT", "WHERE")]
    taken: set[str] = set()
    for found in sorted(here, key=lambda found: age(found.release), reverse=True):
        rows.append((found.path if found.release in taken else found.release, _sched_ext_of(found.path),
                     f"{found.origin}: {found.path}"))
        taken.add(found.release)
    for offer in sorted(offers or [], key=lambda offer: age(offer.release), reverse=True):
        if offer.release not in releases:
            releases.add(offer.release)
            rows.append((offer.release, _sched_ext_by(offer.release), f"to be fetched: {offer.title}"))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}" for row in rows]
    lines += [f"Debian could not be asked: {trouble}"] if trouble else []
    print_text(b"".join(without_controls(line) + b"\n" for line in lines))
    return 0


def _sched_ext_of(path: str) -> str:
    try:
        kernel = read_kernel_at(path)
        config = find_config(kernel.path, kernel.release, kernel.config)
    except (Fault, OSError):
        return "unreadable"
    state = config.state("SCHED_CLASS_EXT") if config else None
    return {"y": "yes", "n": "no"}.get(state or "", "unknown")


def _sched_ext_by(release: str) -> str:
    """Before it is fetched, only the version is known."""
    found = re.match(r"([0-9]+)\.([0-9]+)", release)
    return "no" if found and (int(found.group(1)), int(found.group(2))) < _FIRST_WITH_SCHED_EXT else "unknown"

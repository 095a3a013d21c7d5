# SPDX-License-Identifier: GPL-2.0-only
"""How much of the maps a guest may send (--bpf). In: the disk space of the streams. Out: bytes."""
from __future__ import annotations

SIZE_MAX = 1 << 20  # of the entries of all maps, in bytes
_SHARE = 256  # of the streams' disk space: an entry as JSON takes seven times its bytes


def size_for_guest(streams_kib: int) -> int:
    """Bytes of maps."""
    return min(SIZE_MAX, streams_kib * 1024 // _SHARE)

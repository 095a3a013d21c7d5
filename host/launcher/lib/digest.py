# SPDX-License-Identifier: GPL-2.0-only
"""The SHA-256 of a file, by which ktrun knows it again: a kernel, a scheduler, a saved guest.

In:  a path. Out: 64 hexadecimal digits. Raises OSError.
"""
from __future__ import annotations

import hashlib

_BLOCK = 1 << 20


def sha256_of(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()

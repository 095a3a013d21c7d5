# SPDX-License-Identifier: GPL-2.0-only
"""--warm: a guest that was saved when it needed the run's files, and is resumed.

start        resumes a saved guest, and saves one
snapshot     the cache of saved guests             cache        --warm-list, --warm-clear
"""

# SPDX-License-Identifier: GPL-2.0-only
"""--compare: two or more sides, run in turns.

plan         sides and order                       runs         the runs, in turn
differences  per metric: difference and verdict    ranks        statistics
directions   which way a metric is better
"""

# SPDX-License-Identifier: GPL-2.0-only
"""--matrix: many runs, through GNU parallel.

file         what is to be crossed with what       runs         all of them, and a table
cells        the directory and the scripts of many runs
slots        how many at once
"""

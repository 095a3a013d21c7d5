# SPDX-License-Identifier: GPL-2.0-only
"""How well it scheduled: what the guest sent of figures becomes metrics.

stats_file   the guest's figures, as it sent them  samples      those of ktwatch
scx_stats    the scheduler's own statistics        histogram    the kernel's histograms
benchmarks   the output of known programs          metrics      computes all of them
table        metrics.tsv                           gates        --gate
run_records  the file of --record
"""

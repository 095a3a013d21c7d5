# SPDX-License-Identifier: GPL-2.0-only
"""From the run directory to the verdict, and nothing else is read.

stream       stream.json: what the frames said     console      panics and reports of the kernel
kernel_log   where these stand                     genuine      which of them a program wrote
headlines    how the kernel words them             hints        what messages of others mean
schedlog     the scheduler's log                   ktap         results of --kselftest
symbols      what symbolize found                  facts        all of that, as one value
reasons      why a run ended so                    death        the search of --expect-death
rules        Facts become a verdict                verdicts     the table of verdicts
attempts     --retries                             bisection    a verdict as an exit code for git
result       result.json: its writer and reader
"""

# SPDX-License-Identifier: GPL-2.0-only
"""The host half of ktbox: prepare, run, judge, report.

cli         the table of options               values      the syntax of an option's value
check       what the host must have            kernel      image, architecture, release
topology    CPUs and memory of the guest       machine     the QEMU command
include     programs and their libraries       modules     kernel modules
share       host directories in the guest      initramfs   the archive of one run
accelerator KVM or TCG                         jobs        child processes and signals
run         one guest, from start to end       terminal    ktrun's own terminal
rundir      the run directory                  host        host.json: what was asked for, how QEMU ended
stream      stream.json: what frames said      console     what the kernel reported
judge       run directory -> verdict           verdicts    the table of verdicts
result      result.json                        report/     summary, JUnit, TAP, page
matrix      many runs                          matrix_file what is to be crossed with what
"""

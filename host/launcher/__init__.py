# SPDX-License-Identifier: GPL-2.0-only
"""The host half of ktbox: prepare, run, judge, report.

cli         the table of options               options     what it says, as one value
values      the syntax of an option's value    plan        checks of all that a run needs
paths       where the parts of ktbox lie       kernel      image, architecture, release
topology    CPUs and memory of the guest       machine     the QEMU command, with the host's directories
include     programs and their libraries       modules     kernel modules
initramfs   the archive of one run             accelerator KVM or TCG
main        the steps of a run, in order       workdir     what only this run needs
run         one guest, from start to end       jobs        child processes and signals
terminal    ktrun's own terminal               history     of the guest's shell
rundir      the run directory                  host        host.json: what was asked for, how QEMU ended
stream      stream.json: what frames said      console     what the kernel reported
judge       run directory -> verdict           verdicts    the table of verdicts
result      result.json                        report/     summary, JUnit, TAP, page
records     JSON with checked types            text        bytes and names that may be shown
matrix      many runs                          matrix_file what is to be crossed with what
"""

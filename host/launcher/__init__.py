# SPDX-License-Identifier: GPL-2.0-only
"""The host half of ktbox: prepare, run, judge, report.

main         the entry                           single       one run: prepare, run, judge, report
cli          the table of options                options      what the command line says, as one value
values       the syntax of an option's value     plan         checks before anything starts
paths        where the parts of ktbox lie        kernel       image, architecture, release
include      programs and their libraries        modules      kernel modules
topology     CPUs and memory of the guest        machine      the QEMU command
initramfs    the archive of one run              accelerator  KVM or TCG
workdir      what only this run needs
run          one guest, from start to end        jobs         child processes and signals
terminal     ktrun's own terminal                history      the guest shell's history
rundir       the run directory                   records      JSON objects with their types checked
host         host.json: asked for, how it ended  stream       stream.json: what the frames said
console      what the kernel reported            judge        run directory -> verdict
verdicts     the table of verdicts               result       result.json
report/      summary, JUnit, TAP, page           text         untrusted text
matrix       many runs                           matrix_file  what is to be crossed with what
"""

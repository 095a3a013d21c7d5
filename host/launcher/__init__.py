# SPDX-License-Identifier: GPL-2.0-only
"""The host half of ktbox. Each directory is a step of a run, or what some of them share; its __init__.py has its
modules.

main         the entry
plan         refuses bad input before anything starts
single       one run, step by step
outcome      what a run directory says, after a run or much later

options/     the command line                      lib/         what every step uses
kernel/      a kernel as people have it            machine/     the virtual machine, and QEMU
files/       what a run brings into the guest      shares/      directories of the host in the guest
warm/        a saved guest is resumed              run/         one guest: start to end -> run directory
judge/       run directory -> verdict              report/      verdict -> summary, JSON, JUnit, TAP, page
figures/     how well it scheduled                 recorder/    the flight recorder's files
compare/     two schedulers, run in turns          matrix/      many runs
hosts/       many machines                         repeat/      a recorded guest runs again
bpf/         the scheduler's programs and maps
"""

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# check-kernel-config.sh CONFIG: check that a kernel with this configuration can run ktbox's guest. ktrun -k makes the
# same check: host/launcher/kernel/config.py has the options.
# In:   CONFIG, a kernel's .config; KT_ARCH. The base initramfs has no modules, so what is needed must be built in.
# Out:  one line on stdout per option that is not built in: its name, its state, and what it is needed for.
# Exit: 0 a guest runs; 1 at least one option that it needs is missing; 2 CONFIG cannot be read.

set -eu

exec "$(dirname "$0")/kernel-config.sh" check "${KT_ARCH:-x86_64}" "${1:?usage: check-kernel-config.sh CONFIG}"

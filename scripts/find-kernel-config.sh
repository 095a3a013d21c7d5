#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# find-kernel-config.sh IMAGE ELF RELEASE OUT [CONFIG]: copy the configuration that a kernel was built with
# to OUT.
# In:   IMAGE, the kernel as given; ELF, its uncompressed form (may be missing); RELEASE, its release. If CONFIG is
#       given, it is used. Else the first that exists: the copy inside the kernel (CONFIG_IKCONFIG); .config of the
#       source tree, if IMAGE is where a kernel build puts it; config-RELEASE, config or .config beside IMAGE;
#       config-RELEASE in /boot; /proc/config.gz, for the running kernel. ktrun -k looks in the same places.
# Out:  OUT, and on stdout its origin.
# Exit: 0; 1 none was found, or CONFIG cannot be read.

set -eu

usage='usage: find-kernel-config.sh IMAGE ELF RELEASE OUT [CONFIG]'
exec "$(dirname "$0")/kernel-config.sh" find "${1:?$usage}" "${2:?$usage}" "${3:?$usage}" "${4:?$usage}" "${5-}"

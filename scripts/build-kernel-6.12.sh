#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# build-kernel-6.12.sh DEST WORK PACKAGE SUITES JOBS: build a 6.12 kernel with sched_ext. 6.12 is the first version
# that has it: its dumps have no event counters, and its BPF functions have other names. Debian's own 6.12 is built
# without sched_ext.
# In:   PACKAGE, the Debian package with the source, and SUITES, where to look for it; kernel-minimal.config and
#       kernel-6.12.config, the options that are on; gcc, pahole and the other packages of scripts/packages.txt. WORK
#       has the source and the objects (4 GB) and is used again.
# Out:  DEST/image, DEST/version, DEST/config, as find-kernel.sh makes them; make's output in WORK/log.
# Exit: 0; 1 no source, an option that was dropped, or a failed build (the end of the log is printed).

set -eu

dest=${1:?usage: build-kernel-6.12.sh DEST WORK PACKAGE SUITES JOBS}
work=${2:?} package=${3:?} suites=${4:?} jobs=${5:?}
here=$(dirname "$0")
target=kernel-6.12
mkdir -p "$work"
work=$(cd "$work" && pwd)
source=$work/src
# shellcheck source=scripts/kernel-build.sh
. "$here/kernel-build.sh"

: >"$work/log"
# shellcheck disable=SC2086  # a list of words
fetch_source "$package" $suites
configure "$here/kernel-minimal.config" "$here/kernel-6.12.config"
dropped=$(dropped_options)
[ -z "$dropped" ] || fail "make dropped these options of $work/fragment:
$dropped"
say "building (a quarter of an hour on two CPUs; log: $work/log)"
kernel_make -j "$jobs" bzImage
"$here/find-kernel.sh" "$dest" "$work/obj/arch/x86/boot/bzImage" "$work/obj/.config" "$package" "$suites"

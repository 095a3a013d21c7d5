#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# build-schedulers.sh DEST WORK KERNEL RELEASE SUITES JOBS NAME...: build schedulers of the kernel's own
# (tools/sched_ext), and its selftests of sched_ext (tools/testing/selftests/sched_ext).
# In:   KERNEL, the image whose types they are built for; RELEASE, its release, by which Debian's source is found;
#       SUITES, where to look for it; it goes to build/ (2 GB). clang-19: older ones lack the address spaces of BPF's
#       arenas. WORK has the objects and is used again.
# Out:  DEST/NAME...; DEST/runner, the selftests' program; DEST/request, by which they are not built again. make's
#       output in WORK/log.
# Exit: 0; 1 no source, or a failed build (the end of the log is printed).

set -eu

usage='usage: build-schedulers.sh DEST WORK KERNEL RELEASE SUITES JOBS NAME...'
dest=${1:?$usage} work=${2:?$usage} kernel=${3:?$usage} release=${4:?$usage} suites=${5:?$usage} jobs=${6:?$usage}
shift 6
here=$(dirname "$0")
target=schedulers
mkdir -p "$dest" "$work/selftests" # make makes no OUTPUT
work=$(cd "$work" && pwd)
# shellcheck source=scripts/kernel-build.sh
. "$here/kernel-build.sh"

build() { # DIRECTORY ARGUMENT...: of the source
	directory=$1
	shift
	make -C "$source/$directory" CLANG='clang-19 -fno-builtin' VMLINUX_BTF="$(realpath "$kernel")" -j "$jobs" "$@" \
		</dev/null >>"$work/log" 2>&1 || {
		tail -n 20 "$work/log" >&2
		fail "$directory can't be built (log: $work/log)"
	}
}

request="$release $* runner"
[ "$(cat "$dest/request" 2>/dev/null)" != "$request" ] || exit 0
# shellcheck disable=SC2086  # a list of words
fetch_source_of "$release" $suites
say "building $* and the selftests (log: $work/log)"
: >"$work/log"
build tools/sched_ext O="$work" "$@"
# bpftool and the types are those of the schedulers.
build tools/testing/selftests/sched_ext OUTPUT="$work/selftests" BPFTOOL="$work/build/sbin/bpftool" \
	VMLINUX_H="$work/build/include/vmlinux.h" "$work/selftests/runner"
for name; do
	cp "$work/build/bin/$name" "$dest/$name"
done
cp "$work/selftests/runner" "$dest/runner"
echo "$request" >"$dest/request"
say "$* and runner, in $dest"

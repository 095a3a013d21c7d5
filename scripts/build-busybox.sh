#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# build-busybox.sh SRC OBJ JOBS OUT: compile the configured BusyBox tree and put the stripped binary at OUT.
# In:   SRC, OBJ/.config; what OBJ has already is compiled again only where its source changed.
# Out:  OUT. Warnings and errors of the compiler on stderr, make's own words in OBJ/make.log.
# Exit: 0; 1 the build failed: the end of the log follows the compiler's errors.

set -eu

src=${1:?usage: build-busybox.sh SRC OBJ JOBS OUT}
obj=${2:?} jobs=${3:?} out=${4:?}

"$(dirname "$0")/busybox-make.sh" "$src" "$obj" "-j$jobs" busybox >"$obj/make.log" || {
	tail -n 20 "$obj/make.log" >&2
	echo "build-busybox: failed (log: $obj/make.log)" >&2
	exit 1
}
install -m 755 "$obj/busybox" "$out.new"
mv "$out.new" "$out"

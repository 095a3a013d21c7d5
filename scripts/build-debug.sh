#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# build-debug.sh BB OBJ JOBS OUT: build our BusyBox for a debugger, with symbols and without optimization.
# In:   BB/src and BB/obj/.config; OBJ lies in BB, where sync-applets.sh removes outdated objects.
# Out:  OUT, not stripped. A hint on stdout how to start gdb.
# Exit: 0; 1 the build failed: the end of the log, OBJ/make.log, is shown.

set -eu

bb=${1:?usage: build-debug.sh BB OBJ JOBS OUT}
obj=${2:?} jobs=${3:?} out=${4:?}

busybox_make() {
	# The paths are absolute here, so that gdb finds the sources from any directory.
	"$(dirname "$0")/busybox-make.sh" "$bb/src" "$obj" SKIP_STRIP=y \
		CONFIG_EXTRA_CFLAGS="-idirafter $(cd "$bb" && pwd)/include -O0 -g3 -fno-omit-frame-pointer" "$@" \
		>"$obj/make.log" 2>&1 || {
		tail -n 20 "$obj/make.log" >&2
		echo "build-debug: failed (log: $obj/make.log)" >&2
		exit 1
	}
}

mkdir -p "$obj" "${out%/*}"
if ! cmp -s "$bb/obj/.config" "$obj/.config.from"; then
	cp "$bb/obj/.config" "$obj/.config"
	yes '' | busybox_make oldconfig
	cp "$bb/obj/.config" "$obj/.config.from"
fi
busybox_make "-j$jobs" busybox
install -m 755 "$obj/busybox_unstripped" "$out.new"
mv "$out.new" "$out"
cat <<END
built $out, for example:
  gdb --args $out ktrecv -d DIRECTORY build/runs/RUN/bulk.bin
  KT_BUSYBOX=\$PWD/$out test/run ktrecv     # its tests; KT_ONLY=RE chooses among them
END

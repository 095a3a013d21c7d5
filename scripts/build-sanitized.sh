#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# build-sanitized.sh BB OBJ JOBS OUT: our BusyBox with clang's address and undefined-behaviour sanitizers.
# In:   BB/src and BB/obj/.config; OBJ lies in BB, where sync-applets.sh removes outdated objects.
#       The sanitizers need glibc and a dynamic program: CONFIG_STATIC is off.
# Out:  OUT; OBJ, with libbb as an archive that test/deep/fuzz links. A finding ends the program at once.
# Exit: 0; 1 the build failed: the end of the log, OBJ/make.log, is shown.

set -eu

bb=${1:?usage: build-sanitized.sh BB OBJ JOBS OUT}
obj=${2:?} jobs=${3:?} out=${4:?}

echo "$out: building, a few minutes (log: $obj/make.log)" >&2
mkdir -p "$obj"
src=$(cd "$bb/src" && pwd)
obj=$(cd "$obj" && pwd)
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEFILES CFLAGS CPPFLAGS LDFLAGS CROSS_COMPILE ARCH
export LC_ALL=C TZ=UTC
# For the tools that BusyBox's build itself makes and runs: what they leak is not ours.
export ASAN_OPTIONS=detect_leaks=0

# alignment and shift: BusyBox's own code reads unaligned words where the machine can, and shifts into the
# sign. bounds: its bunzip2 indexes an array with -1, the blocks of its ash end with an array that goes on.
# pointer-overflow: its ash adds 0 to a null pointer when it makes its first table of jobs.
sanitizers="-fsanitize=address,undefined -fno-sanitize=alignment,shift -fno-sanitize-recover=all"
busybox_make() {
	flock "$obj" make -s -C "$src" O="$obj" CC=clang HOSTCC=gcc SKIP_STRIP=y \
		CFLAGS_decompress_bunzip2.o=-fno-sanitize=bounds CFLAGS_ash.o=-fno-sanitize=bounds,pointer-overflow \
		CONFIG_EXTRA_CFLAGS="$sanitizers -g -O1 -fno-omit-frame-pointer -w -Wno-unknown-warning-option" \
		CFLAGS_busybox="$sanitizers" "$@" >"$obj/make.log" 2>&1 || {
		tail -n 20 "$obj/make.log" >&2
		echo "build-sanitized: failed (log: $obj/make.log)" >&2
		exit 1
	}
}

sed 's/^CONFIG_STATIC=y/# CONFIG_STATIC is not set/' "$bb/obj/.config" >"$obj/.config.new"
if cmp -s "$obj/.config.new" "$obj/.config.from"; then rm "$obj/.config.new"; else
	mv "$obj/.config.new" "$obj/.config.from"
	cp "$obj/.config.from" "$obj/.config"
	yes '' | busybox_make oldconfig
fi
busybox_make "-j$jobs" busybox
install -m 755 "$obj/busybox_unstripped" "$out.new"
mv "$out.new" "$out"

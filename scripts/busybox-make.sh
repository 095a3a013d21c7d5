#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# busybox-make.sh SRC OBJ ARG...: run make in the BusyBox tree SRC, with OBJ for all that it writes.
# The one place that knows how BusyBox is compiled: musl, static, the kernel's headers beside musl's, and
# nothing of the path or of the caller's environment in the result.
# In:   SRC, SRC/../include (links to the kernel's headers), SOURCE_DATE_EPOCH; ARG is what make gets.
#       KT_ARCH, if it is not x86_64: SRC/../../cross has the compiler (fetch-cross.sh).
# Exit: make's.

set -eu

src=$(cd "${1:?usage: busybox-make.sh SRC OBJ ARG...}" && pwd)
mkdir -p "${2:?}"
obj=$(cd "$2" && pwd)
shift 2

case ${KT_ARCH:-x86_64} in
x86_64) compiler=musl-gcc prefix='' ;;
*) compiler=${src%/*/*}/cross/musl-gcc prefix=$KT_ARCH-linux-gnu- ;;
esac

# Of an outer make and of a packager's environment: they would change what is built.
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEFILES CFLAGS CPPFLAGS LDFLAGS CROSS_COMPILE ARCH
export LC_ALL=C TZ=UTC
umask 022

# CFLAGS_modutils.o: a warning in BusyBox's own code, which returns a local's address to callers that ignore
# it. -idirafter: musl's headers come first; on the command line, since .config must not name a path.
# flock: two builds in one tree, each started by a hand of its own, would take each other's files away.
exec flock "$obj" make -s -C "$src" O="$obj" CC="$compiler" CROSS_COMPILE="$prefix" HOSTCC=gcc CFLAGS_modutils.o=-Wno-return-local-addr \
	CONFIG_EXTRA_CFLAGS="-idirafter ${src%/*}/include -ffile-prefix-map=$src/= -ffile-prefix-map=$obj/=" "$@"

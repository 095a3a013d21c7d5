#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# busybox-make.sh SRC OBJ ARG...: run make in the BusyBox tree SRC, with all output in OBJ.
# Only this script knows how BusyBox is compiled: with musl, statically, with the kernel's headers besides musl's, and
# without a path or the caller's environment in the result.
# In:   SRC, SRC/../include (links to the kernel's headers), SOURCE_DATE_EPOCH; ARG, arguments for make.
#       If KT_ARCH is not x86_64, SRC/../../cross has the compiler (fetch-cross.sh).
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

# An outer make or a packager's environment may set these; they would change what is built.
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEFILES CFLAGS CPPFLAGS LDFLAGS CROSS_COMPILE ARCH
export LC_ALL=C TZ=UTC
umask 022

# CFLAGS_modutils.o: BusyBox's own code returns a local variable's address, to callers that ignore it.
# -idirafter: musl's headers come first. It is on the command line, since .config must not contain a path.
# flock: two builds of one tree at the same time would remove each other's files.
exec flock "$obj" make -s -C "$src" O="$obj" CC="$compiler" CROSS_COMPILE="$prefix" HOSTCC=gcc \
	CFLAGS_modutils.o=-Wno-return-local-addr \
	CONFIG_EXTRA_CFLAGS="-idirafter ${src%/*}/include -ffile-prefix-map=$src/= -ffile-prefix-map=$obj/=" "$@"

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# fetch-cross.sh DEST SUITE...: fetch what a cross build for KT_ARCH needs besides Debian's cross compiler: musl, the
# kernel's headers, and the static libraries of the demo scheduler's loader. They are packages of another
# architecture, so they are unpacked under DEST instead of being installed (apt-state.sh).
# In:   KT_ARCH; the suites are tried in order.
# Out:  DEST/root, the unpacked packages; DEST/musl-gcc, the cross compiler with musl instead of glibc.
# Exit: 0; 1 no suite has them (apt's output: build/apt/log).

set -eu

dest=${1:?usage: fetch-cross.sh DEST SUITE...}
shift
here=$(dirname "$0")
# shellcheck source=scripts/apt-state.sh
. "$here/apt-state.sh"

unpack() {
	rm -rf "$dest"
	mkdir -p "$dest/root"
	for file in "$apt"/packages/*.deb; do dpkg-deb -x "$file" "$dest/root"; done
}

# The specs of the package have the paths of an installed one.
write_compiler() {
	root=$(cd "$dest" && pwd)/root
	sed "s|/usr/|$root/usr/|g" "$root/usr/lib/$KT_ARCH-linux-musl/musl-gcc.specs" >"$dest/musl.specs"
	cat >"$dest/musl-gcc" <<-END
		#!/bin/sh
		exec $KT_ARCH-linux-gnu-gcc "\$@" -specs "${root%/root}/musl.specs"
	END
	chmod +x "$dest/musl-gcc"
}

fetch() {
	download linux-libc-dev musl-dev libbpf-dev libelf-dev zlib1g-dev && unpack
}

echo "cross: fetching the $KT_ARCH libraries ($*)" >&2
try_archives fetch "$@" || {
	echo "fetch-cross: no archive of this machine has the $KT_ARCH packages in: $* (log: build/apt/log)" >&2
	exit 1
}
write_compiler

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# fetch-cross.sh DEST SUITE...: what a cross build for KT_ARCH needs beside Debian's cross compiler: musl,
# the kernel's headers, and the static libraries of the demo scheduler's loader. They are packages of
# another architecture, which this machine's apt should not be made to know: they are unpacked under DEST
# (apt-state.sh).
# In:   KT_ARCH; the suites are asked in order.
# Out:  DEST/root, the unpacked packages; DEST/musl-gcc, the cross compiler with musl in place of glibc.
# Exit: 0; 1 no suite had them (apt's words: build/apt/log).

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

# The package's own specs, for the place where it is now.
write_compiler() {
	root=$(cd "$dest" && pwd)/root
	sed "s|/usr/|$root/usr/|g" "$root/usr/lib/$KT_ARCH-linux-musl/musl-gcc.specs" >"$dest/musl.specs"
	cat >"$dest/musl-gcc" <<-END
		#!/bin/sh
		exec $KT_ARCH-linux-gnu-gcc "\$@" -specs "${root%/root}/musl.specs"
	END
	chmod +x "$dest/musl-gcc"
}

prepare_apt
packages="linux-libc-dev musl-dev libbpf-dev libelf-dev zlib1g-dev"
for suite in "$@"; do
	for archive in $archives; do
		# shellcheck disable=SC2086  # a list of words
		if update "$archive" "$suite" && download $packages && unpack; then
			clean_apt
			write_compiler
			exit 0
		fi
	done
done
clean_apt
echo "fetch-cross: no archive of this machine has the $KT_ARCH packages in: $* (log: build/apt/log)" >&2
exit 1

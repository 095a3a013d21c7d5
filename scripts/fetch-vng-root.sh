#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# fetch-vng-root.sh DEST RELEASE SUITE...: make a Debian root with virtme-ng and what it needs, for `make bench-vng`.
# Why:  virtme-ng's packages belong to a newer suite than many machines use, and must not be installed on them.
# In:   root, debootstrap. RELEASE, the kernel whose modules go into the root; the suites are tried in order, in each
#       archive that this machine's apt uses (apt-state.sh).
# Out:  DEST, to be entered by enter-root.sh; DEST/kernel-release: RELEASE. About 700 MB. DEST exists completely or not
#       at all; one that was made for RELEASE is kept.
# Exit: 0; 1 no suite has all of it, or the user is not root (debootstrap's and apt's output: build/apt/log).

set -eu

dest=${1:?usage: fetch-vng-root.sh DEST RELEASE SUITE...}
release=${2:?}
shift 2
[ "$(cat "$dest/kernel-release" 2>/dev/null)" != "$release" ] || exit 0
[ "$(id -u)" = 0 ] || { echo "fetch-vng-root: debootstrap must run as root" >&2; exit 1; }
here=$(dirname "$0")
# shellcheck source=scripts/apt-state.sh
. "$here/apt-state.sh"

# Besides virtme-ng's dependencies: strings (binutils) and its guest's poweroff (systemd-sysv).
packages=virtme-ng,qemu-system-x86,virtiofsd,udev,binutils,systemd-sysv,kmod

bootstrap() { # ARCHIVE SUITE; debootstrap's recipe of sid fits every newer suite
	rm -rf "$dest.new"
	debootstrap --variant=minbase --include="$packages" "$2" "$dest.new" "$1" \
		/usr/share/debootstrap/scripts/sid >>"$apt/log" 2>&1
}

modules() {
	for file in "$apt"/packages/*.deb; do dpkg-deb -x "$file" "$dest.new" || return 1; done
	chroot "$dest.new" depmod "$release" >>"$apt/log" 2>&1
}

fetch() { # ARCHIVE SUITE
	download "linux-base-$release" "linux-modules-$release" && bootstrap "$1" "$2" && modules
}

echo "vng: preparing a root with virtme-ng, some minutes (log: build/apt/log)" >&2
try_archives fetch "$@" || {
	rm -rf "$dest.new"
	echo "fetch-vng-root: no archive of this machine has virtme-ng and the modules of $release in: $*" \
		"(log: build/apt/log)" >&2
	exit 1
}
echo "$release" >"$dest.new/kernel-release"
rm -rf "$dest"
mv "$dest.new" "$dest"

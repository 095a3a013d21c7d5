#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# fetch-vng-root.sh DEST RELEASE SUITE...: a Debian root with virtme-ng and its needs, for `make bench-vng`.
# Why:  virtme-ng's packages are of a newer suite than many machines; nothing of them is put on this one.
# In:   root's rights, debootstrap. RELEASE, the kernel whose modules go into the root; the suites are asked
#       in order, in each archive that this machine's apt uses (apt-state.sh).
# Out:  DEST, to be entered by enter-root.sh; DEST/kernel-release: RELEASE. There whole or not at all, and
#       left alone when it is there for RELEASE. About 700 MB.
# Exit: 0; 1 no suite had all of it, or this is not root (debootstrap's and apt's words: build/apt/log).

set -eu

dest=${1:?usage: fetch-vng-root.sh DEST RELEASE SUITE...}
release=${2:?}
shift 2
[ "$(cat "$dest/kernel-release" 2>/dev/null)" != "$release" ] || exit 0
[ "$(id -u)" = 0 ] || { echo "fetch-vng-root: debootstrap needs root's rights" >&2; exit 1; }
here=$(dirname "$0")
# shellcheck source=scripts/apt-state.sh
. "$here/apt-state.sh"

# Beside what virtme-ng depends on: its strings (binutils), its guest's poweroff (systemd-sysv), ktrun's cpio.
packages=virtme-ng,qemu-system-x86,virtiofsd,udev,binutils,systemd-sysv,kmod,cpio

bootstrap() { # ARCHIVE SUITE; the recipe of sid is that of every newer suite
	rm -rf "$dest.new"
	debootstrap --variant=minbase --include="$packages" "$2" "$dest.new" "$1" \
		/usr/share/debootstrap/scripts/sid >>"$apt/log" 2>&1
}

modules() {
	for file in "$apt"/packages/*.deb; do dpkg-deb -x "$file" "$dest.new" || return 1; done
	chroot "$dest.new" depmod "$release" >>"$apt/log" 2>&1
}

prepare_apt
echo "vng: preparing a root with virtme-ng, some minutes (log: build/apt/log)" >&2
for suite in "$@"; do
	for archive in $archives; do
		if update "$archive" "$suite" && download "linux-base-$release" "linux-modules-$release" &&
			bootstrap "$archive" "$suite" && modules; then
			clean_apt
			echo "$release" >"$dest.new/kernel-release"
			rm -rf "$dest"
			mv "$dest.new" "$dest"
			exit 0
		fi
	done
done
clean_apt
rm -rf "$dest.new"
echo "fetch-vng-root: no archive of this machine has virtme-ng and the modules of $release in: $*" \
	"(log: build/apt/log)" >&2
exit 1

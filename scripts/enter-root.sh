#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# enter-root.sh ROOT COMMAND ARG...: run COMMAND in the Debian root ROOT.
# Why:  virtme-ng gives its guest the machine's own file system, and needs the QEMU, virtiofsd and udev of its suite.
#       ROOT must be a mount point inside: otherwise virtiofsd exits at once.
# In:   root. ENTER_HIDE=DIR (environment): this directory of ROOT is empty for COMMAND.
# Out:  COMMAND has this machine's /proc, /sys and /dev, this source tree at /mnt, and an empty /tmp. The mounts are in
#       a mount namespace that ends with COMMAND.
# Exit: COMMAND's; 1 a mount failed.

set -eu

case ${1:?usage: enter-root.sh ROOT COMMAND ARG...} in
--inside) shift ;;
*) exec unshare -m "$0" --inside "$@" ;;
esac

root=$(cd "$1" && pwd)
top=$(cd "$(dirname "$0")/.." && pwd)
shift
mount --bind "$root" "$root"
for dir in proc sys dev; do
	mount --rbind "/$dir" "$root/$dir"
done
mount --bind "$top" "$root/mnt"
mount -t tmpfs tmpfs "$root/tmp"
[ -z "${ENTER_HIDE:-}" ] || mount -t tmpfs -o mode=0755 tmpfs "$root$ENTER_HIDE"
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C TERM="${TERM:-dumb}" \
	KTRUN_ACCEL="${KTRUN_ACCEL:-}" chroot "$root" "$@"

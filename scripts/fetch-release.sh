#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# fetch-release.sh DEST RELEASE SUITE: fetch Debian's kernel RELEASE with all its modules, for ktrun -k VERSION.
# In:   SUITE, or - for this machine's own apt, as list-kernels.sh prints it. KT_APT, the directory of apt's state
#       (apt-state.sh). Nothing is installed.
# Out:  DEST/image, an ELF vmlinux if possible, else the bzImage; DEST/config; DEST/modules/, with an index if this
#       machine has depmod; DEST/version. What stands there when it fails is not whole.
# Exit: 0; 1 it could not be fetched.

set -eu

dest=${1:?usage: fetch-release.sh DEST RELEASE SUITE}
release=${2:?}
suite=${3:?}
here=$(dirname "$0")

mkdir -p "$dest"
MODULES=all "$here/fetch-kernel.sh" "$dest" "linux-image-$release" "$suite"
if "$here/extract-vmlinux.sh" "$dest/vmlinuz" "$dest/image" 2>/dev/null; then
	rm "$dest/vmlinuz"
else # QEMU boots it as well, in a second more
	mv "$dest/vmlinuz" "$dest/image"
fi
echo "$release" >"$dest/version"

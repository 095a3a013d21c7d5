#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# archives.sh: print the addresses of the package archives that this machine's apt uses, one per line, without
# duplicates. ktbox names no archive itself: the machine's own is the nearest one, and often the only one that can be
# reached.
# In:   apt's configuration. Needs no root, no network and no package lists.
# Exit: 0; 1 there is none.

set -eu

command -v apt-get >/dev/null 2>&1 || {
	echo "archives.sh: this machine has no apt-get, so no package archive is known" >&2
	exit 1
}
apt-get --print-uris update | sed -n "s|^'\(.*\)/dists/.*|\1|p" |
	awk '!seen[$0]++ { print } END { exit NR == 0 }' || {
	echo "archives.sh: this machine's apt uses no archive" >&2
	exit 1
}

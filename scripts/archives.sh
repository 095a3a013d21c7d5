#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# archives.sh: print the addresses of the package archives that this machine's apt uses, one a line, each
# once. ktbox names no archive itself: the machine's own is the nearest one, and often the only one that it
# reaches.
# In:   apt's configuration. Needs no root, no network and no package lists.
# Exit: 0 at least one was printed; 1 none.

set -eu

command -v apt-get >/dev/null 2>&1 || {
	echo "archives.sh: no apt-get on this machine, so no archive to ask" >&2
	exit 1
}
apt-get --print-uris update | sed -n "s|^'\(.*\)/dists/.*|\1|p" |
	awk '!seen[$0]++ { print } END { exit NR == 0 }'

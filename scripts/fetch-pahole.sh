#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# fetch-pahole.sh DEST SUITE...: fetch the program that writes the kernel's types (BTF), of another Debian suite than
# this machine's. 7.2's types need pahole 1.26 or later, and Debian 12 has 1.24.
# In:   the suites are tried in order. Nothing is installed and no root is needed (apt-state.sh).
# Out:  DEST/usr/bin/pahole, which runs with the libraries of its suite in DEST. DEST exists completely or not at all.
# Exit: 0; 1 no suite has it (apt's output: build/apt/log).

set -eu

dest=${1:?usage: fetch-pahole.sh DEST SUITE...}
shift
here=$(dirname "$0")
[ ! -e "$dest" ] || exit 0
mkdir -p "$(dirname "$dest")"
dest=$(cd "$(dirname "$dest")" && pwd)/$(basename "$dest")
# shellcheck source=scripts/apt-state.sh
. "$here/apt-state.sh"

needed_packages() {
	apt-cache depends --recurse --important pahole 2>>"$apt/log" | grep '^[a-z]' | sort -u
}

fetch() {
	packages=$(needed_packages) && [ -n "$packages" ] || return 1
	# shellcheck disable=SC2086  # a list of words
	download $packages && unpack_packages "$dest.new" && use_own_libc "$dest.new" "$dest" usr/bin/pahole &&
		mv "$dest.new" "$dest"
}

try_archives fetch "$@" || {
	rm -rf "$dest.new"
	echo "fetch-pahole: no archive of this machine has pahole in: $* (log: build/apt/log)" >&2
	exit 1
}

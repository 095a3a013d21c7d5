#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# list-kernels.sh SUITE...: list the kernels that Debian has, for ktrun --kernels and ktrun -k VERSION.
# In:   the suites that are asked, in each archive that this machine's apt uses; what this machine's own apt knows comes
#       first, and needs no network. KT_APT, the directory of apt's state (apt-state.sh). Nothing is installed.
# Out:  a line for each: its release, and the suite, or - for this machine's own apt.
# Exit: 0; 1 no archive could be asked for a suite: it is named. What else there is has been listed.

set -eu

here=$(dirname "$0")
: "${1:?usage: list-kernels.sh SUITE...}"

# list ORIGIN: images only, neither symbols nor what Debian signs. A package without a kernel, which depends on the
# newest image of a series, has the series' two numbers and a flavour (6.12-amd64).
list() {
	apt-cache pkgnames linux-image- | sed -n "/-dbg\$/d; /-unsigned\$/d; /-signed-template\$/d
		/^linux-image-[0-9]*\\.[0-9]*-[a-z]/d
		s/^linux-image-\\([0-9].*\\)/\\1 $1/p"
}

list_suite() { # ARCHIVE SUITE
	list "$2"
}

command -v apt-cache >/dev/null 2>&1 || {
	echo "this machine has no apt" >&2
	exit 1
}
list -
# shellcheck source=scripts/apt-state.sh
. "$here/apt-state.sh"
for suite; do
	try_archives list_suite "$suite" || {
		echo "no archive of this machine could be asked for $suite" >&2
		exit 1
	}
done

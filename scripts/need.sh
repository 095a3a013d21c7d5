#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# need.sh GROUP...: make sure that the packages of these groups are on this machine.
# In:   scripts/packages.txt: group, package, and the command or file that shows it is there.
# Out:  nothing when all is there. What is missing is installed with apt-get by root, or by sudo where it asks
#       for no password; this is said. apt's own output goes to build/deps.log.
# Exit: 0 all is there; 1 something is missing and can't be installed here: the packages are named.

set -eu

here=$(dirname "$0")
groups=" ${*:?usage: need.sh GROUP...} "
log=build/deps.log

first_existing() { # PATTERN
	for file in $1; do
		[ ! -e "$file" ] || return 0
	done
	return 1
}

present() { # CHECK: a command's name, or an absolute path, in which a * may stand for a version
	case $1 in
	/*) first_existing "$1" ;;
	*) command -v "$1" >/dev/null 2>&1 ;;
	esac
}

missing() { # print the packages of the groups that are not there, on one line
	while read -r group package check; do
		case $groups in
		*" $group "*) present "$check" || printf '%s\n' "$package" ;;
		esac
	done <"$here/packages.txt" | sort -u | tr '\n' ' '
}

as_root() { # COMMAND...: as root, without asking anybody
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

can_install() {
	command -v apt-get >/dev/null 2>&1 || return 1
	[ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

apt_get() { # apt-get's words, its output in the log
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=600 "$@" >>"$log" 2>&1
}

install_packages() { # PACKAGE...: the package lists are fetched only when the install fails without them
	apt_get install --no-install-recommends "$@" && return
	apt_get update && apt_get install --no-install-recommends "$@"
}

packages=$(missing)
[ -n "$packages" ] || exit 0

if ! can_install; then
	echo "need.sh: missing packages: $packages" >&2
	echo "need.sh: install them as root: apt-get install --no-install-recommends $packages" >&2
	echo "need.sh: (as root, \"make deps\" installs what any verb needs)" >&2
	exit 1
fi

echo "installing: $packages(log: $log)" >&2
mkdir -p build
: >"$log"
# shellcheck disable=SC2086  # a list of words
if ! install_packages $packages; then
	tail -n 5 "$log" >&2
	echo "need.sh: unable to install: $packages" >&2
	exit 1
fi
packages=$(missing)
[ -z "$packages" ] || {
	echo "need.sh: installed, but still not found: $packages" >&2
	exit 1
}

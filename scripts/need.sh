#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# need.sh GROUP...: make sure that the packages of these groups are installed on this machine.
# In:   scripts/packages.txt: group, package, and a command or file by which an installed package is recognised.
# Out:  nothing if all are installed. Missing packages are named and installed with apt-get, by root or by sudo
#       if it needs no password. apt's output goes to build/deps.log.
# Exit: 0; 1 packages are missing and cannot be installed: they are named.

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

missing() { # prints the missing packages of the groups on one line
	while read -r group package check; do
		case $groups in
		*" $group "*) present "$check" || printf '%s\n' "$package" ;;
		esac
	done <"$here/packages.txt" | sort -u | tr '\n' ' '
}

as_root() { # COMMAND...: without asking for a password
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

apt_get() { # ARGUMENT...
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=600 "$@" >>"$log" 2>&1
}

install_packages() { # PACKAGE...: fetches the package lists only if the install fails without that
	apt_get install --no-install-recommends "$@" && return
	apt_get update && apt_get install --no-install-recommends "$@"
}

packages=$(missing)
[ -n "$packages" ] || exit 0

if ! can_install; then
	echo "need.sh: missing packages: $packages" >&2
	echo "need.sh: install them as root: apt-get install --no-install-recommends $packages" >&2
	echo "need.sh: (as root, \"make deps\" installs what any target needs)" >&2
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
	echo "need.sh: installed, but still missing: $packages" >&2
	exit 1
}

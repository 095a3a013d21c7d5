#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# find-kernel.sh DEST KERNEL CONFIG PACKAGE SUITES: the kernel that ktrun boots by default, in the folder
# DEST.
# In:   KERNEL, a bzImage, an ELF vmlinux or an arm64 Image (KT_ARCH), and CONFIG, its .config; both may be
#       empty. Without KERNEL: the running kernel's image if its configuration will do and it can be read,
#       else Debian's (fetch-kernel.sh PACKAGE SUITES). MODULES (environment): folders of modules that are
#       wanted of a fetched kernel; then it is fetched in any case.
# Out:  DEST/modules/ with MODULES; DEST/image (an ELF vmlinux where one can be had, else the bzImage),
#       DEST/version (its release), DEST/config (when found), DEST/request (what was asked for: the same
#       again costs nothing). DEST is replaced whole when all went well, else left as it was.
# Exit: 0; 1 no kernel, or one that lacks an option: the option is named.

set -eu

dest=${1:?usage: find-kernel.sh DEST KERNEL CONFIG PACKAGE SUITES}
kernel=${2?} config=${3?} package=${4:?} suites=${5:?}
here=$(dirname "$0")
new=$dest.new

say() {
	echo "kernel: $1" >&2
}

fail() {
	rm -rf "$new"
	say "$1"
	exit 1
}

request() { # KERNEL by its name, time and size: built again, it is another one
	if [ -n "$kernel" ]; then
		stat -L -c 'given %n %Y %s' "$kernel" ${config:+"$config"}
	else
		echo "found $package $suites${MODULES:+ $MODULES}"
	fi
}

is_arm64_image() { # FILE
	[ "$(od -An -tx1 -j56 -N4 "$1" | tr -d ' ')" = 41524d64 ]
}

use_image() { # FILE CONFIG: DEST.new/image, version and config
	release=$("$here/kernel-release.sh" "$1") || fail "$1 is no kernel image"
	if is_arm64_image "$1"; then
		cp "$1" "$new/image"
	elif ! "$here/extract-vmlinux.sh" "$1" "$new/image" 2>"$new/why"; then
		cp "$1" "$new/image"
		enter_as_it_is "$1"
	fi
	rm -f "$new/why"
	echo "$release" >"$new/version"
	"$here/find-kernel-config.sh" "$1" "$new/image" "$release" "$new/config" "$2" >"$new/origin" ||
		rm -f "$new/config"
}

enter_as_it_is() { # FILE: it could not be extracted
	if [ "$(head -c 4 "$1" | od -An -tx1 | tr -d ' ')" = 7f454c46 ]; then
		"$here/has-pvh-entry.sh" "$1" || fail "$1 has no PVH entry (CONFIG_PVH): give the bzImage instead"
	else
		say "booting the bzImage itself: $(cat "$new/why")"
	fi
}

check_config() { # print what is missing; nothing to check is no failure
	[ -e "$new/config" ] || return 0
	"$here/check-kernel-config.sh" "$new/config"
}

given() {
	use_image "$kernel" "$config"
	lacks=$(check_config) || fail "$kernel ($release) can't be used, says $(cat "$new/origin"):
$lacks"
	[ -e "$new/config" ] ||
		say "no configuration of $kernel found (KERNEL_CONFIG=path): going on without a check"
}

running() { # quietly not, when there is no image or configuration to be read, or it lacks an option
	[ -z "${MODULES:-}" ] || return 1
	image=/boot/vmlinuz-$(uname -r)
	[ "$(uname -m)" = "${KT_ARCH:-x86_64}" ] && [ -r "$image" ] || return 1
	use_image "$image" ""
	[ -e "$new/config" ] && check_config >/dev/null && say "the running kernel's image will do: $image" && return
	rm -rf "$new"
	mkdir "$new"
	return 1
}

fetched() {
	say "fetching Debian's ($package, $suites)"
	mkdir "$new/fetched"
	# shellcheck disable=SC2086  # a list of words
	"$here/fetch-kernel.sh" "$new/fetched" "$package" $suites ||
		fail "none to be had: give one by KERNEL=path"
	use_image "$new/fetched/vmlinuz" "$new/fetched/config"
	[ -z "${MODULES:-}" ] || mv "$new/fetched/modules" "$new/modules"
	rm -rf "$new/fetched"
	lacks=$(check_config) || fail "the fetched $release can't be used:
$lacks"
}

[ -z "$kernel" ] || head -c 1 "$kernel" >/dev/null 2>&1 || fail "unable to read KERNEL=$kernel"
[ -z "$config" ] || [ -r "$config" ] || fail "unable to read KERNEL_CONFIG=$config"
if [ -e "$dest/image" ] && [ "$(request)" = "$(cat "$dest/request")" ]; then exit 0; fi
rm -rf "$new"
mkdir -p "$new"
if [ -n "$kernel" ]; then
	given
else
	running || fetched
fi
request >"$new/request"
rm -f "$new/origin"
rm -rf "$dest"
mv "$new" "$dest"
say "$(cat "$dest/version") in $dest/image"

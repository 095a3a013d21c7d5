#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# find-kernel.sh DEST KERNEL CONFIG PACKAGE SUITES: put the kernel that ktrun boots by default into the directory
# DEST.
# In:   KERNEL, a bzImage, an ELF vmlinux or an arm64 Image (KT_ARCH), and CONFIG, its .config; both may be
#       empty. Without KERNEL: the running kernel's image, if it can be read, its configuration fits and its modules
#       are there, else Debian's (fetch-kernel.sh PACKAGE SUITES). MODULES (environment): directories of modules that a
#       fetched kernel must bring. FETCH=always (environment): not the running kernel.
# Out:  DEST/image (an ELF vmlinux if possible, else the bzImage), DEST/version (its release), DEST/config (if
#       found), DEST/modules/ (with MODULES, of a fetched kernel), DEST/request (the arguments; if they are the same,
#       nothing is done). DEST is replaced as a whole, and only on success.
# Exit: 0; 1 no kernel, or a kernel that lacks an option: the option is named.

set -eu

dest=${1:?usage: find-kernel.sh DEST KERNEL CONFIG PACKAGE SUITES}
kernel=${2?} config=${3?} package=${4:?} suites=${5:?}
here=$(dirname "$0")
new=$dest.new
# shellcheck source=scripts/kernel-image.sh
. "$here/kernel-image.sh"

say() {
	echo "kernel: $1" >&2
}

fail() {
	rm -rf "$new"
	say "$1"
	exit 1
}

request() { # KERNEL by name, time and size, which change when it is built again
	if [ -n "$kernel" ]; then
		stat -L -c 'given %n %Y %s' "$kernel" ${config:+"$config"}
	else
		echo "found $package $suites${MODULES:+ $MODULES}"
	fi
}

use_image() { # FILE CONFIG: makes DEST.new/image, version and config
	release=$("$here/kernel-release.sh" "$1") || fail "not a kernel image: $1"
	if [ "$(kernel_kind "$1")" = arm64 ]; then
		cp "$1" "$new/image"
	elif ! "$here/extract-vmlinux.sh" "$1" "$new/image" 2>"$new/why"; then
		cp "$1" "$new/image"
		check_entry "$1"
	fi
	rm -f "$new/why"
	echo "$release" >"$new/version"
	"$here/find-kernel-config.sh" "$1" "$new/image" "$release" "$new/config" "$2" >"$new/origin" ||
		rm -f "$new/config"
}

check_entry() { # FILE: nothing could be extracted from it
	if [ "$(kernel_kind "$1")" = elf ]; then
		"$here/has-pvh-entry.sh" "$1" || fail "$1 has no PVH entry (CONFIG_PVH): give the bzImage instead"
	else
		say "booting the bzImage itself: $(cat "$new/why")"
	fi
}

check_config() { # prints the missing options; without a configuration, nothing is checked
	[ -e "$new/config" ] || return 0
	"$here/check-kernel-config.sh" "$new/config"
}

given() {
	use_image "$kernel" "$config"
	lacks=$(check_config) || fail "$kernel ($release) cannot be used, according to $(cat "$new/origin"):
$lacks"
	[ -z "$lacks" ] || say "$lacks"
	[ -e "$new/config" ] ||
		say "no configuration of $kernel found, so it is not checked (give KERNEL_CONFIG=path)"
}

running() { # false if its image or configuration cannot be read, or lacks an option
	[ "${FETCH:-}" != always ] && [ -d "/lib/modules/$(uname -r)/kernel" ] || return 1
	image=/boot/vmlinuz-$(uname -r)
	[ "$(uname -m)" = "${KT_ARCH:-x86_64}" ] && [ -r "$image" ] || return 1
	use_image "$image" ""
	[ -e "$new/config" ] && check_config >/dev/null && say "using the running kernel: $image" && return
	rm -rf "$new"
	mkdir "$new"
	return 1
}

fetched() {
	say "fetching Debian's ($package, $suites)"
	mkdir "$new/fetched"
	# shellcheck disable=SC2086  # a list of words
	"$here/fetch-kernel.sh" "$new/fetched" "$package" $suites ||
		fail "no kernel found: give one by KERNEL=path"
	use_image "$new/fetched/vmlinuz" "$new/fetched/config"
	[ -z "${MODULES:-}" ] || mv "$new/fetched/modules" "$new/modules"
	rm -rf "$new/fetched"
	lacks=$(check_config) || fail "the fetched $release cannot be used:
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

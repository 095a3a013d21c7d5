#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# find-kernel-config.sh IMAGE ELF RELEASE OUT [CONFIG]: copy the configuration that a kernel was built with
# to OUT.
# In:   IMAGE, the kernel as given; ELF, its uncompressed form (may be missing); RELEASE, its release. If CONFIG is
#       given, it is used. Else the first that exists: the copy inside the kernel (CONFIG_IKCONFIG); .config of the
#       source tree, if IMAGE is where a kernel build puts it; config or config-RELEASE beside IMAGE; config-RELEASE
#       in /boot; /proc/config.gz, for the running kernel.
# Out:  OUT, and on stdout its origin.
# Exit: 0; 1 none was found, or CONFIG cannot be read.

set -eu

image=${1:?usage: find-kernel-config.sh IMAGE ELF RELEASE OUT [CONFIG]}
elf=${2:?} release=${3:?} out=${4:?} given=${5-}

take() { # FILE: a plain configuration
	[ -r "$1" ] || return 1
	cp "$1" "$out"
	echo "$1"
}

# The configuration inside the kernel is gzip data after the marker IKCFG_ST. gzip complains about what follows the
# data, so its status is ignored.
inside() {
	[ -r "$elf" ] || return 1
	offset=$(LC_ALL=C grep -abo -m 1 IKCFG_ST "$elf" | head -n 1 | cut -d : -f 1)
	[ -n "$offset" ] || return 1
	tail -c "+$((offset + 9))" "$elf" | gzip -dcq >"$out" 2>/dev/null || :
	grep -q '^CONFIG_' "$out" || return 1
	echo "$image (CONFIG_IKCONFIG)"
}

of_the_build() {
	case $image in
	*/arch/*/boot/*) take "${image%/arch/*/boot/*}/.config" ;;
	*) take "$dir/.config" ;;
	esac
}

of_the_running() {
	[ "$release" = "$(uname -r)" ] && [ -r /proc/config.gz ] || return 1
	gzip -dc /proc/config.gz >"$out"
	echo /proc/config.gz
}

dir=$(dirname "$image")
if [ -n "$given" ]; then
	take "$given"
	exit
fi
inside || of_the_build || take "$dir/config-$release" || take "$dir/config" || take "/boot/config-$release" ||
	of_the_running || {
	rm -f "$out"
	exit 1
}

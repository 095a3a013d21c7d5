#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# find-kernel-config.sh IMAGE ELF RELEASE OUT [CONFIG]: copy the configuration that a kernel was built with
# to OUT.
# In:   IMAGE: the kernel as it was given, ELF: its uncompressed form (may be missing), RELEASE: its
#       release. CONFIG, when given, is taken without a look at anything else. Else, the first that is
#       there: the copy inside the kernel (CONFIG_IKCONFIG); .config of the tree, when IMAGE lies where a
#       kernel build puts it; config or config-RELEASE beside IMAGE; config-RELEASE in /boot;
#       /proc/config.gz, for the running kernel.
# Out:  OUT, and on stdout where it comes from.
# Exit: 0; 1 none was found, or CONFIG can't be read.

set -eu

image=${1:?usage: find-kernel-config.sh IMAGE ELF RELEASE OUT [CONFIG]}
elf=${2:?} release=${3:?} out=${4:?} given=${5-}

take() { # FILE: a plain configuration
	[ -r "$1" ] || return 1
	cp "$1" "$out"
	echo "$1"
}

inside() { # gzip data after the mark IKCFG_ST; what follows it is not gzip's, hence no look at gzip's status
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

# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: a machine of its own: the loopback device is up (127.0.0.1, and ::1 where the kernel has IPv6), and the guest
#        has a name, which /etc/hosts has, too. A kernel without networking goes without.

GUEST_NAME=ktbox

network() {
	[ ! -w "$ROOT/proc/sys/kernel/hostname" ] || echo "$GUEST_NAME" >"$ROOT/proc/sys/kernel/hostname"
	[ -d "$ROOT/sys/class/net/lo" ] || return 0
	ifconfig lo 127.0.0.1 netmask 255.0.0.0 up || say "network: unable to set the loopback device up"
}

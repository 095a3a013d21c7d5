# SPDX-License-Identifier: GPL-2.0-only
#
# The names of the two serial ports: CONSOLE, which the kernel prints to, and LAST_WORDS, where /init speaks
# when it has no other port left.
#
# A PC has ttyS0 and ttyS1. ARM's machines have the console as ttyAMA0, and the other one on the PCI bus, as
# ttyS0.

CONSOLE=ttyS0
LAST_WORDS=ttyS1

consoles() {
	[ -r "$ROOT/sys/class/tty/console/active" ] || return 0
	read -r active <"$ROOT/sys/class/tty/console/active"
	for tty in $active; do
		case $tty in
		ttyS* | ttyAMA*) CONSOLE=$tty; break ;;
		esac
	done
	[ "$CONSOLE" = ttyS0 ] || LAST_WORDS=ttyS0
	export KT_LAST_WORDS="/dev/$LAST_WORDS"
}

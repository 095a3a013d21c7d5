# SPDX-License-Identifier: GPL-2.0-only
#
# The names of the two serial ports: CONSOLE, which the kernel prints to, and LAST_WORDS, where /init reports
# errors when it has no other port.
#
# A PC has ttyS0 and ttyS1. On ARM machines the console is ttyAMA0, and the other port, on the PCI bus, is ttyS0.

CONSOLE=ttyS0
LAST_WORDS=ttyS1

consoles() {
	[ -r "$ROOT/sys/class/tty/console/active" ] || return 0
	read -r active <"$ROOT/sys/class/tty/console/active"
	serial=
	for tty in $active; do
		case $tty in
		ttyS* | ttyAMA*) serial=$tty; break ;;
		esac
	done
	[ -n "$serial" ] || goes_without "$(console_option)" "consoles: this kernel has no console on a serial port"
	CONSOLE=${serial:-ttyS0}
	[ "$CONSOLE" = ttyS0 ] || LAST_WORDS=ttyS0
	export KT_LAST_WORDS="/dev/$LAST_WORDS"
}

console_option() {
	if [ -d "$ROOT/sys/bus/amba" ]; then echo CONFIG_SERIAL_AMBA_PL011_CONSOLE; else echo CONFIG_SERIAL_8250_CONSOLE; fi
}

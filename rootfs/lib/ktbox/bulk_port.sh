# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: open the bulk port on descriptor 9, which every process in the guest inherits: a port can be opened
#        only once.
#        KT_MARKS makes each sender on it also send the time of its frame.

bulk_port() {
	find_port ktstr-bulk || fail "bulk port" "there is no port ktstr-bulk$(option_of_ports)"
	# A failing redirection of a plain exec would end the shell.
	command exec 9>"$ROOT$PORT" || fail "bulk port" "cannot open $PORT"
	export KT_PORT_FD=9 KT_MARKS=1
	BULK_PORT=${PORT##*/}
}

# Which option the kernel lacks, where its drivers tell: with all of them the host has not offered the port.
option_of_ports() {
	for bus_option in PCI:bus/pci VIRTIO_PCI:bus/pci/drivers/virtio-pci \
		VIRTIO_CONSOLE:bus/virtio/drivers/virtio_console; do
		[ -d "$ROOT/sys/${bus_option#*:}" ] && continue
		echo ": does this kernel have CONFIG_${bus_option%%:*}?"
		return
	done
}

announce() {
	ktsend sys-ready
	ktsend lifecycle init-started
	for option in ${WITHOUT:-}; do
		ktsend mark "without:$option"
	done
}

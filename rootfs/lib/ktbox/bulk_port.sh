# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: open the bulk port on descriptor 9, which every process in the guest inherits: a port can be opened
#        only once.
#        KT_MARKS makes each sender on it also send the time of its frame.

bulk_port() {
	port=$(ktport ktstr-bulk) || fail "bulk port" \
		"there is no port ktstr-bulk: does this kernel have CONFIG_VIRTIO_CONSOLE and CONFIG_VIRTIO_PCI?"
	# A failing redirection of a plain exec would end the shell.
	command exec 9>"$ROOT$port" || fail "bulk port" "cannot open $port"
	export KT_PORT_FD=9 KT_MARKS=1
	BULK_PORT=${port##*/}
}

announce() {
	ktsend sys-ready
	ktsend lifecycle init-started
}

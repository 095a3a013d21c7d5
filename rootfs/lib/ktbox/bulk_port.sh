# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: open the bulk port, once for all: a port has one opener. Descriptor 9 is inherited by everything
#        in the guest.
#        KT_MARKS: who sends a frame on it says when, too.

bulk_port() {
	port=$(ktport ktstr-bulk) || fail "bulk port" "there is no port ktstr-bulk"
	# "command": else a failing redirection of exec would end the shell
	command exec 9>"$ROOT$port" || fail "bulk port" "$port can't be opened"
	export KT_PORT_FD=9 KT_MARKS=1
	BULK_PORT=${port##*/}
}

announce() {
	ktsend sys-ready
	ktsend lifecycle init-started
}

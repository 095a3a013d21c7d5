# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: listen for wake bytes from the host. hvc0 is raw before anything tells the host that the guest is
#        ready.
#
# In shell mode the terminal is that of ktrun, through the port ktbox-ctl, or hvc0 where there is no such
# port (the reference's host): then nobody listens for wake bytes.

wake_bytes() {
	SHELL_TTY=
	[ "$MODE" = shell ] && [ ! -e "$ROOT/exec_cmd" ] && find_shell_tty
	[ "$SHELL_TTY" = hvc0 ] || listen
}

listen() {
	{
		kthvc -i "$ROOT/dev/hvc0" -s "$ROOT/proc/sysrq-trigger"
		set_latch hvc_ready # without kthvc the guest goes on
	} &
	await 5 hvc_ready
	[ "$EVENT" = hvc_ready ] || say "wake bytes: kthvc does not listen in time"
}

find_shell_tty() {
	SHELL_TTY=hvc0
	[ -z "$CTL_PORT" ] || SHELL_TTY=ctl
}

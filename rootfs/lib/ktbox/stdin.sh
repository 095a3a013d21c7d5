# SPDX-License-Identifier: GPL-2.0-only
#
# The payload's stdin: what ktrun reads from its own stdin if ktbox.ctl=1 says that the host has the port for it;
# else /dev/null.

# Sets PAYLOAD_STDIN, a file to be opened once. Opening a FIFO waits until both ends are open; each side ends
# when the other has closed.
payload_stdin() {
	PAYLOAD_STDIN=/dev/null
	[ -n "$CTL_PORT" ] && [ -z "$SHELL_TTY" ] || return 0
	mkfifo "$RUN/stdin" || return 0
	PAYLOAD_STDIN=$RUN/stdin
	ktstdin >"$PAYLOAD_STDIN" &
}

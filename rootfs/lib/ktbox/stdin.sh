# SPDX-License-Identifier: GPL-2.0-only
#
# The payload's stdin: what ktrun reads from its own, when the host says by ktbox.ctl=1 that it offers the
# port for it; else nothing.

# PAYLOAD_STDIN becomes a file to be opened once: a fifo waits until both its ends are open, and then ends
# with whichever goes first.
payload_stdin() {
	PAYLOAD_STDIN=/dev/null
	[ -n "$CTL_PORT" ] && [ -z "$SHELL_TTY" ] || return 0
	mkfifo "$RUN/stdin" || return 0
	PAYLOAD_STDIN=$RUN/stdin
	ktstdin >"$PAYLOAD_STDIN" &
}

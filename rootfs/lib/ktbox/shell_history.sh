# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: send the shell's history to the host line by line, since a VM may end at any moment.
#
# In:   /.ktbox/history, if the host keeps a history: the lines of earlier sessions. The shell appends each new
#       line (/etc/profile).

shell_history() {
	[ -e "$ROOT/.ktbox/history" ] || return 0
	ktdump -H -f "$ROOT/.ktbox/history" &
	HISTORY=$!
}

send_history() {
	[ -z "${HISTORY:-}" ] || end_process "$HISTORY" "$MONITOR_SECONDS" ||
		note_error teardown "the shell's history was not sent completely"
}

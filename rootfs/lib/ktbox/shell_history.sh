# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: the history of the shell goes to the host as it is typed, since a VM may end at any moment.
#
# In:   /.ktbox/history, the lines of earlier sessions, where the host wants to know of this one's. The
#       shell (/etc/profile) writes each line to its end.

shell_history() {
	[ -e "$ROOT/.ktbox/history" ] || return 0
	ktdump -H -f "$ROOT/.ktbox/history" &
	HISTORY=$!
}

send_history() {
	[ -z "${HISTORY:-}" ] || end_process "$HISTORY" "$MONITOR_SECONDS" ||
		note_error teardown "the shell's history was not sent whole"
}

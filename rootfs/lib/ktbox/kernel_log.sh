# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: send the kernel's log to ktrun, record by record as it is written. The console has only what the kernel's log
#        level lets through (quiet), and a host may have cut it; a warning must not depend on either.
#
# After the last record, an empty frame states that none is missing at the end. Records that the kernel overwrote
# before they were read are a gap in their sequence numbers, which the host sees.

kernel_log() {
	[ -n "$HOST_IS_KTRUN" ] && [ -e "$ROOT/dev/kmsg" ] || return 0
	ktsend -d kmsg - <"$ROOT/dev/kmsg" &
	KERNEL_LOG=$!
}

# The log's sender has ended when it could not read or send, or when the payload killed it. Then the host knows that
# the log has no end, and reads the console too. What stands on the console before a line that the log has would be in
# the log, too, or a program has written it: /init's line is the last of these. Its priority (error) passes quiet.
drain_kernel_log() {
	[ -n "${KERNEL_LOG:-}" ] || return 0
	echo "<3>ktbox: the kernel's log is sent up to here" >>"$ROOT/dev/kmsg"
	if end_process "$KERNEL_LOG" "$MONITOR_SECONDS"; then
		ktsend kmsg ""
	else
		say "kernel log: it was not sent to its end"
	fi
}

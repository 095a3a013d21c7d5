# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: ktpipe armed, before the scheduler, so that a crash at its start is captured. It reads an instance
#        of its own; the global trace (bpf_printk) is sent only when the host asks for it.

DRAIN_SECONDS=600 # ktpipe's own bound at teardown
DRAIN_SILENCE_SECONDS=60 # the bound when nothing moves on the port; COM1 takes 8 s for a dump of 4 000 tasks

trace() {
	ktpipe -o "$ROOT/dev/ttyS0" -d "$DRAIN_SECONDS" &
	KTPIPE=$!
	await 5 trace_armed trace_absent
	[ "$EVENT" != timeout ] || note_error trace "ktpipe is not armed in time"
	[ -z "$SEND_PRINTK" ] || ktsend printk - <"$ROOT/sys/kernel/tracing/trace_pipe" &
}

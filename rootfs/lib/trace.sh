# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: ktpipe armed, before the scheduler, so that a crash at its start is captured.

DRAIN_SECONDS=30 # a dump of 4 000 tasks takes 8 s over COM1

trace() {
	ktpipe -o "$ROOT/dev/ttyS0" -d "$DRAIN_SECONDS" &
	KTPIPE=$!
	await 5 trace_armed trace_absent
	[ "$EVENT" != timeout ] || note_error trace "ktpipe is not armed in time"
}

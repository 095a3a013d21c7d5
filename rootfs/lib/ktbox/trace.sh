# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: start ktpipe before the scheduler, so that it captures a crash at the scheduler's start. ktpipe reads a
#        trace instance of its own.

ARM_SECONDS=30 # 5 s were too short on a starved host
DRAIN_SECONDS=600 # ktpipe's own bound at teardown
DRAIN_SILENCE_SECONDS=60 # the bound while nothing moves on the port; COM1 takes 8 s for a dump of 4 000 tasks

trace() {
	ktpipe -o "$ROOT/dev/$CONSOLE" -t "$ROOT/tmp/dump.txt" -d "$DRAIN_SECONDS" &
	KTPIPE=$!
	await_while_lives "$KTPIPE" -t "$ARM_SECONDS" trace_armed trace_absent
	case $EVENT in
	process.ended) note_error trace "ktpipe ended before it was ready" ;;
	timeout) note_error trace "ktpipe is not ready in time" ;;
	esac
}

# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: start ktwatch, which sends the kernel's scheduling figures from the payload's start to its end. What takes time
#        (a tracefs instance) is done here, before the scheduler runs.
#
# In:   ktbox.stats=windows or all. Without ktwatch, or a part of the kernel, the run goes on: the host names what is
#       missing.

WATCH_SECONDS=30 # for ktwatch to begin, and the bound on its silence at the end

stats() {
	[ -n "$STATS" ] || return 0
	all=
	[ "$STATS" != all ] || all=-a
	ktwatch $all &
	KTWATCH=$!
	await_while_lives "$KTWATCH" -t "$WATCH_SECONDS" stats_ready
	[ "$EVENT" = stats_ready ] || no_stats "ktwatch is not ready"
}

begin_stats() {
	[ -n "${KTWATCH:-}" ] || return 0
	kill -USR1 "$KTWATCH"
	await_while_lives "$KTWATCH" -t "$WATCH_SECONDS" stats_begun
	[ "$EVENT" = stats_begun ] || stats_failed "ktwatch has not begun"
}

# The figures end here, before the scheduler is asked to end: its counters go with it.
end_stats() {
	[ -n "${KTWATCH:-}" ] || return 0
	end_process "$KTWATCH" "$WATCH_SECONDS" || say "stats: ktwatch ended with status $?"
	KTWATCH=
}

# The first stats frame of all says whose the others are. Without ktwatch's, a payload could send it.
no_stats() { # MESSAGE
	stats_failed "$1"
	ktsend stats failed
}

stats_failed() { # MESSAGE
	say "stats: $1 ($EVENT)"
	quietly kill -KILL "$KTWATCH"
	KTWATCH=
}

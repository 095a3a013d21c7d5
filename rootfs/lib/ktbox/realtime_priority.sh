# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: real-time priority and no OOM kill for /init, since a stalling scheduler gives ordinary processes
#        no CPU.
#
# Not reset on fork: the short-lived helpers of a teardown must get the CPU too. Whatever is not ours is
# started by ktexec, ktexitmon or ktlogin, which undo both.

realtime_priority() {
	chrt -f -p 50 $$ >/dev/null || say "first in line: no real-time priority"
	echo -1000 >"$ROOT/proc/self/oom_score_adj"
}

# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: give /init real-time priority and protect it from the OOM killer. A stalling scheduler gives ordinary
#        processes no CPU.
#
# The priority is not reset on fork: the short-lived helpers of the teardown need the CPU too. ktexec, ktexitmon
# and ktlogin undo both for the user's programs.

realtime_priority() {
	chrt -f -p 50 $$ >&7 || say "priority: unable to set real-time priority"
	echo -1000 >"$ROOT/proc/self/oom_score_adj"
}

# Background jobs that can be waited for with a deadline.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   sh can't wait for "whichever ends first, but not longer than N seconds". A supervised job sets a
#        latch when its program ends, and ktlatch waits for latches by event. Nothing polls, and a signal
#        to ktrun is handled at once, because ktrun itself only sits in `wait`.
# In:    bb, work, KT_RUN_DIR. Out: latches, $awaited, $job_status. Exit: 205 when waiting itself fails.
# shellcheck disable=SC2015,SC2034,SC2154

# To be run with "&". TERM is passed on to the program, USR1 kills it. HUP and INT are for ktrun to decide
# about. Standard input of the program is descriptor 3 (that of a background job is /dev/null otherwise).
supervise() { # LATCH PROGRAM ARG...
	job_latch=$1 job_signal='' job_child=''
	shift
	trap '' HUP INT QUIT
	trap 'job_signal=TERM; pass_signal' TERM
	trap 'job_signal=KILL; pass_signal' USR1
	"$@" <&3 &
	job_child=$!
	pass_signal
	wait_for_job "$job_child"
	"$bb" ktlatch set "$job_latch"
	exit "$job_status"
}

pass_signal() {
	job_cut=yes
	[ -z "$job_signal" ] || [ -z "$job_child" ] || kill -s "$job_signal" "$job_child" 2>/dev/null
}

# Sets $job_status. A trap cuts a wait short, with or without the job having ended; so wait once more then:
# a shell that has already told the status says 127.
wait_for_job() { # PID
	job_status=''
	while :; do
		job_cut=''
		wait "$1" 2>/dev/null
		job_wait=$?
		[ -n "$job_status" ] && [ "$job_wait" -eq 127 ] && return
		job_status=$job_wait
		[ -n "$job_cut" ] || return 0
	done
}

# Waits until one of the latches is set, at most SECS (no limit if empty). $awaited is the latch's name,
# or empty.
await() { # SECS LATCH...
	await_limit=$1
	shift
	hold_signals
	"$bb" ktlatch wait ${await_limit:+-t "$await_limit"} -a "$@" >"$work/awaited" &
	run_waiter=$!
	release_signals
	wait "$run_waiter" 2>/dev/null
	await_status=$?
	run_waiter=''
	awaited=''
	case $await_status in
	0) read -r awaited <"$work/awaited" ;;
	124) ;;
	*) run_error="unable to wait for the guest (ktlatch ended with $await_status)" ;;
	esac
}

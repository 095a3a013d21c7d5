# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: the one way out. Everything is stopped in the order in which its last words matter; the exit
#        frame is last.

FIN_BYTES=24 # of a fin frame: header and number

teardown() {
	trap '' USR1 USR2 TERM
	trap - EXIT
	stop_scheduler
	send_logs
	run_script sched_disable || note_error teardown "a line of /sched_disable failed"
	drain_trace
	drain_printk
	[ -z "${SEND_DMESG:-}" ] || [ -z "${KT_PORT_FD:-}" ] || dmesg | ktsend dmesg -
	send_history
	end_senders
	send_requested_files
	[ -z "${KT_PORT_FD:-}" ] || send_exit
	drain_consoles
	machine_off
}

# A host that reads through a socket loses what is still in the port's queue when the machine goes, so it may
# ask to be waited for: until its side has taken the exit frame, and 2 s for its answer.
send_exit() {
	[ -z "$ACK" ] || restart_kthvc
	send_fin
	ktsend ${ACK:+-b} exit "$(exit_code)"
	[ -z "$ACK" ] || await 2 artifacts_received
}

# Who listened was killed with the others, and what the host said before now is not the answer.
restart_kthvc() {
	ktlatch reset hvc_ready
	ktlatch reset artifacts_received
	start_kthvc
}

# How much the port has sent, so that the host can tell whether all of it has arrived. A sender that was
# killed in the middle of a write may have come in between: then it is told once more, and the last counts.
send_fin() {
	ask_bytes_sent
	sent=$BYTES_SENT
	ktsend fin "${sent:-unknown}"
	ask_bytes_sent
	[ "${BYTES_SENT:-0}" -le $((${sent:-0} + FIN_BYTES)) ] || send_fin
}

# Its status, when it was asked to end, is told whatever it is: a scheduler that had to be killed is not
# passed over.
stop_scheduler() {
	[ -n "${KTEXITMON:-}" ] || return 0
	end_process "$KTEXITMON" "$MONITOR_SECONDS"
	status=$?
	if is_set sched_exited; then
		[ "$SCHEDULER" = died ] || ktsend lifecycle scheduler-died "it has ended"
		SCHEDULER=died
		return
	fi
	if is_set sched_ejected && [ "$SCHEDULER" != died ]; then report_late_ejection; fi
	! end_unwatched || note_error teardown "ktexitmon has ended before the scheduler, with status $status"
	ktsend sched-state "stopped code=$status"
	[ "$status" -eq 0 ] || say "scheduler: asked to end, it ended with status $status"
}

# Behind the payload's end, where nobody waits for it any more
report_late_ejection() {
	ktsend lifecycle scheduler-died "the kernel has thrown it out"
	SCHEDULER=died
}

send_logs() {
	[ -n "${KT_PORT_FD:-}" ] || return 0
	[ -z "${KTDUMP:-}" ] || end_process "$KTDUMP" "$MONITOR_SECONDS" ||
		note_error teardown "the scheduler's log was not sent whole"
	ktdump -s "$ROOT/tmp"
	[ -e "$ROOT/tmp/sched.log" ] || return 0
	is_set sched_log_sent && return
	ktdump "$ROOT/tmp/sched.log"
	set_latch sched_log_sent
}

# The scheduler is gone, so its dump is in the ring; ktpipe reads the ring empty and an open dump to its end.
drain_trace() {
	[ -n "${KTPIPE:-}" ] || return 0
	end_process "$KTPIPE" "$DRAIN_SILENCE_SECONDS" || note_error teardown "ktpipe ended with status $?"
}

# Tracing goes off first: else who writes faster than the port takes would never let the ring be empty.
drain_printk() {
	[ -n "${PRINTK:-}" ] || return 0
	echo 0 >"$ROOT/sys/kernel/tracing/tracing_on"
	end_process "$PRINTK" "$MONITOR_SECONDS" || note_error teardown "the global trace was not sent whole"
}

# Who is left may hold the port; what it sends after the exit frame would not be read. Only PID 1 may do
# this: elsewhere it would end all of the user's processes.
end_senders() {
	[ "$$" -eq 1 ] || return 0
	kill -KILL -1
}

# The same order as the host's verdicts; docs/verdicts.md
exit_code() {
	if [ -n "${INIT_FAILED:-}" ]; then
		echo 209
	elif [ "$SCHEDULER" = died ] && [ -z "$ATTACHED" ]; then
		echo 200
	elif [ "$SCHEDULER" = not-attached ]; then
		echo 201
	elif [ "$SCHEDULER" = died ] && [ -z "$EXPECT_DEATH" ]; then
		echo 202
	elif [ -n "$EXPECT_DEATH" ] && [ "$SCHEDULER" != died ]; then
		echo 208
	else
		echo "${PAYLOAD_STATUS:-0}"
	fi
}

# stty changes a mode only after all output has left (TCSADRAIN).
drain_consoles() {
	# shellcheck disable=SC2153 # set in consoles.sh
	for console in "$CONSOLE" "$LAST_WORDS" ${SHELL_TTY:+hvc0}; do
		stty -F "$ROOT/dev/$console" -echo 2>/dev/null
	done
}

machine_off() {
	"${KTBOX_ROOT:+$KTBOX_ROOT/bin/}reboot" -f
}

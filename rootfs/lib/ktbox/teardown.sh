# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: the only way out of a run. Everything is stopped in the order in which its last output matters; the exit
#        frame is last.

FIN_BYTES=24 # the size of a fin frame: header and number

teardown() {
	trap '' USR1 USR2 TERM
	trap - EXIT
	stop_recorder
	stop_scheduler
	end_bpf
	send_logs
	run_script sched_disable
	drain_trace
	drain_printk
	drain_kernel_log
	[ -z "${SEND_DMESG:-}" ] || [ -z "${KT_PORT_FD:-}" ] || dmesg | ktsend dmesg -
	send_history
	end_senders
	send_recording
	send_bpf
	send_requested_files
	[ -z "${KT_PORT_FD:-}" ] || send_exit
	drain_consoles
	machine_off
}

# A host that reads through a socket loses what is still in the port's queue when the machine stops. With ktbox.ack=1,
# wait until the host's side has taken the exit frame, and then up to 2 s for its acknowledgement.
send_exit() {
	[ -z "$ACK" ] || restart_kthvc
	send_fin
	ktsend ${ACK:+-b} exit "$(exit_code)"
	[ -z "$ACK" ] || await 2 artifacts_received
}

# end_senders killed kthvc: start it again, and forget any acknowledgement from before the exit frame.
restart_kthvc() {
	ktlatch reset hvc_ready
	ktlatch reset artifacts_received
	start_kthvc
}

# The fin frame has the number of bytes that the port sent before it, so that the host can check that all arrived. The
# last write of a killed sender may come between the count and the frame. Then fin is sent again; the last one counts.
send_fin() {
	read_bytes_sent
	sent=$BYTES_SENT
	ktsend fin "${sent:-unknown}"
	read_bytes_sent
	[ "${BYTES_SENT:-0}" -le $((${sent:-0} + FIN_BYTES)) ] || send_fin
}

# The status of a scheduler that was asked to end is always reported, so that one that had to be killed is noticed.
stop_scheduler() {
	[ -n "${KTEXITMON:-}" ] || return 0
	await_while_lives "$KTEXITMON" -t 0 sched_exited
	case $SCHEDULER.$EVENT in
	running.sched_exited)
		scheduler_died "it ended"
		return
		;;
	running.process.ended)
		monitor_ended
		return
		;;
	esac
	end_process "$KTEXITMON" "$MONITOR_SECONDS"
	status=$?
	if is_set sched_exited; then
		[ "$SCHEDULER" = died ] || ktsend lifecycle scheduler-died "it ended"
		SCHEDULER=died
		return
	fi
	if is_set sched_ejected && [ "$SCHEDULER" != died ]; then report_late_ejection; fi
	! end_unwatched || note_error teardown "ktexitmon ended before the scheduler, with status $status"
	ktsend sched-state "stopped code=$status"
	case $status in
	0 | 143) ;; # 143: by the SIGTERM that asked it to
	*) STOPPED_BADLY=1 ;;
	esac
	[ "$status" -eq 0 ] || say "scheduler: it ended with status $status when it was stopped"
}

# The kernel ejected it after the payload's end, when /init no longer waited for that.
report_late_ejection() {
	ktsend lifecycle scheduler-died "the kernel ejected it"
	SCHEDULER=died
}

send_logs() {
	[ -n "${KT_PORT_FD:-}" ] || return 0
	[ -z "${KTDUMP:-}" ] || end_process "$KTDUMP" "$MONITOR_SECONDS" ||
		note_error teardown "the scheduler's log was not sent completely"
	send_staged_logs
	[ -e "$ROOT/tmp/sched.log" ] || return 0
	is_set sched_log_owned && return
	set_latch sched_log_owned
	ktdump "$ROOT/tmp/sched.log"
}

send_staged_logs() { # of earlier schedulers of ktstr's host
	set -- "$ROOT"/tmp/sched_*.log
	[ ! -e "$1" ] || ktdump -s "$ROOT/tmp"
}

# The scheduler is gone, so all of its dump is in the ring. ktpipe reads until the ring is empty and an open dump has
# ended.
drain_trace() {
	[ -n "${KTPIPE:-}" ] || return 0
	end_process "$KTPIPE" "$DRAIN_SILENCE_SECONDS" || note_error teardown "ktpipe ended with status $?"
}

# Tracing is turned off first: a writer that is faster than the port would never let the ring become empty.
drain_printk() {
	[ -n "${PRINTK:-}" ] || return 0
	echo 0 >"$ROOT/sys/kernel/tracing/tracing_on"
	end_process "$PRINTK" "$MONITOR_SECONDS" || note_error teardown "the global trace was not sent completely"
}

# Kills all other processes: they may still write to the port, and nothing after the exit frame is read. Only PID 1 may
# do this; under a test it would end all of the user's processes.
end_senders() {
	[ "$$" -eq 1 ] || return 0
	kill -KILL -1
	[ -z "${KTHVC:-}" ] || wait_for "$KTHVC" # its mark of a wake byte may be on its way into the port
}

# The order is that of the host's verdicts (docs/use/verdicts.md).
exit_code() {
	if [ "$SCHEDULER" = died ] && [ -z "$ATTACHED" ]; then
		echo 200
	elif [ "$SCHEDULER" = not-attached ]; then
		echo 201
	elif [ "$SCHEDULER" = died ] && [ -z "$EXPECT_DEATH" ]; then
		echo 202
	elif [ -n "${INIT_FAILED:-}" ]; then
		echo 209
	elif [ -n "$EXPECT_DEATH" ] && [ "$SCHEDULER" != died ]; then
		echo 208
	elif [ "${PAYLOAD_STATUS:-0}" -eq 0 ] && [ -n "${SCRIPT_FAILED:-}" ]; then
		echo 209
	else
		echo "${PAYLOAD_STATUS:-0}"
	fi
}

# stty changes a mode only after all output has been transmitted (TCSADRAIN). Where /dev is not mounted there is only
# the kernel's own /dev/console.
drain_consoles() {
	# shellcheck disable=SC2153 # set in consoles.sh
	for console in "$CONSOLE" "$LAST_WORDS" ${SHELL_TTY:+hvc0}; do
		quietly stty -F "$ROOT/dev/$console" -echo
	done
	[ -e "$ROOT/dev/$CONSOLE" ] || quietly stty -F "$ROOT/dev/console" -echo
}

machine_off() {
	"${KTBOX_ROOT:+$KTBOX_ROOT/bin/}reboot" -f
}

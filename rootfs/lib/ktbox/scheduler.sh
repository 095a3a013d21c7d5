# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: the scheduler: started under ktexitmon, awaited until it is attached, has ended, or time is up.
#
# SCHEDULER says how it stands: none, running, died, not-attached, unwatched. ATTACHED is set once it has been
# attached.

MONITOR_SECONDS=30 # for ktexitmon: TERM, grace and KILL of the scheduler; or its log and the dump's end
GRACE_SECONDS=3 # for a scheduler that was thrown out to write its log and end
RESTART_SECONDS=3 # for one that was unregistered to attach again, or to end

scheduler() {
	SCHEDULER=none
	ATTACHED=
	rcu_expedite off
	run_script sched_enable || note_error scheduler "a line of /sched_enable failed"
	[ -e "$ROOT/scheduler" ] || return 0
	is_set shutdown && return
	if [ ! -d "$ROOT/sys/kernel/sched_ext" ]; then
		not_attached "sched_ext sysfs absent"
		return
	fi
	start_scheduler
	await_attach
}

run_script() { # sched_enable|sched_disable: one of the optional scripts around the scheduler's life
	[ ! -e "$ROOT/$1" ] || ktsh-lite "$ROOT/$1"
}

start_scheduler() {
	log=$ROOT/tmp/sched.log
	[ -z "$LIVE_LOG" ] || send_live_log
	set -f # its arguments are split at white space, and nothing else is done to them
	# shellcheck disable=SC2046
	set -- $([ ! -e "$ROOT/sched_args" ] || cat "$ROOT/sched_args")
	set +f
	SCHEDULER=running
	exec_with_user_env ktexitmon -l "$log" "$ROOT/scheduler" "$@" &
	KTEXITMON=$!
}

# Through a FIFO: what a panic finds unread there is a page at most. One owner sends the log: whoever else
# would looks at the latch.
send_live_log() {
	set_latch sched_log_sent
	mkfifo "$RUN/sched.fifo"
	ktdump -f "$RUN/sched.fifo" -c "$log" &
	KTDUMP=$!
	log=$RUN/sched.fifo
}

await_attach() {
	await_while_lives "$KTEXITMON" -t "$ATTACH_TIMEOUT" \
		sched_exited sched_ejected sched_detached sched_attached shutdown
	if is_set sched_attached || is_attached; then ATTACHED=1; fi
	case $EVENT in
	sched_exited) scheduler_died "it has ended" ;;
	sched_ejected) scheduler_died "the kernel has thrown it out" ;;
	sched_detached) await_restart ;;
	process.ended) monitor_ended ;;
	timeout) [ -n "$ATTACHED" ] || not_attached timeout ;;
	esac
}

# Uevents tell of an attach; when none came, what the kernel says now decides.
is_attached() {
	[ -e "$ROOT/sys/kernel/sched_ext/root/ops" ] &&
		read -r state <"$ROOT/sys/kernel/sched_ext/state" && [ "$state" = enabled ]
}

# It has been unregistered. Some schedulers attach again by themselves; one that lingers is as dead as any.
await_restart() {
	ktlatch reset sched_attached
	ktlatch reset sched_detached
	is_attached && return
	await_while_lives "$KTEXITMON" -t "$RESTART_SECONDS" sched_exited sched_ejected sched_attached shutdown
	case $EVENT in
	sched_exited) scheduler_died "it has ended" ;;
	sched_ejected) scheduler_died "the kernel has thrown it out" ;;
	process.ended) monitor_ended ;;
	timeout) is_attached || scheduler_died "it is detached, and its process lives on" ;;
	esac
}

scheduler_died() { # REASON
	SCHEDULER=died
	ktsend lifecycle scheduler-died "$1"
	# one that was thrown out gets time to write why, and to end
	[ "$EVENT" != sched_ejected ] || await "$GRACE_SECONDS" sched_exited shutdown
	is_set sched_exited || return 0
	# The log, the dump's end and the sched-exit frame: all of it is out when ktexitmon has ended. TERM
	# changes nothing about that; it is here for the bound.
	end_process "$KTEXITMON" "$MONITOR_SECONDS"
	KTEXITMON=
}

# /init knows of the scheduler by ktexitmon only: without it there is nothing to say about the run.
monitor_ended() {
	wait_for "$KTEXITMON"
	note_error scheduler "ktexitmon has ended, with status $?, and not the scheduler"
	KTEXITMON=
	SCHEDULER=unwatched
	end_unwatched
}

# A scheduler whose ktexitmon was killed: it ends by us. False when there was none.
end_unwatched() {
	# more than 1: the group of 1 would be everything
	{ read -r sched_pid <"$RUN/sched.pid" && [ "$sched_pid" -gt 1 ] && kill -0 "$sched_pid"; } 2>/dev/null || return
	for signal in TERM KILL; do
		kill -"$signal" "-$sched_pid" 2>/dev/null
		ktlatch wait -a -t "$GRACE_SECONDS" -p "$sched_pid" >/dev/null
	done
	return 0
}

not_attached() { # REASON
	SCHEDULER=not-attached
	ktsend lifecycle scheduler-not-attached "$1"
}

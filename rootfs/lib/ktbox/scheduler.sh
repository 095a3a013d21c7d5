# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: start the scheduler under ktexitmon, and wait until it attaches, ends, or time is up.
#
# SCHEDULER is its state: none, running, died, not-attached, unwatched. ATTACHED is set once it has been attached,
# RESTART_DUE_MS while one that was unregistered is expected to attach again.

MONITOR_SECONDS=30 # for ktexitmon to stop the scheduler by TERM and KILL, or to send its log and the dump's end
GRACE_SECONDS=3 # for an ejected scheduler to write its log and end
RESTART_SECONDS= # for an unregistered scheduler to attach again or end; empty: as restart_seconds says
ORPHAN_SECONDS=10 # for a scheduler that was killed together with ktexitmon to end
LOAD_FACTOR=4 # how much longer than the first attach a later one may take

scheduler() {
	SCHEDULER=none
	ATTACHED=
	RESTART_DUE_MS=
	rcu_expedite off
	run_script sched_enable
	find_scheduler || return 0
	is_set shutdown && return
	if [ ! -d "$ROOT/sys/kernel/sched_ext" ]; then
		not_attached "sched_ext sysfs absent${HOST_IS_KTRUN:+: does this kernel have $(option_of_sched_ext)?}"
		return
	fi
	start_scheduler
	await_attach
}

# Sets SCHEDULER_FILE: /scheduler, or the program of the host's root. False: there is none.
find_scheduler() {
	SCHEDULER_FILE=$ROOT/scheduler
	if [ -n "$HOST_ROOT" ]; then
		[ -e "$ROOT/.ktbox/host_root/scheduler" ] || return
		read_line "$ROOT/.ktbox/host_root/scheduler"
		SCHEDULER_FILE=$LINE
		return
	fi
	[ -e "$SCHEDULER_FILE" ]
}

# sched_ext needs two options that leave traces of their own.
option_of_sched_ext() {
	if [ ! -e "$ROOT/proc/sys/kernel/unprivileged_bpf_disabled" ]; then
		echo CONFIG_BPF_SYSCALL
	elif [ ! -e "$ROOT/sys/kernel/btf/vmlinux" ]; then
		echo CONFIG_DEBUG_INFO_BTF
	else
		echo CONFIG_SCHED_CLASS_EXT
	fi
}

run_script() { # sched_enable|sched_disable: the optional scripts before and after the scheduler
	[ -e "$ROOT/$1" ] || return 0
	script_errors=$(cd "$ROOT/" && ktsh-lite "$ROOT/$1" 2>&1)
	script_status=$?
	[ -z "$script_errors" ] || echo "$script_errors" >&2
	[ "$script_status" -eq 0 ] || note_script_error "$1" "$script_errors"
}

start_scheduler() {
	log=$ROOT/tmp/sched.log
	[ -z "$LIVE_LOG" ] || send_live_log
	set -f # the arguments are split at white space and not expanded
	# shellcheck disable=SC2046
	set -- $([ ! -e "$ROOT/sched_args" ] || cat "$ROOT/sched_args")
	set +f
	SCHEDULER=running
	set_latch init_watches
	name_scheduler
	now_ms
	SCHED_STARTED_MS=$NOW_MS
	exec_with_user_env ktexitmon -l "$log" "$PROGRAM" "$@" &
	KTEXITMON=$!
}

# Sets PROGRAM, a link to the scheduler with the name that it has on the host: a process has the name by which it was
# started. Without space for a link it is the scheduler itself.
name_scheduler() {
	PROGRAM=$SCHEDULER_FILE
	program_name=
	[ ! -e "$ROOT/.ktbox/scheduler_name" ] || read -r program_name <"$ROOT/.ktbox/scheduler_name"
	[ -n "$program_name" ] || return 0
	mkdir -p "$RUN_PATH/bin" && ln -s "$SCHEDULER_FILE" "$RUN_PATH/bin/$program_name" &&
		PROGRAM=$RUN_PATH/bin/$program_name
}

# The log goes through a raw terminal, so that the scheduler's C library writes line by line; with ktbox.log_tty=0
# through a one-page FIFO. The latch tells other senders that the log has an owner.
send_live_log() {
	set_latch sched_log_owned
	[ -n "$LOG_TTY" ] || mkfifo "$RUN/sched.fifo"
	ktdump -f "$RUN/sched.fifo" -c "$log" ${LOG_TTY:+-t} &
	KTDUMP=$!
	[ -z "$LOG_TTY" ] || await_while_lives "$KTDUMP" -t 10 log_ready
	if [ -n "$LOG_TTY" ] && [ "$EVENT" != log_ready ]; then
		say "scheduler: there is no terminal for its log ($EVENT): the log is sent at the end"
		quietly kill "$KTDUMP"
		KTDUMP=
		ktlatch reset sched_log_owned
		return
	fi
	log=$RUN/sched.fifo
}

await_attach() {
	await_while_lives "$KTEXITMON" -t "$ATTACH_TIMEOUT" \
		sched_exited sched_ejected sched_detached sched_attached shutdown
	if is_set sched_attached || is_attached; then ATTACHED=1; fi
	now_ms
	ATTACH_MS=$((NOW_MS - SCHED_STARTED_MS))
	case $EVENT in
	sched_exited) scheduler_died "it ended" ;;
	sched_ejected) scheduler_died "the kernel ejected it" ;;
	sched_detached) await_restart ;;
	process.ended) monitor_ended ;;
	timeout) [ -n "$ATTACHED" ] || not_attached timeout ;;
	esac
}

# An attach is normally seen by its uevent. If none came, the kernel's present state decides.
is_attached() {
	[ -e "$ROOT/sys/kernel/sched_ext/root/ops" ] &&
		read -r state <"$ROOT/sys/kernel/sched_ext/state" && [ "$state" = enabled ]
}

# A restart does what the first attach did: it loads and attaches. So it gets the same time, and a multiple of what the
# first one took: the guest may be busier now.
restart_seconds() { # sets SECONDS_LEFT
	SECONDS_LEFT=$((ATTACH_MS * LOAD_FACTOR / 1000 + 1))
	[ "$SECONDS_LEFT" -gt "$ATTACH_TIMEOUT" ] || SECONDS_LEFT=$ATTACH_TIMEOUT
	SECONDS_LEFT=${RESTART_SECONDS:-$SECONDS_LEFT}
}

# The scheduler has been unregistered. Many attach again by themselves, when the kernel asks for it (CPU hotplug) or
# when they like. One that does not is dead, even if its process lives on.
await_restart() {
	restart_seconds
	now_ms
	RESTART_DUE_MS=$((NOW_MS + SECONDS_LEFT * 1000))
	ktlatch reset sched_attached
	ktlatch reset sched_detached
	if is_attached; then
		RESTART_DUE_MS=
	else
		await_due_restart ${PAYLOAD_JOB:+payload_ended}
	fi
}

await_due_restart() { # [LATCH]: when it comes first, the restart stays due
	now_ms
	seconds_left=$(((RESTART_DUE_MS - NOW_MS + 999) / 1000))
	[ "$seconds_left" -ge 0 ] || seconds_left=0
	await_while_lives "$KTEXITMON" -t "$seconds_left" sched_exited sched_ejected sched_attached shutdown "$@"
	[ "$EVENT" != payload_ended ] || return 0
	RESTART_DUE_MS=
	case $EVENT in
	sched_exited) scheduler_died "it ended" ;;
	sched_ejected) scheduler_died "the kernel ejected it" ;;
	process.ended) monitor_ended ;;
	timeout) is_attached || scheduler_died "it is detached, though its process lives on" ;;
	esac
}

scheduler_died() { # REASON
	SCHEDULER=died
	stop_recorder
	ktsend lifecycle scheduler-died "$1"
	set_latch death_sent # ktexitmon waits for it: ktstr's host reads nothing after its sched-exit frame
	# An ejected scheduler gets time to log the reason and end.
	[ "$EVENT" != sched_ejected ] || await "$GRACE_SECONDS" sched_exited shutdown
	is_set sched_exited || return 0
	# When ktexitmon has ended, it has sent the log, the dump's end and the sched-exit frame. TERM does not change
	# that; end_process is called for its time limit.
	end_process "$KTEXITMON" "$MONITOR_SECONDS"
	KTEXITMON=
}

# Without ktexitmon, /init knows nothing about a scheduler that lives on, so the run is over.
monitor_ended() {
	wait_for "$KTEXITMON"
	monitor_status=$?
	KTEXITMON=
	if orphan_has_ended; then
		scheduler_died "it ended, and ktexitmon with it"
		return
	fi
	note_error scheduler "ktexitmon ended before the scheduler, with status $monitor_status"
	SCHEDULER=unwatched
	EVENT=unwatched
	end_unwatched
}

# What kills ktexitmon may have killed the scheduler, too (kill -9 -1). Another ktexitmon finds out, and reports it.
orphan_has_ended() {
	read_sched_pid || return
	ktexitmon -l "$log" -P "$sched_pid" &
	KTEXITMON=$!
	await_while_lives "$KTEXITMON" -t "$ORPHAN_SECONDS" sched_exited shutdown
	[ "$EVENT" != sched_exited ] || return 0
	end_process "$KTEXITMON" "$MONITOR_SECONDS"
	KTEXITMON=
	return 1
}

read_sched_pid() { # kill -1 would signal every process
	{ read -r sched_pid <"$RUN/sched.pid" && [ "$sched_pid" -gt 1 ]; } 2>&7
}

# Ends a scheduler orphaned by ktexitmon's death. Returns false if there is none.
end_unwatched() {
	read_sched_pid && quietly kill -0 "$sched_pid" || return
	for signal in TERM KILL; do
		quietly kill -"$signal" "-$sched_pid"
		ktlatch wait -a -t "$GRACE_SECONDS" -p "$sched_pid" >&7
	done
	return 0
}

not_attached() { # REASON
	SCHEDULER=not-attached
	ktsend lifecycle scheduler-not-attached "$1"
}

# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: run the payload and watch the scheduler meanwhile.
#
# PAYLOAD_STATUS is the payload's raw status; empty if there was no payload.

DEATH_SECONDS=60 # how long to wait for an expected death without a payload

payload() {
	PAYLOAD_STATUS=
	is_worth_running || return 0
	is_set shutdown && return
	hold_payload || return 0
	! has_payload || ktsend lifecycle payload-starting
	begin_stats
	ktsend scenario-start
	now_ms
	STARTED_MS=$NOW_MS
	start_payload
	watch_payload
	if now_ms; then
		ktsend scenario-end $((NOW_MS - STARTED_MS))
	else
		say "payload: $ROOT/proc/uptime can't be read, so its time is not known"
	fi
	end_stats
	[ -z "$RESTART_DUE_MS" ] || await_due_restart
	[ -z "$PAYLOAD_STATUS" ] || ktsend exec-exit "$PAYLOAD_STATUS"
}

# Without its scheduler, a test would test nothing. A shell is opened anyway, to find out why.
is_worth_running() {
	[ -n "$SHELL_TTY" ] && return
	case $SCHEDULER in
	died) [ -n "$EXPECT_DEATH" ] ;;
	not-attached | unwatched) false ;;
	esac
}

# With ktbox.hold=SECONDS: wait until the host's wake bytes say that it has written its map (0xBF) and that its accessor
# is ready (0xAC). False: the payload must not start.
hold_payload() {
	[ -n "$HOLD_SECONDS" ] || return 0
	now_ms
	HOLD_END_MS=$((NOW_MS + HOLD_SECONDS * 1000))
	for latch in bpf_map_write_done accessor_ready; do
		until is_set "$latch"; do
			hold_for "$latch" || return
		done
	done
}

hold_for() { # LATCH
	now_ms
	seconds_left=$(((HOLD_END_MS - NOW_MS + 999) / 1000))
	EVENT=timeout
	if [ "$seconds_left" -gt 0 ]; then
		case $SCHEDULER in
		running) await "$seconds_left" sched_exited sched_ejected shutdown "$1" ;;
		*) await "$seconds_left" shutdown "$1" ;;
		esac
	fi
	case $EVENT in
	sched_exited) scheduler_died "it ended" ;;
	sched_ejected) scheduler_died "the kernel ejected it" ;;
	shutdown) return 1 ;;
	timeout)
		note_error payload "not started: no wake byte of the host has set latch $1 within $HOLD_SECONDS s"
		return 1
		;;
	esac
	is_worth_running
}

has_payload() {
	[ -n "$SHELL_TTY" ] || [ -x "$ROOT/payload" ] || has_command
}

start_payload() {
	if [ -n "$SHELL_TTY" ]; then
		payload_job interactive_shell
	elif [ -x "$ROOT/payload" ]; then
		payload_arguments
	elif [ -e "$ROOT/.ktbox/command" ]; then
		payload_job exec_with_user_env ktexec -l payload_status -a "$ROOT/.ktbox/command"
	elif [ -e "$ROOT/exec_cmd" ]; then
		payload_job exec_with_user_env ktexec -l payload_status sh -c "$(cat "$ROOT/exec_cmd")"
	else
		PAYLOAD_JOB=
	fi
}

payload_arguments() { # /args has one argument per line
	set --
	if [ -e "$ROOT/args" ]; then
		while IFS= read -r argument || [ -n "$argument" ]; do
			set -- "$@" "$argument"
		done <"$ROOT/args"
	fi
	payload_job exec_with_user_env ktexec -l payload_status "$ROOT/payload" "$@"
}

# The payload's end becomes a latch, so that one wait covers it, the scheduler's end and a shutdown. Its status is the
# job's own: a file could not be written where /run is full.
payload_job() { # COMMAND ARG...
	payload_stdin
	{
		"$@" <"$PAYLOAD_STDIN" &
		echo $! >"$RUN/payload.pid"
		set_latch payload_started
		wait $!
		job_status=$?
		set_latch payload_ended
		exit "$job_status"
	} &
	PAYLOAD_JOB=$!
}

watch_payload() {
	while run_goes_on; do
		next_event
		case $EVENT in
		sched_exited) scheduler_died "it ended during the run" ;;
		sched_ejected) scheduler_died "the kernel ejected it" ;;
		sched_detached) await_restart ;;
		process.ended)
			[ "$SCHEDULER" = running ] || break # it is the payload's job
			monitor_ended
			;;
		*) break ;;
		esac
	done
	finish_payload
}

# A scheduler's death ends the run, unless it was expected or the payload is a shell.
run_goes_on() {
	is_worth_running || return
	[ -n "$PAYLOAD_JOB" ] || { [ "$SCHEDULER" = running ] && [ -n "$EXPECT_DEATH" ]; }
}

# Earlier latches in a list win, so a death is reported even if the payload ended at the same moment.
next_event() {
	if [ "$SCHEDULER" != running ]; then
		await_while_lives "$PAYLOAD_JOB" shutdown payload_ended
	elif [ -n "$PAYLOAD_JOB" ]; then
		await_while_lives "$KTEXITMON" sched_exited sched_ejected shutdown sched_detached payload_ended
	else
		await_while_lives "$KTEXITMON" -t "$DEATH_SECONDS" sched_exited sched_ejected shutdown sched_detached
	fi
}

finish_payload() {
	[ -n "$PAYLOAD_JOB" ] || return 0
	is_set payload_ended || [ "$EVENT" = process.ended ] || stop_payload
	wait_for "$PAYLOAD_JOB"
	PAYLOAD_STATUS=$?
	[ "$PAYLOAD_STATUS" -ne 137 ] || [ -n "$SHELL_TTY" ] || is_set payload_status || ktexec_was_killed
	# Leaving the shell by poweroff or reboot counts as exit 0.
	if [ -n "$SHELL_TTY" ] && is_set shutdown; then
		PAYLOAD_STATUS=0
	fi
}

# 137 is the status of a payload that was killed, but of a killed ktexec, too (kill -9 -1 spares its caller). That says
# nothing about the payload, which may live on.
ktexec_was_killed() {
	note_error payload "ktexec was killed, so the payload's own status is unknown"
	PAYLOAD_STATUS=
}

# ktexec passes TERM on to its program's process group and ends within its own time limits. An interactive shell
# ignores TERM, so it gets HUP.
stop_payload() {
	signal=TERM
	[ -z "$SHELL_TTY" ] || signal=HUP
	await 5 payload_started
	read -r payload_pid <"$RUN/payload.pid"
	kill -"$signal" "$payload_pid"
	await_while_lives "$PAYLOAD_JOB" -t 15 payload_ended
	[ "$EVENT" != timeout ] && return
	note_error payload "SIG$signal did not end it"
	kill -KILL "$payload_pid"
	await_while_lives "$PAYLOAD_JOB" -t 5 payload_ended
}

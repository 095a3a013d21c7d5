# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: the payload, and what happens to the scheduler meanwhile.
#
# PAYLOAD_STATUS is the payload's raw status; empty when there was none to run.

DEATH_SECONDS=60 # without a payload, how long an expected death is waited for

payload() {
	PAYLOAD_STATUS=
	is_worth_running || return 0
	is_set shutdown && return
	! has_payload || ktsend lifecycle payload-starting
	ktsend scenario-start
	now_ms
	STARTED_MS=$NOW_MS
	start_payload
	watch_payload
	now_ms
	ktsend scenario-end $((NOW_MS - STARTED_MS))
	[ -z "$PAYLOAD_STATUS" ] || ktsend exec-exit "$PAYLOAD_STATUS"
}

# A test without its scheduler tests nothing; a developer at the shell wants to find out why.
is_worth_running() {
	[ -n "$SHELL_TTY" ] && return
	case $SCHEDULER in
	died) [ -n "$EXPECT_DEATH" ] ;;
	not-attached | unwatched) false ;;
	esac
}

has_payload() {
	[ -n "$SHELL_TTY" ] || [ -x "$ROOT/payload" ] || [ -e "$ROOT/exec_cmd" ]
}

start_payload() {
	if [ -n "$SHELL_TTY" ]; then
		payload_job interactive_shell
	elif [ -x "$ROOT/payload" ]; then
		payload_arguments
	elif [ -e "$ROOT/exec_cmd" ]; then
		payload_job exec_with_user_env ktexec sh -c "$(cat "$ROOT/exec_cmd")"
	else
		PAYLOAD_JOB=
	fi
}

payload_arguments() { # /args: one a line
	set --
	if [ -e "$ROOT/args" ]; then
		while IFS= read -r argument || [ -n "$argument" ]; do
			set -- "$@" "$argument"
		done <"$ROOT/args"
	fi
	payload_job exec_with_user_env ktexec "$ROOT/payload" "$@"
}

# Its end becomes a latch, so that one wait sees it, the scheduler's end, and a shutdown.
payload_job() { # COMMAND ARG...
	payload_stdin
	{
		"$@" <"$PAYLOAD_STDIN" &
		echo $! >"$RUN/payload.pid"
		set_latch payload_started
		wait $!
		echo $? >"$RUN/payload.status"
		set_latch payload_ended
	} &
	PAYLOAD_JOB=$!
}

watch_payload() {
	while run_goes_on; do
		next_event
		case $EVENT in
		sched_exited) scheduler_died "it has ended during the run" ;;
		sched_ejected) scheduler_died "the kernel has thrown it out" ;;
		sched_detached) await_restart ;;
		process.ended) monitor_ended ;;
		*) break ;;
		esac
	done
	finish_payload
}

# A dead scheduler ends the run, unless it was expected to die, or a developer at the shell wants to look
# around.
run_goes_on() {
	is_worth_running || return
	[ -n "$PAYLOAD_JOB" ] || { [ "$SCHEDULER" = running ] && [ -n "$EXPECT_DEATH" ]; }
}

# What is named first is told first: a death is not overlooked because the payload ended together with it.
next_event() {
	if [ "$SCHEDULER" != running ]; then
		await_forever shutdown payload_ended
	elif [ -n "$PAYLOAD_JOB" ]; then
		await_while_lives "$KTEXITMON" sched_exited sched_ejected shutdown sched_detached payload_ended
	else
		await_while_lives "$KTEXITMON" -t "$DEATH_SECONDS" sched_exited sched_ejected shutdown sched_detached
	fi
}

finish_payload() {
	[ -n "$PAYLOAD_JOB" ] || return 0
	is_set payload_ended || stop_payload
	wait_for "$PAYLOAD_JOB"
	read -r PAYLOAD_STATUS <"$RUN/payload.status"
	# poweroff and reboot are as good a way to leave the shell as exit is
	if [ -n "$SHELL_TTY" ] && is_set shutdown; then
		PAYLOAD_STATUS=0
	fi
}

# ktexec takes TERM to its program's group, and ends within its own bounds; an interactive shell ends by
# HUP only.
stop_payload() {
	signal=TERM
	[ -z "$SHELL_TTY" ] || signal=HUP
	await 5 payload_started
	read -r payload_pid <"$RUN/payload.pid"
	kill -"$signal" "$payload_pid"
	await 15 payload_ended
	[ "$EVENT" = payload_ended ] && return
	note_error payload "it did not end by $signal"
	kill -KILL "$payload_pid"
	await 5 payload_ended
}

# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: with ktbox.record=EVENTS (ktrun --trace), make a trace instance whose ring overwrites its oldest events, and
#        let the kernel stop it at a scheduler's death. Part of the teardown: send what the ring has.
#
# In:   RECORD_EVENTS, SYSTEM/NAME with commas between; RECORD_KB, of the ring, all CPUs together; RECORD_PASS, set if a
#       run that passes is sent too. STOPPED_BADLY, of the teardown.
# Out:  a mark "recorder:COMPLAINT" for each thing that this kernel lacks; the run goes on without it. At the end the
#       files of tracefs that a reader of the ring needs, and the raw pages of each CPU.

DEATH_LINE='*triggered exit kind*' # of a dump: its second line; a dump of SysRq-D has another one

flight_recorder() {
	[ -n "$RECORD_EVENTS" ] || return 0
	TRACEFS=$ROOT/sys/kernel/tracing
	RECORDER=$TRACEFS/instances/ktbox-recorder
	if ! quietly mkdir "$RECORDER"; then
		RECORDER=
		recorder_lacks "there are no trace instances: does this kernel have CONFIG_FTRACE?"
		return
	fi
	set_recorder tracing_on 0
	set_recorder trace_clock mono # the clock of the marks; events of different CPUs are in order
	set_recorder buffer_size_kb "$(ring_kb)"
	stop_recorder_at_death
	record_events
	set_recorder tracing_on 1
}

recorder_lacks() { # WHAT
	say "flight recorder: $1"
	[ -z "${KT_PORT_FD:-}" ] || ktsend mark "recorder:$1"
}

set_recorder() { # FILE VALUE
	{ echo "$2" >"$RECORDER/$1"; } 2>&7 || recorder_lacks "unable to write '$2' to $1"
}

# The kernel takes the size per CPU, and makes a ring for each possible CPU.
ring_kb() {
	ring_cpus=0
	for cpu in "$RECORDER"/per_cpu/cpu*; do
		ring_cpus=$((ring_cpus + 1))
	done
	ring_total=${RECORD_KB#"${RECORD_KB%%[1-9]*}"} # a number with a 0 before it is octal for the shell
	echo $((${ring_total:-0} / ring_cpus + 1))
}

# The trigger stops this ring alone. The filter leaves one line of a dump in the ring: the moment of the death.
stop_recorder_at_death() {
	dump=events/sched_ext/sched_ext_dump
	[ -d "$RECORDER/$dump" ] || return 0
	set_recorder "$dump/filter" "line ~ \"$DEATH_LINE\""
	set_recorder "$dump/trigger" "traceoff if line ~ \"$DEATH_LINE\""
}

# Sets RECORDED to the events that this kernel has.
record_events() {
	RECORDED=
	events_left=$RECORD_EVENTS,
	while [ -n "$events_left" ]; do
		record_event "${events_left%%,*}"
		events_left=${events_left#*,}
	done
}

record_event() { # SYSTEM/NAME
	if [ -e "$TRACEFS/events/$1/format" ] && { echo "${1%%/*}:${1#*/}" >>"$RECORDER/set_event"; } 2>&7; then
		RECORDED="$RECORDED $1"
	else
		recorder_lacks "this kernel has no event $1"
	fi
}

stop_recorder() {
	[ -n "${RECORDER:-}" ] || return 0
	reach_recorder
	set_recorder tracing_on 0
}

# A payload may have unmounted tracefs. The instance outlives its mounts.
reach_recorder() {
	[ -d "$RECORDER" ] || quietly mount -t tracefs tracefs "$TRACEFS" || recorder_lacks "tracefs is not mounted"
}

# What a reader of the ring needs comes first, so that a stream that is cut short has it. The names of kernel functions
# take seconds to read under TCG, so they come only if an event prints one.
send_recording() {
	[ -n "${RECORDER:-}" ] && [ -n "${KT_PORT_FD:-}" ] || return 0
	recording_is_wanted || return 0
	set -- "$TRACEFS/events/header_page" "$TRACEFS/events/header_event" "$TRACEFS/events/ftrace"
	set -- "$@" "$TRACEFS/saved_cmdlines" "$TRACEFS/printk_formats"
	for event in $RECORDED; do
		set -- "$@" "$TRACEFS/events/$event/format"
	done
	! recording_has_functions || set -- "$@" "$ROOT/proc/kallsyms"
	for cpu in "$RECORDER"/per_cpu/cpu*; do
		set -- "$@" "$cpu/stats" "$cpu/trace_pipe_raw"
	done
	ktget "$@" || say "flight recorder: some of the recording could not be sent"
}

recording_has_functions() {
	for event in $RECORDED; do
		! grep -q '%p[sSfFB]' "$TRACEFS/events/$event/format" || return 0
	done
	return 1
}

# A run that does not pass, and a death that was expected. ktrun decides whether a scheduler may end badly.
recording_is_wanted() {
	[ -n "$RECORD_PASS" ] || [ "${SCHEDULER:-}" = died ] || [ -n "${STOPPED_BADLY:-}" ] || [ "$(exit_code)" -ne 0 ]
}

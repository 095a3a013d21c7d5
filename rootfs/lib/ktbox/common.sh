# SPDX-License-Identifier: GPL-2.0-only
#
# The room that all phases share: messages, waiting for events, ending a process.

RUN=$ROOT/run/kt
export KT_RUN_DIR="$RUN"

say() {
	echo "ktbox: $*" >&2
}

# What goes wrong in /init itself becomes part of the verdict; the run goes on.
note_error() { # PHASE REASON
	say "$1: $2"
	INIT_FAILED=1
	if [ -n "${KT_PORT_FD:-}" ]; then
		ktsend init-error "$1: $2"
	else
		echo "ktbox: $1: $2" >"$ROOT/dev/$LAST_WORDS"
	fi
}

# There is nothing left to run for.
fail() { # PHASE REASON
	note_error "$@"
	rescue "$@"
	exit 1
}

# Latches are files (ktlatch --help): two of its verbs need no process.
is_set() { # LATCH
	[ -e "$RUN/$1" ]
}

set_latch() { # LATCH
	true >"$RUN/$1"
}

# Waits in the background, so that the traps of poweroff and reboot run at once: ash runs them only
# between commands.
wait_for() { # PID
	while :; do
		wait "$1"
		status=$?
		# 128 and more: a trap has run meanwhile, or the process was killed; then it is gone by now
		[ "$status" -ge 128 ] && kill -0 "$1" 2>/dev/null && continue
		return "$status"
	done
}

# Sets BYTES_SENT: what the kernel says that the bulk port has sent; empty where it does not tell.
ask_bytes_sent() {
	BYTES_SENT=
	port_state=$ROOT/sys/kernel/debug/virtio-ports/$BULK_PORT
	[ -r "$port_state" ] || return 0
	while read -r key value && [ -z "$BYTES_SENT" ]; do
		[ "$key" != bytes_sent: ] || BYTES_SENT=$value
	done <"$port_state"
}

port_has_moved() { # since the last call in this shell
	sent_before=${BYTES_SENT:-}
	ask_bytes_sent
	[ "$BYTES_SENT" != "$sent_before" ]
}

# A waiter that was killed (128 and more) has nothing to tell: taken for a time-out, it would end a payload
# that runs well.
event_of() { # OPTION... LATCH...
	while :; do
		ktlatch wait -a "$@" >"$RUN/event.name" &
		wait_for $!
		[ $? -ge 128 ] || return 0
	done
}

# EVENT becomes the first latch of the list that is set, or "timeout".
await() { # SECONDS LATCH...
	seconds=$1
	shift
	event_of -t "$seconds" "$@"
	read -r EVENT <"$RUN/event.name" || EVENT=timeout
}

# The same without a bound: for what the user waits for, under the host's wall clock.
await_forever() { # LATCH...
	event_of "$@"
	read -r EVENT <"$RUN/event.name" || EVENT=none
}

# The same with an end of process PID, a child of ours, before any of them: then EVENT is "process.ended".
await_while_lives() { # PID [-t SECONDS] LATCH...
	event_of -p "$@"
	read -r EVENT <"$RUN/event.name" || EVENT=timeout
}

# TERM, and KILL when for SECONDS nothing has moved on the port: a bound on silence, since a host that
# reads slowly must still get every byte. The status is that of PID, a child of ours.
end_process() { # PID SECONDS
	kill -TERM "$1" 2>/dev/null
	{
		until ktlatch wait -t "$2" "ended-$1"; do
			port_has_moved || kill -KILL "$1"
		done
	} &
	wait_for "$1"
	status=$?
	set_latch "ended-$1"
	return "$status"
}

# All folders of the user's files, so that what was included is found by its name
include_path() {
	[ -d "$ROOT/include-files" ] || return 0
	find "$ROOT/include-files" -type d | tr '\n' :
}

now_ms() { # sets NOW_MS, milliseconds since boot, without a process
	read -r up _ <"$ROOT/proc/uptime"
	NOW_MS=$((${up%.*} * 1000 + (1${up#*.} - 100) * 10))
}

# In a process of its own: the environment of the user's programs is not that of /init. Replaced by
# COMMAND, which is looked up before the user's PATH holds.
exec_with_user_env() { # COMMAND ARG...
	kt_command=$(command -v "$1")
	shift
	kt_directories=$(include_path)
	# shellcheck source=/dev/null
	[ ! -e "$ROOT/.ktbox/env" ] || . "$ROOT/.ktbox/env"
	PATH=$kt_directories$PATH
	exec "$kt_command" "$@"
}

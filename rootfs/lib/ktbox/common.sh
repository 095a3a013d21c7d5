# SPDX-License-Identifier: GPL-2.0-only
#
# What all phases share: messages, waiting for events, ending a process.

# The directory of latches, and what /init and its own processes call it: mounts() goes there, and then it is ".". A
# payload may unmount /run, or mount something over it.
RUN_PATH=$ROOT/run/kt
RUN=$RUN_PATH
export KT_RUN_DIR="$RUN"

say() {
	echo "ktbox: $*" >&2
}

# Without what COMMAND complains of. Descriptor 7 is /dev/null (mounts.sh).
quietly() { # COMMAND ARG...
	"$@" 2>&7
}

# An option of the kernel that the run goes without; `announce` tells the host.
goes_without() { # OPTION MESSAGE
	say "$2 ($1)"
	WITHOUT="${WITHOUT:-} $1"
}

# An error of /init itself becomes part of the verdict; the run goes on.
note_error() { # PHASE REASON
	INIT_FAILED=1
	send_error "$@"
}

# A line of the user's script that failed stands beside the verdict; alone it makes one. The first message of ktsh-lite
# names the first such line; that of a line that may fail has ": ignored: ".
note_script_error() { # SCRIPT MESSAGES
	SCRIPT_FAILED=1
	first_line=$(echo "$2" | sed '/^ktsh-lite: [^ ]*: ignored: /d; s/^ktsh-lite: //; q')
	send_error script "${first_line:-/$1: ktsh-lite failed without a message}"
}

send_error() { # PHASE REASON
	say "$1: $2"
	if [ -n "${KT_PORT_FD:-}" ]; then
		ktsend init-error "$1: $2"
	else
		echo "ktbox: $1: $2" >"$ROOT/dev/$LAST_WORDS"
	fi
}

# Ends the run.
fail() { # PHASE REASON
	note_error "$@"
	rescue "$@"
	exit 1
}

# Latches are files (ktlatch --help), so testing and setting one needs no process.
is_set() { # LATCH
	[ -e "$RUN/$1" ]
}

set_latch() { # LATCH
	true >"$RUN/$1"
}

# Returns PID's status. Each long wait of /init is for a background process, so that the traps of poweroff and reboot
# run at once: ash runs a trap only between commands.
wait_for() { # PID
	while :; do
		wait "$1"
		status=$?
		# 128 or more: a trap ran, or the process was killed. Only in the first case it still exists.
		[ "$status" -ge 128 ] && quietly kill -0 "$1" && continue
		return "$status"
	done
}

# Sets PORT to the device of the virtio port NAME. For one that is not there yet, ktport waits.
find_port() { # NAME
	for port in "$ROOT"/sys/class/virtio-ports/*; do
		port_name=
		[ ! -r "$port/name" ] || read -r port_name <"$port/name"
		[ "$port_name" != "$1" ] || { PORT=/dev/${port##*/} && return; }
	done
	PORT=$(ktport "$1")
}

# Sets BYTES_SENT to the kernel's count of bytes that the bulk port has sent; empty if the kernel has none.
read_bytes_sent() {
	BYTES_SENT=
	port_state=$ROOT/sys/kernel/debug/virtio-ports/$BULK_PORT
	[ -r "$port_state" ] || return 0
	while read -r key value && [ -z "$BYTES_SENT" ]; do
		[ "$key" != bytes_sent: ] || BYTES_SENT=$value
	done <"$port_state"
}

port_has_moved() { # since the last call in this shell
	sent_before=${BYTES_SENT:-}
	read_bytes_sent
	[ "$BYTES_SENT" != "$sent_before" ]
}

# Sets EVENT to the first latch of the list that is set, "timeout", "process.ended", or "failed" when ktlatch could not
# say. The answer is a status: a file could not be written where /run is full. A killed waiter (status 128 or more) is
# started again: taken for a timeout, its death would end a payload that runs well.
event_of() { # "OPTION..." LATCH...
	wait_options=$1
	shift
	while :; do
		# shellcheck disable=SC2086  # a list of words
		ktlatch wait -a $wait_options -i "$@" &
		wait_for $!
		status=$?
		case $status in
		1[0-9])
			shift $((status - 10))
			EVENT=$1
			;;
		124) EVENT=timeout ;;
		125) EVENT=process.ended ;;
		*)
			[ "$status" -lt 128 ] || continue
			EVENT=failed
			note_error wait "$(describe_status ktlatch "$status")"
			;;
		esac
		return 0
	done
}

describe_status() { # HELPER STATUS
	case $2 in
	126 | 127) echo "unable to run $1 (status $2): has it been removed?" ;;
	*) echo "$1 ended with status $2" ;;
	esac
}

await() { # SECONDS LATCH...
	seconds=$1
	shift
	event_of "-t $seconds" "$@"
}

# The same, but an end of the child process PID counts before any latch: then EVENT is "process.ended".
await_while_lives() { # PID [-t SECONDS] LATCH...
	watched="-p $1"
	shift
	if [ "$1" = -t ]; then
		watched="$watched -t $2"
		shift 2
	fi
	event_of "$watched" "$@"
}

# Sends TERM to the child process PID, and KILL when nothing has moved on the port for SECONDS. This bounds silence,
# not the whole time: a host that reads slowly must still get every byte. Without ktlatch nothing bounds the wait, so
# KILL comes at once. Returns PID's status. A signal changes nothing here, so this wait is none for a background
# process.
end_process() { # PID SECONDS
	quietly kill -TERM "$1"
	while :; do
		ktlatch wait -a -i -t "$2" -p "$1"
		status=$?
		case $status in
		125) break ;;
		124) port_has_moved || kill -KILL "$1" ;;
		*)
			[ "$status" -lt 128 ] || continue
			say "wait: $(describe_status ktlatch "$status")"
			kill -KILL "$1"
			break
			;;
		esac
	done
	wait_for "$1"
}

# Sets NOW_MS, milliseconds since boot, without a process. False: a payload has unmounted /proc.
now_ms() {
	{ read -r up _ <"$ROOT/proc/uptime"; } 2>&7 || return
	NOW_MS=$((${up%.*} * 1000 + (1${up#*.} - 100) * 10))
}

# Call it in a subshell: it replaces the process by COMMAND, one of ktexec, ktexitmon, ktterm and ktlogin, which start
# a program of the user. They give it the user's environment (kt_exec() in process.h); no shell reads that.
exec_with_user_env() { # COMMAND ARG...
	[ ! -e "$ROOT/.ktbox/env" ] || export KT_USER_ENV="$ROOT/.ktbox/env"
	if [ -d "$ROOT/include-files" ] || [ -d "$ROOT/.ktbox/bin" ]; then
		export KT_USER_PATH="$ROOT/include-files:$ROOT/.ktbox/bin"
	fi
	[ -z "${HOST_ROOT:-}" ] || export KT_USER_ROOT="$HOST_ROOT"
	export KT_USER_DIR="${HOST_DIRECTORY:-$ROOT/}"
	exec "$@"
}

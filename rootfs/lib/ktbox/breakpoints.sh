# SPDX-License-Identifier: GPL-2.0-only
#
# Shells for a developer outside of the payload: between two phases (break=PHASE), and at a failed boot
# (ktbox.rescue=1). The exit of such a shell goes on with what would have come without it.
#
# In:   BREAK_AT, a phase as /init names it; RESCUE. The terminal is that of shell mode; a test under ktrun
#       has none; elsewhere it has the console.

# Those behind the command line, which is not known before; and teardown.
STOPS='first_in_line modules bulk_port wake_bytes announce shell_history shares reference_host trace scheduler payload'

phase() { # NAME: runs it, and a shell before it when one is asked for
	[ "${BREAK_AT:-}" != "$1" ] || stop_for_developer "before the phase $1"
	"$1"
}

break_word() { # break=PHASE
	case " $STOPS teardown " in
	*" ${1#*=} "*) BREAK_AT=${1#*=} ;;
	*) say "command line: no phase to stop before in '$1'; there are: $STOPS teardown" ;;
	esac
}

find_stop_tty() {
	if [ "$MODE" = shell ] && [ ! -e "$ROOT/exec_cmd" ]; then
		find_shell_tty
	elif [ -z "$HOST_IS_KTRUN" ]; then
		SHELL_TTY=$CONSOLE
	else
		return 1
	fi
}

shell_of_stop() {
	if find_stop_tty; then
		interactive_shell
	else
		say "there is no terminal for a shell: ktrun --shell has one"
	fi
}

# In the background, so that poweroff and reboot, which come as signals, are not put off to the shell's end:
# they end the shell by HUP. What it sets stays its own.
stop_for_developer() { # WHERE
	say "a shell $1; exit goes on"
	STOPPED=$1 # for its greeting
	shell_of_stop </dev/null &
	stop_pid=$!
	while kill -0 "$stop_pid" 2>/dev/null; do
		wait "$stop_pid"
		! is_set shutdown || kill -HUP "$stop_pid" 2>/dev/null
	done
	STOPPED=
}

# Once: what goes wrong on the way out of a failed boot needs no second shell.
rescue() { # PHASE REASON
	[ -n "${RESCUE:-}" ] || return 0
	RESCUE=
	stop_for_developer "because of a failed boot: $1: $2"
}

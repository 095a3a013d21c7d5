# SPDX-License-Identifier: GPL-2.0-only
#
# Shells for a developer outside of the payload: between two phases (break=PHASE), and at a failed boot
# (ktbox.rescue=1). The exit of such a shell goes on with what would have come without it.
#
# In:   BREAK_AT, a phase as /init names it; RESCUE. The terminal is that of shell mode; a test under ktrun
#       has none; elsewhere it has the console.

# Those behind the command line, which is not known before; and teardown.
BREAKPOINTS='realtime_priority modules bulk_port wake_bytes announce shell_history shares ktstr_host trace scheduler payload'

phase() { # NAME: runs it, and a shell before it when one is asked for
	[ "${BREAK_AT:-}" != "$1" ] || debug_shell "before the phase $1"
	"$1"
}

set_breakpoint() { # break=PHASE
	case " $BREAKPOINTS teardown " in
	*" ${1#*=} "*) BREAK_AT=${1#*=} ;;
	*) say "command line: no phase to stop before in '$1'; there are: $BREAKPOINTS teardown" ;;
	esac
}

find_debug_tty() {
	if [ "$MODE" = shell ] && [ ! -e "$ROOT/exec_cmd" ]; then
		find_shell_tty
	elif [ -z "$HOST_IS_KTRUN" ]; then
		SHELL_TTY=$CONSOLE
	else
		return 1
	fi
}

run_debug_shell() {
	if find_debug_tty; then
		interactive_shell
	else
		say "there is no terminal for a shell: ktrun --shell has one"
	fi
}

# In the background, so that poweroff and reboot, which come as signals, are not put off to the shell's end:
# they end the shell by HUP. What it sets stays its own.
debug_shell() { # WHERE
	say "a shell $1; exit goes on"
	DEBUG_SHELL_WHERE=$1 # for its greeting
	run_debug_shell </dev/null &
	debug_shell_pid=$!
	while kill -0 "$debug_shell_pid" 2>/dev/null; do
		wait "$debug_shell_pid"
		! is_set shutdown || kill -HUP "$debug_shell_pid" 2>/dev/null
	done
	DEBUG_SHELL_WHERE=
}

# Once: what goes wrong on the way out of a failed boot needs no second shell.
rescue() { # PHASE REASON
	[ -n "${RESCUE:-}" ] || return 0
	RESCUE=
	debug_shell "because of a failed boot: $1: $2"
}

# SPDX-License-Identifier: GPL-2.0-only
#
# Debug shells: before a phase (break=PHASE), and after a failed boot (ktbox.rescue=1). When the shell exits, the
# run continues as if there had been none.
#
# In:   BREAK_AT, a phase of /init; RESCUE. In shell mode, the debug shell uses the terminal of shell mode. Without
#       shell mode, it uses the console, but not under ktrun, which has no terminal then.

# The phases after command_line, which sets BREAK_AT; teardown is one more.
BREAKPOINTS='realtime_priority modules bulk_port wake_bytes announce kernel_log ktstr_host trace run_files printk'
BREAKPOINTS="$BREAKPOINTS shell_history host_root shares flight_recorder stats bpf scheduler payload"

phase() { # NAME: runs the phase, after a debug shell if one is asked for
	[ "${BREAK_AT:-}" != "$1" ] || debug_shell "before the phase $1"
	"$1"
}

set_breakpoint() { # break=PHASE
	case " $BREAKPOINTS teardown " in
	*" ${1#*=} "*) BREAK_AT=${1#*=} ;;
	*) say "command line: unknown phase in '$1'; the phases are: $BREAKPOINTS teardown" ;;
	esac
}

find_debug_tty() {
	if wants_shell; then
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
		say "no terminal for a debug shell: run ktrun --shell on a terminal"
	fi
}

# The shell runs in the background, so that the signals of poweroff and reboot are handled at once: they end it by
# HUP. It is a subshell: what it sets does not reach the run.
debug_shell() { # WHERE
	say "debug shell $1; exit continues the run"
	DEBUG_SHELL_WHERE=$1 # for its greeting
	run_debug_shell &
	debug_shell_pid=$!
	while quietly kill -0 "$debug_shell_pid"; do
		wait "$debug_shell_pid"
		! is_set shutdown || quietly kill -HUP "$debug_shell_pid"
	done
	DEBUG_SHELL_WHERE=
}

# Only once: an error during the teardown of a failed boot opens no second shell.
rescue() { # PHASE REASON
	[ -n "${RESCUE:-}" ] || return 0
	RESCUE=
	debug_shell "after a failed boot: $1: $2"
}

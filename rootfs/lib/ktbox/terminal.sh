# SPDX-License-Identifier: GPL-2.0-only
#
# The terminal of an interactive shell.
#
# SHELL_TTY names it: "ctl" is ktrun's own terminal, reached through the port ktbox-ctl; anything else is a tty
# in /dev. Empty: the payload is not a shell.

SHELL_TTY=

wants_shell() {
	[ "$MODE" = shell ] && ! has_command
}

has_command() { # of ktrun, or of ktstr's host
	[ -e "$ROOT/.ktbox/command" ] || [ -e "$ROOT/exec_cmd" ]
}

# Without the port ktbox-ctl the host is ktstr's, whose terminal is hvc0.
find_shell_tty() {
	SHELL_TTY=hvc0
	[ -z "$CTL_PORT" ] || SHELL_TTY=ctl
}

exec_on_shell_tty() { # COMMAND ARG...
	if [ "$SHELL_TTY" = ctl ]; then
		exec_with_user_env ktterm "$@"
	else
		exec_with_user_env ktlogin "$ROOT/dev/$SHELL_TTY" "$@"
	fi
}

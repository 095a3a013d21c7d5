# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: start kthvc, which acts on wake bytes from the host. hvc0 is raw before the host learns that the guest
#        is ready.
#
# In shell mode on ktstr's host, hvc0 is the shell's terminal: then kthvc does not run.

wake_bytes() {
	! wants_shell || find_shell_tty
	[ "$SHELL_TTY" = hvc0 ] || start_kthvc
}

start_kthvc() { # if kthvc fails, the guest goes on without it
	kthvc -i "$ROOT/dev/hvc0" -s "$ROOT/proc/sysrq-trigger" &
	KTHVC=$!
	await_while_lives "$KTHVC" -t 5 hvc_ready
	[ "$EVENT" != timeout ] || say "wake bytes: kthvc is not ready in time"
}

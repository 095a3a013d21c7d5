# SPDX-License-Identifier: GPL-2.0-only
#
# The payload of shell mode: an interactive shell on a terminal.

# /etc/profile shows /etc/motd.
interactive_shell() {
	greeting >"$ROOT/etc/motd"
	if [ "$SHELL_TTY" = ctl ]; then
		exec_with_user_env ktterm sh -l
	else
		exec_with_user_env ktlogin "$ROOT/dev/$SHELL_TTY" sh -l
	fi
}

greeting() {
	read -r _ _ release _ <"$ROOT/proc/version"
	memory=$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' "$ROOT/proc/meminfo")
	ops=none
	[ -e "$ROOT/sys/kernel/sched_ext/root/ops" ] && read -r ops <"$ROOT/sys/kernel/sched_ext/root/ops"
	echo "ktbox: Linux $release, $((memory / 1024)) MiB, $(nproc) CPUs, scheduler: $ops"
	if [ -n "${DEBUG_SHELL_WHERE:-}" ]; then
		echo "ktbox: a shell $DEBUG_SHELL_WHERE; exit goes on"
	else
		echo "ktbox: exit, poweroff and reboot end the VM"
	fi
}

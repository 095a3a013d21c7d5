# SPDX-License-Identifier: GPL-2.0-only
#
# The payload of shell mode: an interactive shell on a terminal.

interactive_shell() {
	greeting >"$ROOT/dev/$SHELL_TTY"
	with_users_environment ktlogin "$ROOT/dev/$SHELL_TTY" sh -l
}

greeting() {
	read -r _ _ release _ <"$ROOT/proc/version"
	memory=$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' "$ROOT/proc/meminfo")
	ops=none
	[ -e "$ROOT/sys/kernel/sched_ext/root/ops" ] && read -r ops <"$ROOT/sys/kernel/sched_ext/root/ops"
	echo "ktbox: Linux $release, $((memory / 1024)) MiB, $(nproc) CPUs, scheduler: $ops"
	echo "ktbox: exit, poweroff and reboot end the VM"
}

# SPDX-License-Identifier: GPL-2.0-only
#
# The interactive shell: the payload of shell mode, and a debug shell (breakpoints.sh).

# /etc/profile prints /etc/motd.
interactive_shell() {
	greeting >"$ROOT/etc/motd"
	exec_on_shell_tty /bin/sh -l # whatever PATH the user has set
}

greeting() {
	read -r _ _ release _ <"$ROOT/proc/version"
	memory=$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' "$ROOT/proc/meminfo")
	ops=none
	[ -e "$ROOT/sys/kernel/sched_ext/root/ops" ] && read -r ops <"$ROOT/sys/kernel/sched_ext/root/ops"
	echo "ktbox: Linux $release, $((memory / 1024)) MiB, $(nproc) CPUs, scheduler: $ops"
	if [ -n "${DEBUG_SHELL_WHERE:-}" ]; then
		echo "ktbox: debug shell $DEBUG_SHELL_WHERE; exit continues the run"
	else
		echo "ktbox: exit, poweroff and reboot end the VM"
	fi
}

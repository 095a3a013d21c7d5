# SPDX-License-Identifier: GPL-2.0-only
#
# The interactive shell: the payload of shell mode, and a debug shell (breakpoints.sh).

# /etc/profile prints /etc/motd. In the host's root it is the user's shell with the user's own settings, after a
# greeting; but for a debug shell, which looks at what /init sees.
interactive_shell() {
	if [ -n "$HOST_ROOT" ] && [ -z "${DEBUG_SHELL_WHERE:-}" ]; then
		read_line "$ROOT/.ktbox/host_root/shell"
		greeting >"$ROOT/run/ktbox/greeting"
		# shellcheck disable=SC2016 # that shell expands it
		exec_on_shell_tty /bin/sh -c 'cat /run/ktbox/greeting; exec "$0"' "$LINE"
	fi
	HOST_ROOT=
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
	elif [ -n "$HOST_ROOT" ]; then
		echo "ktbox: the host's files; what you change is in memory. exit ends the VM"
	else
		echo "ktbox: exit, poweroff and reboot end the VM"
	fi
}

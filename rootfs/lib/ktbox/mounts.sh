# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: mount the file systems that everything else needs.

newline='
'

mounts() {
	mount -t proc proc "$ROOT/proc"
	mount -t sysfs sys "$ROOT/sys"
	mount -t devtmpfs dev "$ROOT/dev"
	command exec 7<>"$ROOT/dev/null" <&7 # a payload may take /dev away, and /init reads nothing from the console
	rcu_expedite on
	mkdir -p "$ROOT/dev/pts" "$ROOT/dev/shm" "$ROOT/run" "$ROOT/tmp"
	mount -a -T "$ROOT/etc/fstab"
	check_mounts
	consoles
	mkdir -p "$RUN_PATH"
	mount -t tmpfs -o nosuid,nodev,mode=755,size=4m tmpfs "$RUN_PATH" # no payload that fills /run takes its space
	cd "$RUN_PATH" && RUN=. KT_RUN_DIR=.
	unset PWD OLDPWD # ash exports them
	cp -d "$ROOT"/lib/ktbox/dev-links/* "$ROOT/dev" # fd, stdin, stdout, stderr
	link_host_files
}

# What ktrun brought for a directory that is mounted over (a program of the host's /tmp, an absolute DT_RUNPATH there)
# lies below /.ktbox/host.
link_host_files() {
	[ -d "$ROOT/.ktbox/host" ] || return 0
	for directory in tmp run dev/shm; do
		for path in "$ROOT/.ktbox/host/$directory"/* "$ROOT/.ktbox/host/$directory"/.[!.]*; do
			link=$ROOT/$directory/${path##*/}
			[ ! -e "$path" ] || [ -e "$link" ] || ln -s "$path" "$link"
		done
	done
}

# The first six are required. The others are for the payload and the scheduler (bpf for pinned objects, cgroup2 for
# groups of tasks); a kernel may lack them.
check_mounts() {
	[ -r "$ROOT/proc/mounts" ] || fail mounts "/proc is not mounted: does this kernel have CONFIG_PROC_FS?"
	mounted=$newline
	while read -r _ point _; do
		mounted=$mounted$point$newline
	done <"$ROOT/proc/mounts"
	for point in /proc /sys /dev /tmp /run /dev/shm; do
		is_mounted "$point" || fail mounts "$point is not mounted: does this kernel have $(option_of "$point")?"
	done
	for point in /dev/pts /sys/kernel/debug /sys/kernel/tracing /sys/fs/bpf /sys/fs/cgroup; do
		is_mounted "$point" || goes_without "$(option_of "$point")" "mounts: this kernel has no $point"
	done
	[ -e "$ROOT/dev/kmsg" ] || [ ! -c "$ROOT/dev/null" ] || goes_without CONFIG_PRINTK "mounts: this kernel has no log"
}

option_of() { # POINT: the option of the kernel that its file system needs
	case $1 in
	/proc) echo CONFIG_PROC_FS ;;
	/sys) echo CONFIG_SYSFS ;;
	/dev) echo CONFIG_DEVTMPFS ;;
	/dev/pts) echo CONFIG_UNIX98_PTYS ;;
	/sys/kernel/debug) echo CONFIG_DEBUG_FS ;;
	/sys/kernel/tracing) echo CONFIG_FTRACE ;;
	/sys/fs/bpf) echo CONFIG_BPF_SYSCALL ;;
	/sys/fs/cgroup) echo CONFIG_CGROUPS ;;
	*) echo CONFIG_TMPFS ;;
	esac
}

is_mounted() { # POINT
	case $mounted in
	*"$newline$1$newline"*) return 0 ;;
	esac
	return 1
}

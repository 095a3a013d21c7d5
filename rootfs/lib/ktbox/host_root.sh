# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: with ktrun --host-root, make a root directory of the host's one: read-only, below an overlay whose changes are
#        in memory. The scheduler and the payload run in it; /init and the kt commands that it starts stay outside. A
#        failing step ends the run.
#
# In:   /.ktbox/host_root/: `type`, of the mount (9p or virtiofs); `directory`, where the user is; `shown`, what of the
#       host's /tmp, /run and /dev/shm is to be there; `shell`, the user's; `scheduler`, the program. Each has a path on
#       a line, or several.
# Out:  HOST_ROOT and HOST_DIRECTORY, for exec_with_user_env(). In the root, /run/ktbox/root is the guest's own root,
#       and /run/ktbox/bin has the commands that users of the guest type.

HOST_ROOT=
HOST_DIRECTORY=
HOST_TAG=ktbox-root
GUEST_COMMANDS='kt kt-scenario kt-test ktget ktlatch ktsend'

host_root() {
	[ -e "$ROOT/.ktbox/host_root/type" ] || return 0
	host_files=$ROOT/.ktbox/host_root
	read_line "$host_files/type"
	mkdir "$host_files/lower" "$host_files/changes" "$host_files/root"
	mount_lower "$LINE" || fail "host's root" "cannot mount it: does this kernel have $(driver_of "$LINE")?"
	mount_overlay || fail "host's root" "cannot mount the overlay: does this kernel have CONFIG_OVERLAY_FS?"
	show_guest
	show_directories || fail "host's root" "cannot mount the guest's directories in it"
	read_line "$host_files/directory"
	HOST_ROOT=$host_files/root
	HOST_DIRECTORY=$LINE
}

read_line() { # FILE: sets LINE
	LINE=
	IFS= read -r LINE <"$1"
}

# What the host changes during the run need not reach the guest: its caches need not ask again.
mount_lower() { # TYPE
	options=ro
	[ "$1" != 9p ] || options=ro,cache=loose
	mount_share "$1" "$options" "$HOST_TAG" "$host_files/lower"
}

# redirect_dir: else a directory of the host could not be renamed. xino: else files and directories would seem to be on
# different file systems.
mount_overlay() {
	mount -t tmpfs -o mode=755 tmpfs "$host_files/changes" && mkdir "$host_files/changes/upper" \
		"$host_files/changes/work" &&
		mount -t overlay -o "lowerdir=$host_files/lower,upperdir=$host_files/changes/upper,workdir=$host_files/changes/work,\
redirect_dir=on,xino=on" overlay "$host_files/root"
}

# In /run, which both roots have.
show_guest() {
	mkdir -p "$ROOT/run/ktbox/root" "$ROOT/run/ktbox/bin"
	mount -o bind "$ROOT/" "$ROOT/run/ktbox/root"
	for command in $GUEST_COMMANDS; do
		ln -s "../root/usr/bin/$command" "$ROOT/run/ktbox/bin/$command"
	done
}

# The host's own directories of these names are hidden, but for what is to be shown: a part of the overlay is mounted
# there. /tmp itself may be that.
show_directories() {
	host_directories='/proc /sys /dev /run /tmp'
	[ ! -e "$host_files/shown" ] || show_paths <"$host_files/shown" || return
	for directory in $host_directories; do
		mkdir -p "$host_files/root$directory" && mount -o rbind "$ROOT$directory" "$host_files/root$directory" || return
	done
}

show_paths() {
	while IFS= read -r shown; do
		case $shown in
		/tmp) host_directories='/proc /sys /dev /run' ;;
		*) show_path "$shown" || return ;;
		esac
	done
}

show_path() { # PATH
	if [ -d "$host_files/root$1" ]; then
		mkdir -p "$ROOT$1"
	else
		mkdir -p "$ROOT${1%/*}" && : >"$ROOT$1"
	fi
	mount -o bind "$host_files/root$1" "$ROOT$1"
}

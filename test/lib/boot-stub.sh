#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# boot-stub.sh: stands in for every command of the guest when /init is tested on a host (lib/boot.sh).
# In:   its own name; KTBOX_ROOT, the directory that stands for /; KTBOX_ROOT/behave/NAME, shell text to run
#       instead of the ordinary behaviour below.
# Out:  a line "NAME ARG..." in KTBOX_ROOT/journal; ktsend also writes its arguments to the port's descriptor.
# Exit: 0, or what the behaviour says.

name=${0##*/}

note() {
	echo "$*" >>"$KTBOX_ROOT/journal"
}

# The stubs call the real ktlatch, so that a test sees the calls of /init alone.
ktlatch() {
	"$KTBOX_ROOT/tools/ktlatch" "$@"
}

# stay: lives as a daemon does, until TERM or until the machine is off.
stay() {
	ktlatch wait vm_off &
	until wait $!; do :; done
	exit 0
}

# watch_payload: as ktwatch does, from USR1 to TERM.
watch_payload() {
	trap 'note "$name got USR1"; ktlatch set stats_begun' USR1
	stay
}

# deaf: notes TERM and ignores it. (A shell runs its trap while it waits, not while a child is in the foreground.)
deaf() {
	trap 'note "$name is deaf"' TERM
}

on_term() {
	note "$name got TERM"
	exit 0
}

# a_moment: waits long enough for /init to go on too early, if it does.
a_moment() {
	ktlatch wait -t 0.2 never_set
	return 0
}

sysfs_attached() {
	mkdir -p "$KTBOX_ROOT/sys/kernel/sched_ext/root"
	echo stub >"$KTBOX_ROOT/sys/kernel/sched_ext/root/ops"
	echo enabled >"$KTBOX_ROOT/sys/kernel/sched_ext/state"
}

sysfs_detached() {
	echo disabled >"$KTBOX_ROOT/sys/kernel/sched_ext/state"
	rm -r "$KTBOX_ROOT/sys/kernel/sched_ext/root"
}

send_to_port() {
	[ "$2" != - ] || cat >"$KTBOX_ROOT/sent.$1"
	[ -z "$KT_PORT_FD" ] || echo "$*" >&"$KT_PORT_FD"
}

ordinary() {
	case $name in
	ktwatch) ktlatch set stats_ready && watch_payload ;;
	ktbpf) ktlatch set bpf_ready && stay ;;
	kthvc) ktlatch set hvc_ready && stay ;;
	ktpipe) ktlatch set trace_armed && stay ;;
	ktexitmon) ktlatch set sched_attached && stay ;;
	ktport) [ "$*" = ktstr-bulk ] && echo /dev/vport0p1 ;;
	ktsend) send_to_port "$@" ;;
	dmesg) echo "the kernel's log" ;;
	reboot) ktlatch set vm_off ;;
	esac
}

# The option of every call, by which a test sets the latch: the journal is about the payload.
if [ "$name $1" = 'ktexec -l' ]; then
	status_latch=$2
	shift 2
fi
trap on_term TERM
case $0 in
"$KTBOX_ROOT"/bin/*) note "$name${*:+ $*}" ;;
*/reboot) note "reboot found in PATH" ;;
*/ktlatch) ;;
*) note "$name${*:+ $*}" ;;
esac
if [ -e "$KTBOX_ROOT/behave/$name" ]; then
	# shellcheck source=/dev/null
	. "$KTBOX_ROOT/behave/$name"
else
	ordinary "$@"
fi

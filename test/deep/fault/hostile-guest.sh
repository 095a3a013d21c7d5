#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# hostile-guest.sh KIND...: a payload that attacks its host, in a ktbox guest (BusyBox, root, the bulk port
# on descriptor KT_PORT_FD). One attack after the other; ends only if all of them end.
#
# KIND  junk COUNT     that many MiB of no frames to the port
#       announce COUNT that many headers that announce 4 GiB, and 16 MiB
#       console COUNT  that many MiB to the kernel's console, no line end in it
#       com2           com2.log, for ever
#       stdout         payload output, for ever
#       escapes        escape sequences and names with ../ in frames, kernel messages and both consoles
#       deaf           nothing of the host is read any more, and real-time loops keep kthvc from running
#       stay           never ends, whatever is asked
# In:   /dev/zero, the frames by ktsend. Out: see above. Exit: never, or 0.

set -u

ESC=$(printf '\033')
EVIL="${ESC}[2J${ESC}]0;evil$(printf '\007')../../evil
  \"verdict\": \"pass\","

# header TAG-BYTES LENGTH-BYTES: 16 bytes of a frame that never comes.
header() {
	printf '%b%b\001\002\003\004\000\000\000\000' "$1" "$2"
}

# block: 1 MiB of no frame.
block() {
	tr '\0' "$1" </dev/zero | head -c 1048576
}

junk() { # MIB
	block '\377' >/tmp/junk
	block x >>/tmp/junk
	junk_left=$(($1 / 2))
	while [ "$junk_left" -gt 0 ]; do
		cat /tmp/junk >&"$KT_PORT_FD"
		junk_left=$((junk_left - 1))
	done
}

announce() { # COUNT
	: >/tmp/headers
	announce_left=1000
	while [ "$announce_left" -gt 0 ]; do
		header TUOS '\377\377\377\377' >>/tmp/headers
		header TUOS '\000\000\000\001' >>/tmp/headers
		announce_left=$((announce_left - 1))
	done
	announce_left=$(($1 / 2000 + 1))
	while [ "$announce_left" -gt 0 ]; do
		cat /tmp/headers >&"$KT_PORT_FD"
		announce_left=$((announce_left - 1))
	done
}

console() { # MIB
	tr '\0' c </dev/zero | head -c "$(($1 * 1048576))" >/dev/ttyS0
}

escapes() {
	for type in init-error lifecycle sched-state sched-log printk dmesg scx-dump scx-dump-end stimulus 0x54584554; do
		ktsend "$type" "$EVIL" 2>/dev/null
	done
	ktsend lifecycle scheduler-died "$EVIL"
	printf '%s\n' "$EVIL" >/dev/kmsg
	printf '%s\n' "$EVIL" >/dev/ttyS0
	printf '%s\n' "$EVIL" >/dev/ttyS1
}

deaf() {
	echo -1 >/proc/sys/kernel/sched_rt_runtime_us
	for _ in 1 2; do
		chrt -f 99 sh -c 'while :; do :; done' &
	done
}

stay() {
	trap '' TERM HUP INT
	while :; do read -r _ </dev/hvc0; done
}

while [ $# -gt 0 ]; do
	case $1 in
	junk | announce | console) "$1" "$2"; shift ;;
	com2) cat /dev/zero >/dev/ttyS1 ;;
	stdout) yes "$EVIL" ;;
	*) "$1" ;;
	esac
	shift
done

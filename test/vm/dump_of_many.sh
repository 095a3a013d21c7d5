#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# dump_of_many.sh N error|sysrq: a payload. It makes the kernel dump N runnable tasks, and says what the dump
# was by a copy of the guest's own, in the global trace ring, which ktpipe has no part in.
# In:   spinners and scx_demo in PATH; for sysrq an attached scheduler. RING_KB: size of the global ring per
#       CPU.
# Out:  stdout: "entries KEPT/WRITTEN" of the global ring, "text BYTES LINES SHA256" of the dump without
#       prefixes.
#       stderr: "read after N ms", from the cause of a SysRq dump to the latch that ktpipe sets at its end.
# Exit: 0; 1 the dump was not to be had.

set -eu

trace=/sys/kernel/tracing
PATIENCE=90 # seconds

now_ms() {
	read -r uptime idle </proc/uptime
	# no leading zero, which would make it octal: a small kernel is here within a second
	NOW_MS=$((${uptime%.*} * 1000 + (1${uptime#*.} - 100) * 10))
}

spin() { # when kill(1) is back, all are runnable
	kill -USR1 "-$group"
}

scheduler_with_an_error() { # two seconds are for the spinners, who wait for its attach
	scx_demo --error-after 2000 2>&1 | {
		read -r attached
		echo "$attached"
		spin
		cat
	} >/tmp/demo.log &
}

# Built-ins only: while the kernel throws a scheduler out, nothing can be forked and nothing can end, and with
# thousands of runnable tasks this takes it half a minute.
await_end_of_dump() {
	mkfifo /tmp/never
	exec 3<>/tmp/never
	until [ -e "$KT_RUN_DIR/dump_complete" ]; do
		now_ms
		[ "$NOW_MS" -lt $((begun + PATIENCE * 1000)) ] || break
		# shellcheck disable=SC3045  # the guest's ash has it
		read -r -t 0.05 never <&3 || continue
	done
	now_ms
	kill -KILL "-$group"
}

# Real-time priority: an ordinary process gets the CPU as seldom as each of the spinners does.
chrt -f -p 60 $$ >/dev/null
echo "${RING_KB:-16384}" >$trace/buffer_size_kb
echo 1 >$trace/events/sched_ext/sched_ext_dump/enable
mkfifo /tmp/group
spinners "$1" >/tmp/group &
read -r group </tmp/group
now_ms
begun=$NOW_MS
case $2 in
error) scheduler_with_an_error ;;
sysrq) spin && echo D >/proc/sysrq-trigger ;;
esac
await_end_of_dump
echo "read after $((NOW_MS - begun)) ms" >&2
wait
[ "$2" = sysrq ] || grep -q 'EXIT: kind 1025' /tmp/demo.log

echo 0 >$trace/events/sched_ext/sched_ext_dump/enable
sed -n 's/^# entries-in-buffer.entries-written: \([0-9]*\/[0-9]*\).*/entries \1/p' $trace/trace
sed -n 's/^.*sched_ext_dump: //p' $trace/trace >/tmp/own.txt
echo "text $(wc -c </tmp/own.txt) $(wc -l </tmp/own.txt) $(sha256sum </tmp/own.txt | cut -d ' ' -f 1)"

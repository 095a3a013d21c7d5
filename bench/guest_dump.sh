# SPDX-License-Identifier: GPL-2.0-only
#
# guest_dump.sh TASKS: a payload. In: an attached scheduler; spin and drain in PATH. Out: "cat: MS BYTES" for a
# dump of TASKS runnable tasks that drain read from an instance of its own, ktpipe being stopped; behind it,
# a dump for ktpipe alone, whose arrival is timed on the host. The tasks run during the dumps only: all else
# takes half a minute among them.

set -eu

chrt -f -p 55 $$ >/dev/null
trace=/sys/kernel/tracing/instances/bench
mkdir "$trace"
echo 8192 >$trace/buffer_size_kb
echo 1 >$trace/events/sched_ext/sched_ext_dump/enable # now: later it waits for RCU, half a minute
read -r ktpipe </run/kt/ktpipe.pid
mkfifo /tmp/said
spin "$1" >/tmp/said &
read -r group </tmp/said
kill -STOP "-$group"

dump() { # COMMAND...: which ends when the dump has been read
	ktlatch reset dump_complete
	kill -CONT "-$group"
	echo D >/proc/sysrq-trigger
	"$@"
	kill -STOP "-$group"
}

kill -STOP "$ktpipe"
drain $trace/trace_pipe /tmp/dump >/tmp/took &
dump wait $!
echo 0 >$trace/tracing_on
kill -CONT "$ktpipe"
ktlatch wait dump_complete
dump ktlatch wait dump_complete
echo "cat: $(cat /tmp/took)"

# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: start ktpipe before the scheduler, so that it captures a crash at the scheduler's start. ktpipe reads a
#        trace instance of its own; the global trace (bpf_printk) is sent only if the host asks for it.

ARM_SECONDS=30 # 5 s were too short on a starved host
DRAIN_SECONDS=600 # ktpipe's own bound at teardown
DRAIN_SILENCE_SECONDS=60 # the bound while nothing moves on the port; COM1 takes 8 s for a dump of 4 000 tasks
PRINTK_KB=1408 # the global ring per CPU; this is the kernel's default

trace() {
	ktpipe -o "$ROOT/dev/$CONSOLE" -t "$ROOT/tmp/dump.txt" -d "$DRAIN_SECONDS" &
	KTPIPE=$!
	await_while_lives "$KTPIPE" -t "$ARM_SECONDS" trace_armed trace_absent
	case $EVENT in
	process.ended) note_error trace "ktpipe ended before it was ready" ;;
	timeout) note_error trace "ktpipe is not ready in time" ;;
	esac
	[ -z "$SEND_PRINTK" ] || send_printk
}

# The kernel enlarges the global ring when an event is enabled through its file. bpf_printk does not do that, so
# set the size here.
send_printk() {
	echo "$PRINTK_KB" >"$ROOT/sys/kernel/tracing/buffer_size_kb"
	ktsend -d printk - <"$ROOT/sys/kernel/tracing/trace_pipe" &
	PRINTK=$!
}

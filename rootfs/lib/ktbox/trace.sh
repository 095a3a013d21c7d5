# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: ktpipe armed, before the scheduler, so that a crash at its start is captured. It reads an instance
#        of its own; the global trace (bpf_printk) is sent only when the host asks for it.

ARM_SECONDS=30 # on a starved host 5 s were too short
DRAIN_SECONDS=600 # ktpipe's own bound at teardown
DRAIN_SILENCE_SECONDS=60 # the bound when nothing moves on the port; COM1 takes 8 s for a dump of 4 000 tasks
PRINTK_KB=1408 # of the global ring per CPU: the kernel's own default

trace() {
	ktpipe -o "$ROOT/dev/$CONSOLE" -t "$ROOT/tmp/dump.txt" -d "$DRAIN_SECONDS" &
	KTPIPE=$!
	await_while_lives "$KTPIPE" -t "$ARM_SECONDS" trace_armed trace_absent
	case $EVENT in
	process.ended) note_error trace "ktpipe has ended, and is not armed" ;;
	timeout) note_error trace "ktpipe is not armed in time" ;;
	esac
	[ -z "$SEND_PRINTK" ] || send_printk
}

# The global ring has a few pages until somebody enables an event by its file, which bpf_printk does not: then
# it has what the kernel gives it.
send_printk() {
	echo "$PRINTK_KB" >"$ROOT/sys/kernel/tracing/buffer_size_kb"
	ktsend -d printk - <"$ROOT/sys/kernel/tracing/trace_pipe" &
	PRINTK=$!
}

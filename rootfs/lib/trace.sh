# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: ktpipe armed, before the scheduler, so that a crash at its start is captured. It reads an instance
#        of its own; the global trace (bpf_printk) is sent only when the host asks for it.

ARM_SECONDS=30 # on a starved host 5 s were too short
DRAIN_SECONDS=600 # ktpipe's own bound at teardown
DRAIN_SILENCE_SECONDS=60 # the bound when nothing moves on the port; COM1 takes 8 s for a dump of 4 000 tasks
KERNEL_KB=1408 # of a ring per CPU: the kernel's own default

trace() {
	choose_ring
	ktpipe -o "$ROOT/dev/$CONSOLE" -t "$ROOT/tmp/dump.txt" -d "$DRAIN_SECONDS" &
	KTPIPE=$!
	await_while_lives "$KTPIPE" -t "$ARM_SECONDS" trace_armed trace_absent
	case $EVENT in
	process.ended) note_error trace "ktpipe has ended, and is not armed" ;;
	timeout) note_error trace "ktpipe is not armed in time" ;;
	esac
	[ -z "$SEND_PRINTK" ] || send_printk
}

# To clear a ring for dumps of thousands of tasks is a tenth of a boot. Where no scheduler is to come, the
# kernel's default will do: should the payload bring one of its own, it holds 1 300 runnable tasks, and what
# is lost is counted.
choose_ring() {
	[ -e "$ROOT/scheduler" ] || [ "$MODE" = shell ] || export KT_TRACE_MOST_KB="$KERNEL_KB"
}

# The global ring has a few pages until somebody enables an event by its file, which bpf_printk does not: then
# it has what the kernel gives it.
send_printk() {
	echo "$KERNEL_KB" >"$ROOT/sys/kernel/tracing/buffer_size_kb"
	ktsend -d printk - <"$ROOT/sys/kernel/tracing/trace_pipe" &
	PRINTK=$!
}

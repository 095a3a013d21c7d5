# SPDX-License-Identifier: GPL-2.0-only
#
# Phase: send the global trace (bpf_printk), if the host asks for it.

PRINTK_KB=1408 # the global ring per CPU; this is the kernel's default

# The kernel enlarges the global ring when an event is enabled through its file. bpf_printk does not do that, so
# set the size here.
printk() {
	[ -n "$SEND_PRINTK" ] || return 0
	echo "$PRINTK_KB" >"$ROOT/sys/kernel/tracing/buffer_size_kb"
	ktsend -d printk - <"$ROOT/sys/kernel/tracing/trace_pipe" &
	PRINTK=$!
}

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Post-mortems with the debug information of the default kernel (make kernel-debug): the runqueue of a CPU that hangs,
# and the source lines of a panic.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

KERNEL=$KT_TOP/build/kernel-debug/image
SYMBOLS=$KT_TOP/build/kernel-debug/vmlinux

oneTimeSetUp() {
	# shellcheck disable=SC2016  # for the guest's shell
	vm hang -k "$KERNEL" --vmcore -t 30 -- sh -c 'echo -1 >/proc/sys/kernel/sched_rt_runtime_us
		taskset 2 chrt -f 99 sh -c "printf spinner >/proc/self/comm; while :; do :; done" &
		taskset 2 sh -c "while :; do :; done" &
		exec sleep 600'
	vm panic -k "$KERNEL" --report "$FILES/panic.html" -- sh -c 'echo c >/proc/sysrq-trigger'
}

test_drgn_reads_the_runqueue_of_the_cpu_that_hangs() {
	look hang
	assert_verdict timeout 204
	drgn -q -c "$art/vmcore" -s "$SYMBOLS" "$KT_TOP/test/vm-post-mortem/runqueues.py" >said 2>said.err
	kt_verdict $? "drgn: $(tail -n 3 said.err)"
	assert_matches '^CPU 1: spinner, runnable [2-9]' said
	assert_matches '^CPU 0: ' said
}

test_a_panic_has_its_source_lines() {
	look panic
	assert_verdict lost 203
	assert_matches ' sysrq_handle_crash\+0x[0-9a-f]+/0x[0-9a-f]+ \(drivers/tty/sysrq.c:[0-9]+\)$' "$err"
	assert_matches '"function":"sysrq_handle_crash","file":"drivers/tty/sysrq.c","line":[0-9]+' "$result"
	assert_matches 'sysrq_handle_crash\+0x[0-9a-f]+/0x[0-9a-f]+ \(drivers/tty/sysrq.c:[0-9]+\)' "$FILES/panic.html"
	assert_no_match "sysrq\\.c:" "$art/console.log"
}

test_tasks_at_the_limit_wait_at_source_lines() {
	look hang
	assert_matches 'sleep\[[0-9]+\] waits in [a-z_]+ \([a-z/_]+\.c:[0-9]+' "$err"
}

# shellcheck disable=SC1091
. shunit2

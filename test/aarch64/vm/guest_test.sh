#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest on aarch64: boot, payload, scheduler, death, panic, shutdown, the last words on the UART of the
# PCI bus. make test ARCH=aarch64 runs it.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

HERE=$KT_TOP/build/aarch64
DEMO=$HERE/scx_demo
KTRUN_KERNEL=$HERE/kernel/image
export KTRUN_KERNEL

oneTimeSetUp() {
	# shellcheck disable=SC2016 # for the guest's shell
	vm payload -i "$KT_TOP/test/data" -- sh -c 'uname -m; cat /proc/cmdline
		seq 1 100000; seq 1 100000 >&2; exit 7'
	vm scheduler -s "$DEMO" -- cat /sys/kernel/sched_ext/root/ops
	vm death -s "$DEMO" -a '--error-after 300' -- sh -c 'exec yes >/dev/null'
	vm panic -- sh -c 'echo c >/proc/sysrq-trigger'
	vm off -- poweroff
	vm figures --stats-all --topology 2,1,2,1 -- sh -c 'for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 0.05; done'
	vm stalled --trace --expect-death -s "$DEMO" -a "--stall-after $WHEN_TOLD" -- \
		sh -c 'while :; do :; done & while :; do :; done & '"$FAIL_NOW"'; sleep 6; kill %1 %2'
	cat >"$FILES/qemu" <<-'END'
		#!/bin/sh
		for word; do
			shift
			set -- "$@" "$(printf %s "$word" | sed s/ktstr-bulk/other/)"
		done
		exec qemu-system-aarch64 "$@"
	END
	chmod +x "$FILES/qemu"
	KTRUN_QEMU=$FILES/qemu vm no_port -- true
}

test_figures_are_measured_and_the_caches_are_unknown() {
	look figures
	assert_verdict pass 0
	"$KT_PYTHON" -c 'import json, sys
keys = json.load(open(sys.argv[1]))
print(*(keys["metrics"][name]["value"] > 0 for name in ("wake_count", "task.wake_p50", "context_switches", "cpu_time")))
print(*(row["name"] for row in keys["metrics_absent"] if row["name"] in ("migrations_llc", "migrations_node")))' \
		"$result" >figures
	assert_file_text 'True True True True
migrations_llc' figures
}

test_the_flight_recorder_stops_at_the_stall() {
	look stalled
	assert_verdict pass 0
	trace-cmd report -i "$art/trace.dat" 2>report.err >events
	assert_matches 'sched_switch:' events
	tail -n 1 events >last
	assert_matches 'sched_ext_dump: .*triggered exit kind 1026' last
}

test_the_payload_is_seen_as_it_is() {
	look payload
	assert_verdict fail 7
	sed -n 1p "$out" >machine
	assert_file_text aarch64 machine
	assert_matches 'console=ttyAMA0' "$out"
	sed 1,2d "$out" >numbers
	seq 1 100000 >expected
	assert_same_bytes expected numbers
	assert_same_bytes expected "$art/stderr"
}

test_the_kernels_messages_are_on_the_console() {
	look payload
	assert_matches 'Linux version' "$art/console.log"
	assert_matches 'Restarting system' "$art/console.log"
	assert_nothing_left payload
}

test_the_demo_scheduler_attaches_and_stops() {
	look scheduler
	assert_verdict pass 0
	assert_file_text scx_demo "$out"
	assert_matches 'scx_demo: attached, stopped with code 0' "$err"
}

test_a_dying_scheduler_is_reported_with_its_dump() {
	look death
	assert_verdict sched-died 202
	assert_matches 'scx_bpf_error .*kind 1025' "$err"
	assert_matches 'triggered exit kind 1025' "$art/dump-1.txt"
	assert_dump_whole 1
}

test_a_panic_is_a_lost_guest() {
	look panic
	assert_verdict lost 203
	assert_matches 'kernel panic: .*sysrq' "$err"
}

test_poweroff_in_the_payload_ends_in_order() {
	look off
	assert_matches 'Restarting system' "$art/console.log"
	assertTrue "an exit frame was sent" "[ $(value exit_code) -ge 0 ]"
}

test_a_program_of_another_architecture_is_refused() {
	run "$KTRUN" -s "$KT_TOP/build/scx_demo" -- true
	assert_status 205
	assert_matches 'scheduler is for another architecture \(not aarch64\)' err
	run "$KTRUN" -i "$KT_TOP/build/busybox" -- true
	assert_status 205
	assert_matches 'include is a program for another architecture \(not aarch64\)' err
	run "$KTRUN" -k "$KT_TOP/build/kernel/image" -s "$DEMO" -- true
	assert_status 205
	assert_matches 'scheduler is for another architecture \(not x86-64\)' err
}

test_without_a_bulk_port_the_last_words_are_on_the_other_uart() {
	look no_port
	assert_verdict boot-failed 206
	assert_matches 'ktbox: bulk port: ' "$art/com2.log"
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Guests that do not come to an end of their own: the kernel panics, QEMU is killed, the boot fails, time
# is up.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

TIME_LIMIT=25 # seconds, boot included: long enough for the boot on a loaded machine

oneTimeSetUp() {
	vm_heard before panic -s "$DEMO" -- sh -c "echo before; $GO; echo c >/proc/sysrq-trigger; sleep 600"
	vm_begin killed -s "$DEMO" -- sh -c 'echo ready; exec sleep 600'
	if vm_hears ready; then kill -KILL "$(vm_qemu)"; fi
	vm_finish
	vm no_init --append rdinit=/bin/false -- echo started
	vm timeout -t "$TIME_LIMIT" -s "$DEMO" -- sh -c 'echo ready; exec sleep 600'
	# shellcheck disable=SC2016  # for the guest's shell
	vm deaf -t "$TIME_LIMIT" -c 1 -- sh -c 'echo -1 > /proc/sys/kernel/sched_rt_runtime_us; echo ready
		exec chrt -f 99 sh -c "while :; do :; done"'
}

test_a_kernel_panic_is_lost_and_its_line_is_the_reason() {
	look panic
	assert_verdict lost 203
	assert_value exit_code null
	assert_value_matches reason 'Kernel panic - not syncing: sysrq triggered crash'
	assert_matches 'Kernel panic - not syncing: sysrq triggered crash' "$err"
}

test_what_was_sent_before_a_panic_is_there() {
	look panic
	assert_file_text before "$art/stdout"
	assert_value scheduler_attached true
	assert_value sys_ready true
}

test_a_guest_whose_qemu_is_killed_is_lost() {
	look killed
	assert_verdict lost 203
	assert_value exit_code null
	assert_file_text ready "$art/stdout"
	assert_nothing_left killed
	value reason >reason.out
	assert_no_match panic reason.out
}

test_a_guest_that_never_got_ready_failed_to_boot() {
	look no_init
	assert_verdict boot-failed 206
	assert_value sys_ready false
	assert_empty "$art/stdout"
	assert_matches 'Kernel panic' "$err"
}

test_at_the_time_limit_the_guest_is_asked_for_a_dump_and_an_orderly_end() {
	look timeout
	assert_verdict timeout 204
	assert_file_text ready "$art/stdout"
	# not the console's copy: the kernel prints its report of all tasks (SysRq-T) in the middle of it
	assert_matches 'Debug dump triggered by SysRq-D' "$art/dump-1.txt"
	assert_matches 'SCX_EV_SUB_BYPASS_DISPATCH' "$art/dump-1.txt"
	assertNotEquals "exit frame" null "$(value exit_code)"
	assert_value scheduler_end 'stopped code=0'
	assert_matches '^scx_demo: attached' "$art/sched.log"
}

test_the_time_limit_is_kept() {
	look timeout
	assertTrue "$(value wall_ms) ms" "[ $(value wall_ms) -ge $((TIME_LIMIT * 1000)) ]"
	assertTrue "$(value wall_ms) ms" "[ $(value wall_ms) -lt $((TIME_LIMIT * 1000 + 15000)) ]"
}

test_a_guest_that_does_not_hear_is_killed_and_timed_out() {
	look deaf
	assert_verdict timeout 204
	assert_file_text ready "$art/stdout"
	assert_value exit_code null
	assert_nothing_left deaf
	assertTrue "$(value wall_ms) ms" "[ $(value wall_ms) -lt $((TIME_LIMIT * 1000 + 30000)) ]"
}

. shunit2

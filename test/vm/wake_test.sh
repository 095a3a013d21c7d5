#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Wake bytes from the host, through the fifo that `ktrun -v` names, and a user who interrupts ktrun.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

AWAIT_DUMP='echo ready; ktlatch wait -t 60 dump_complete; echo "dump awaited: $?"'

oneTimeSetUp() {
	vm_begin dump -s "$DEMO" -- sh -c "$AWAIT_DUMP"
	if vm_hears ready; then vm_wake '\0321'; fi
	vm_finish
	vm_begin shutdown -s "$DEMO" -- sh -c 'echo ready; exec sleep 600'
	if vm_hears ready; then vm_wake '\0200\0321\0323\0321'; fi
	vm_finish
	# shellcheck disable=SC2016  # for the guest's shell
	vm_begin latches -s "$DEMO" -- sh -c 'echo ready
		ktlatch wait -t 60 bpf_map_write_done accessor_ready periodic_ready artifacts_received
		echo "awaited: $?"
		ktlatch test shutdown; echo "shutdown: $?"'
	if vm_hears ready; then vm_wake '\0277\0001\0254\0255\0256'; fi
	vm_finish
	interrupt int INT -
	interrupt term TERM ""
}

# interrupt NAME SIGNAL WHOM: a run that is told to stop while its payload runs; WHOM is - for the whole
# group, as Ctrl-C does it, and empty for ktrun alone.
interrupt() {
	vm_begin "$1" -s "$DEMO" -- sh -c 'echo ready; exec sleep 600'
	if vm_hears ready; then kill -s "$2" -- "$3$vm_pid"; fi
	vm_finish
}

test_wake_byte_d1_makes_a_dump_and_the_run_goes_on() {
	look dump
	assert_verdict pass 0
	assert_matches '^dump awaited: 0$' "$art/stdout"
	assertEquals "dumps" 1 "$(grep -ac 'Debug dump triggered by SysRq-D' "$art/console.log")"
	assert_dump_ends 1
	assert_value scheduler_died false
	assert_value scheduler_end 'stopped code=0'
}

test_without_a_wake_byte_there_is_no_dump() {
	look latches
	assert_no_match sched_ext_dump "$art/console.log"
}

test_wake_byte_d3_ends_the_payload_and_the_guest_in_order() {
	look shutdown
	assert_verdict fail 143
	assert_value exec_exit_code 143
	assertNotEquals "exit frame" null "$(value exit_code)"
	assert_value scheduler_end 'stopped code=0'
	assert_matches '^scx_demo: attached' "$art/sched.log"
	assertEquals "last frame" exit "$(types_in "$art/bulk.bin" | sed 's/.* //')"
}

test_a_dump_asked_for_together_with_the_end_is_drained() {
	look shutdown
	assertEquals "dumps" 1 "$(grep -ac 'Debug dump triggered by SysRq-D' "$art/console.log")"
	assert_dump_ends 1
}

test_other_wake_bytes_set_their_latches_and_nothing_else() {
	look latches
	assert_verdict pass 0
	assert_matches '^awaited: 0$' "$art/stdout"
	assert_matches '^shutdown: 1$' "$art/stdout"
}

test_ctrl_c_ends_the_run_and_leaves_nothing() {
	look int
	assert_verdict interrupted 130
	assert_file_text ready "$art/stdout"
	assert_nothing_left int
}

test_term_ends_the_run_and_leaves_nothing() {
	look term
	assert_verdict interrupted 130
	assert_file_text ready "$art/stdout"
	assert_nothing_left term
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What a shutdown request does: the latch that kthvc sets, and the signals of poweroff and reboot.
# shellcheck disable=SC2016,SC2317  # the stubs' behaviour is text; shunit2 calls the tests

. "$KT_TEST_LIB/boot.sh"

# asked HOW: while the payload runs, which would go on for ever, somebody asks for the end.
asked() {
	: >root/tmp/sched.log
	when ktexec "on_term() { note \"\$name got TERM\"; exit 9; }; $1; stay"
	boot
}

assert_orderly_end() {
	assert_order 'ktexec /payload' 'ktexec got TERM' 'ktsend scenario-end ' 'ktsend exec-exit 9' \
		'ktexitmon got TERM' 'ktsend sched-state stopped code=0' 'ktdump /tmp/sched.log' \
		'ktsh-lite /sched_disable' 'ktpipe got TERM' 'ktsend exit 9' 'stty' 'reboot -f'
	assert_did_not '^ktsend (init-error|lifecycle scheduler-)'
	assert_exit 9
}

signal_init() { # SIGNAL
	echo "read -r pid <\"\$KTBOX_ROOT/init.pid\"; kill -$1 \"\$pid\""
}

test_the_shutdown_latch_during_the_payload_ends_the_run_in_order() {
	asked 'ktlatch set shutdown'
	assert_orderly_end
}

test_the_signal_of_poweroff_ends_the_run_in_order() {
	asked "$(signal_init USR2)"
	assert_orderly_end
}

test_the_signal_of_reboot_ends_the_run_in_order() {
	asked "$(signal_init TERM)"
	assert_orderly_end
}

test_the_signal_of_halt_ends_the_run_in_order() {
	asked "$(signal_init USR1)"
	assert_orderly_end
}

test_a_latch_that_is_no_request_does_not_end_the_run() {
	when ktexec 'ktlatch set shut-down; a_moment; note payload is done; exit 7'
	boot
	assert_did 'payload is done'
	assert_did_not '^ktexec got TERM'
	assert_exit 7
}

test_a_shutdown_while_the_attach_is_awaited_ends_the_run_without_a_payload() {
	when ktexitmon 'ktlatch set shutdown; stay'
	boot
	assert_order 'ktexitmon -l' 'ktexitmon got TERM' 'ktsend sched-state stopped code=0' 'ktpipe got TERM' \
		'ktsend exit ' 'reboot -f'
	assert_did_not '^ktexec |^ktsend (lifecycle (scheduler-|payload-)|scenario-|exec-exit)'
}

test_a_signal_while_the_attach_is_awaited_ends_the_run_without_a_payload() {
	when ktexitmon "$(signal_init USR2); stay"
	boot
	assert_order 'ktexitmon -l' 'ktexitmon got TERM' 'ktsend sched-state stopped code=0' 'ktsend exit ' \
		'reboot -f'
	assert_did_not '^ktexec |^ktsend (lifecycle (scheduler-|payload-)|scenario-|exec-exit)'
}

test_a_signal_is_not_taken_for_a_timeout_when_the_wait_is_over_before_the_signals_trap_is() {
	note_latch_calls '[ "$*" != "set shutdown" ] || { ktlatch set shutdown; a_moment; }'
	when ktexitmon "$(signal_init USR2); stay"
	boot
	assert_order 'ktexitmon -l' 'ktexitmon got TERM' 'ktsend exit '
	assert_did_not '^ktsend lifecycle scheduler-'
}

test_a_shutdown_before_the_scheduler_keeps_it_from_being_started() {
	when ktpipe 'ktlatch set shutdown; ktlatch set trace_armed; stay'
	boot
	assert_did_not '^ktexitmon |^ktexec '
	assert_order 'ktpipe got TERM' 'ktsend exit ' 'reboot -f'
}

test_a_shutdown_while_a_scheduler_that_was_ejected_has_its_second_chance_ends_the_run() {
	boot_ceiling 12 # it has hung here
	when ktexec 'ktlatch set payload_runs; stay'
	when ktexitmon 'ktlatch set sched_attached; ktlatch wait payload_runs; ktlatch set sched_detached; a_moment
		ktlatch set shutdown; stay'
	boot
	assert_order 'ktexec got TERM' 'ktexitmon got TERM' 'ktsend exit '
}

test_two_requests_are_one() {
	asked "$(signal_init USR2); ktlatch set shutdown; $(signal_init TERM)"
	assert_orderly_end
}

test_a_request_during_the_teardown_does_not_cut_it_short() {
	note_latch_calls '[ "$*" != "set shutdown" ] || { ktlatch set shutdown; a_moment; }'
	when ktexitmon "on_term() {
			note ktexitmon stops; $(signal_init TERM); $(signal_init USR2); exit 0
		}
		ktlatch set sched_attached; stay"
	boot
	assert_order 'ktexitmon stops' 'ktsend sched-state stopped code=0' 'ktpipe got TERM' \
		'ktsend exit 0' 'reboot -f'
	assert_exit 0
}

. shunit2

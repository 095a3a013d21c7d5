#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Which payload /init runs, how, and what becomes of its status.
# shellcheck disable=SC2016,SC2317  # the stubs' behaviour is text; shunit2 calls the tests

. "$KT_TEST_LIB/boot.sh"

show_arguments='printf "<%s>\n" "$@" >"$KTBOX_ROOT/arguments"'

test_a_payload_of_status_7_gives_7() {
	when ktexec 'exit 7'
	boot
	assert_order 'ktsend scenario-end ' 'ktsend exec-exit 7' 'ktsend exit 7'
	assert_times 1 '^ktsend exec-exit '
	assert_exit 7
}

test_a_payload_of_status_0_gives_0() {
	boot
	assert_order 'ktsend scenario-end ' 'ktsend exec-exit 0' 'ktsend exit 0'
	assert_exit 0
}

test_raw_statuses_are_passed_on_as_they_are() {
	when ktexec 'exit 202'
	boot
	assert_order 'ktsend exec-exit 202' 'ktsend exit 202'
	assert_did_not '^ktsend lifecycle scheduler-'
	assert_exit 202
}

test_a_payload_killed_by_a_signal_is_128_and_the_signal() {
	when ktexec 'ktlatch set "$status_latch"; exit 137'
	boot
	assert_did 'ktsend exec-exit 137'
	assert_did_not '^ktsend init-error'
	assert_exit 137
}

# Directories in the place of files: nothing can be written there, as when /run is full.
test_neither_a_status_nor_an_event_needs_a_file() {
	mkdir -p root/run/kt/payload.status root/run/kt/event.name
	when ktexec 'exit 7'
	boot
	assert_order 'ktsend scenario-end ' 'ktsend exec-exit 7' 'ktsend exit 7'
	assert_did_not '^ktsend init-error'
	assert_exit 7
}

test_a_payload_whose_latch_can_not_be_set_ends_all_the_same() {
	boot_ceiling 15
	rm root/scheduler
	mkdir -p root/run/kt
	when ktexec 'rm -r "$KTBOX_ROOT/run/kt/payload_started"; ln -s /no/such/folder/x "$KTBOX_ROOT/run/kt/payload_ended"
		ktlatch wait -t 0.1 never_set; exit 7'
	boot
	assert_did 'ktsend exec-exit 7'
	assert_did_not '^ktsend init-error'
	assert_exit 7
}

test_a_wait_that_fails_is_an_error_and_no_timeout() {
	boot_ceiling 30
	note_latch_calls 'case "$* " in *" payload_ended "*) exit 1 ;; esac'
	boot
	assert_did 'ktsend init-error wait: ktlatch ended with status 1'
	assert_did_not '^ktsend lifecycle scheduler-'
	assert_exit 209
}

test_a_held_payload_starts_when_both_wake_bytes_came() {
	cmdline ktbox.hold=30
	when ktexitmon 'ktlatch set sched_attached; ktlatch set bpf_map_write_done; a_moment; note the second came
		ktlatch set accessor_ready; stay'
	boot
	assert_order 'the second came' 'ktsend lifecycle payload-starting' 'ktexec /payload'
	assert_exit 0
}

test_a_held_payload_is_not_started_when_time_is_up_and_that_is_told() {
	cmdline ktbox.hold=1
	when ktexitmon 'ktlatch set sched_attached; ktlatch set bpf_map_write_done; stay'
	boot
	assert_did 'ktsend init-error payload: not started: no wake byte of the host has set latch accessor_ready within 1 s'
	assert_did_not '^ktexec |^ktsend (lifecycle payload-starting|scenario-|exec-exit)'
	assert_exit 209
}

test_a_scheduler_that_dies_while_the_payload_is_held_is_dead() {
	cmdline ktbox.hold=30
	when ktexitmon 'trap "" TERM; ktlatch set sched_attached; a_moment; ktlatch set sched_exited; exit 1'
	boot
	assert_times 1 '^ktsend lifecycle scheduler-died '
	assert_did_not '^ktexec |^ktsend init-error'
	assert_exit 202
}

test_arguments_of_the_payload_are_the_lines_of_args_with_their_spaces() {
	printf '  two  words \n\n*\nback\\slash "q" $HOME\nlast' >root/args
	when ktexec "$show_arguments"
	boot
	for shell in $BOOT_SHELLS; do
		assert_file_text "<$PWD/$shell/payload>
<  two  words >
<>
<*>
<back\\slash \"q\" \$HOME>
<last>" "$shell/arguments"
	done
}

test_an_empty_args_is_no_argument() {
	: >root/args
	boot
	assert_did 'ktexec /payload'
}

test_an_exec_cmd_is_one_string_for_the_shell() {
	rm root/payload
	printf %s "echo  'two  words'; exit 5" >root/exec_cmd
	when ktexec "$show_arguments; exit 5"
	boot
	assert_content arguments "<sh>
<-c>
<echo  'two  words'; exit 5>"
	assert_exit 5
}

test_an_exec_cmd_of_several_lines_stays_whole() {
	rm root/payload
	printf 'echo "$0"\nexit 5\n' >root/exec_cmd
	when ktexec 'shift; sh "$@"'
	boot
	assert_exit 5
}

test_a_payload_beats_an_exec_cmd() {
	echo 'exit 5' >root/exec_cmd
	boot
	assert_did 'ktexec /payload'
	assert_did_not '^ktexec sh'
}

test_the_command_of_ktrun_is_a_file_that_no_shell_reads() {
	rm root/payload
	printf 'echo\000it'"'"'s\n\000\000$HOME\000' >root/.ktbox/command
	echo 'exit 5' >root/exec_cmd
	boot
	assert_did 'ktexec -a /.ktbox/command' 'ktsend lifecycle payload-starting'
	assert_did_not '^ktexec sh'
}

test_a_payload_that_is_not_executable_is_passed_over_for_the_exec_cmd() {
	chmod -x root/payload
	echo 'exit 5' >root/exec_cmd
	boot
	assert_did 'ktexec sh -c exit 5'
	assert_did_not '^ktexec /payload'
}

test_with_neither_the_run_succeeds_when_the_scheduler_attached() {
	rm root/payload
	boot
	assert_order 'ktexitmon -l' 'ktexitmon got TERM' 'ktsend exit 0'
	assert_did_not '^ktexec |^ktsend exec-exit'
	assert_exit 0
}

test_with_neither_the_run_does_not_succeed_when_the_scheduler_did_not_attach() {
	rm root/payload
	cmdline ktbox.attach_timeout=1
	when ktexitmon stay
	boot
	assert_exit 201
}

test_the_elapsed_time_is_in_milliseconds() {
	when ktexec 'echo "12.34 1.00" >"$KTBOX_ROOT/proc/uptime"'
	boot
	assert_did 'ktsend scenario-end 2250'
}

test_a_time_that_is_not_known_is_not_sent() {
	when ktexec 'rm "$KTBOX_ROOT/proc/uptime"; exit 7'
	boot
	assert_did 'ktsend exec-exit 7'
	assert_did_not '^ktsend scenario-end'
	assert_console '^ktbox: payload: .*/proc/uptime can.t be read, so its time is not known$'
}

test_a_payload_that_ignores_term_is_killed() {
	shorten_wait payload_ended
	when ktexec 'deaf; ktlatch set payload_runs; stay'
	when ktexitmon 'ktlatch set sched_attached; ktlatch wait payload_runs; ktlatch set shutdown; stay'
	boot
	assert_order 'ktexec is deaf' 'ktsend init-error payload: SIGTERM did not end it' 'ktsend exit 209'
	assert_did_not '^ktsend exec-exit' # 137 would be that of ktexec
	assert_exit 209
}

test_the_status_of_a_killed_ktexec_is_not_the_payloads() {
	when ktexec 'kill -KILL $$'
	boot
	assert_did 'ktsend init-error payload: ktexec was killed, so the payload'"'"'s own status is unknown'
	assert_did_not '^ktsend exec-exit'
	assert_exit 209
}

test_a_payload_that_is_not_there_is_not_told_to_start() {
	rm root/payload
	boot
	assert_did_not '^ktsend lifecycle payload-starting'
	assert_order 'ktsend scenario-start' 'ktsend scenario-end' 'ktsend exit 0'
	new_root
	boot
	assert_did 'ktsend lifecycle payload-starting'
}

test_with_the_port_ktbox_ctl_the_payload_reads_what_ktstdin_writes() {
	cmdline ktbox.ctl=1
	when ktstdin 'echo typed; note "ktstdin is done"'
	when ktexec 'read -r line; note "read $line"; read -r line || note "then the end"'
	boot
	assert_order 'read typed' 'then the end' 'ktsend exec-exit 0'
	assert_exit 0
}

test_a_payload_that_reads_nothing_does_not_wait_for_its_input() {
	cmdline ktbox.ctl=1
	when ktstdin 'stay'
	when ktexec 'exit 5'
	boot
	assert_order 'ktsend exec-exit 5'
	assert_exit 5
}

test_a_ktstdin_that_fails_leaves_an_empty_input() {
	cmdline ktbox.ctl=1
	when ktstdin 'exit 1'
	when ktexec 'read -r line || note "the end at once"'
	boot
	assert_did 'the end at once'
	assert_exit 0
}

test_without_the_port_the_payload_reads_nothing() {
	when ktexec 'read -r line || note "the end at once"'
	boot
	assert_did 'the end at once'
	assert_did_not '^ktstdin'
	assert_exit 0
}

. shunit2

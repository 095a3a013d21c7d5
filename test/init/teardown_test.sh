#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# How /init ends: scheduler, logs, trace, dmesg, and what does not end by itself.
# shellcheck disable=SC2016,SC2317  # the stubs' behaviour is text; shunit2 calls the tests

. "$KT_TEST_LIB/boot.sh"

test_a_status_of_the_stopped_scheduler_is_reported_and_the_run_keeps_its_own() {
	when ktexitmon 'on_term() { exit 137; }; ktlatch set sched_attached; stay'
	when ktexec 'exit 7'
	boot
	assert_order 'ktsend exec-exit 7' 'ktsend sched-state stopped code=137' 'ktsend exit 7'
	assert_console '^ktbox: .*scheduler.*137'
	assert_exit 7
}

test_a_scheduler_that_ended_in_order_is_reported_with_0() {
	boot
	assert_did 'ktsend sched-state stopped code=0'
	assert_not_on_console '^ktbox: .*scheduler'
}

test_a_scheduler_that_died_is_not_also_stopped() {
	when ktexitmon 'trap "" TERM; ktlatch set sched_attached; ktlatch set sched_exited; exit 1'
	when ktexec 'ktlatch wait vm_off & wait $!'
	boot
	assert_did_not '^ktsend sched-state'
	assert_exit 202
}

test_the_log_is_sent_once_with_the_staged_logs_before_it() {
	: >root/tmp/sched.log
	: >root/tmp/sched_1.log
	boot
	assert_order 'ktexitmon got TERM' 'ktdump -s /tmp' 'ktdump /tmp/sched.log' 'ktsend exit 0'
	assert_times 1 '^ktdump /tmp/sched.log$'
	for shell in $BOOT_SHELLS; do
		assertTrue "latch sched_log_owned under $shell" "[ -e $shell/run/kt/sched_log_owned ]"
	done
}

test_a_log_that_somebody_has_sent_is_not_sent_again_but_the_staged_logs_are() {
	: >root/tmp/sched.log
	: >root/tmp/sched_1.log
	when ktexec 'ktlatch set sched_log_owned'
	boot
	assert_did 'ktdump -s /tmp'
	assert_did_not '^ktdump /tmp/sched.log'
}

test_without_a_log_none_is_sent() {
	rm root/scheduler
	boot
	assert_did_not '^ktdump'
	assert_exit 0
}

test_dmesg_is_sent_when_it_is_asked_for() {
	cmdline ktbox.dmesg=1
	boot
	assert_order 'ktexitmon got TERM' 'ktsend dmesg -' 'ktsend exit 0'
	assert_content sent.dmesg "the kernel's log"
}

test_dmesg_is_not_sent_when_it_is_not_asked_for() {
	boot
	assert_did_not 'dmesg'
}

test_files_are_sent_when_all_else_is_and_before_the_exit_frame() {
	printf '/tmp/a b\n/*\n' >root/.ktbox/get
	cmdline ktbox.dmesg=1
	boot
	assert_order 'ktpipe got TERM' 'ktsend dmesg -' 'ktget /tmp/a b /*' 'ktsend fin' 'ktsend exit 0'
	assert_exit 0
}

test_files_that_are_missing_are_no_failure_of_init() {
	echo /none >root/.ktbox/get
	when ktget 'exit 1'
	boot
	assert_did 'ktget /none'
	assert_console '^ktbox: files: '
	assert_exit 0
}

test_no_file_is_sent_when_none_is_asked_for() {
	boot
	assert_did_not '^ktget'
}

test_a_ktpipe_that_is_never_armed_is_an_error_after_a_bounded_time() {
	when ktpipe stay
	shorten_wait trace_armed
	boot
	assert_order 'ktpipe -o' 'ktsend init-error trace: ' 'ktexitmon -l' 'ktexec' 'ktsend exit 209'
	assert_exit 209
}

test_a_ktpipe_that_fails_while_it_drains_is_an_error() {
	when ktpipe 'on_term() { exit 1; }; ktlatch set trace_armed; stay'
	boot
	assert_order 'ktsend exec-exit 0' 'ktsend init-error teardown: ktpipe' 'ktsend exit 209'
	assert_exit 209
}

test_a_ktpipe_that_does_not_end_is_killed_and_an_error() {
	bounds DRAIN_SILENCE_SECONDS=1
	when ktpipe 'deaf; ktlatch set trace_armed; stay'
	boot
	assert_order 'ktpipe is deaf' 'ktsend init-error teardown: ktpipe' 'ktsend exit 209'
	assert_exit 209
}

test_a_ktexitmon_that_does_not_end_is_killed_and_reported() {
	bounds MONITOR_SECONDS=1
	when ktexitmon 'deaf; ktlatch set sched_attached; stay'
	boot
	assert_order 'ktexitmon is deaf' 'ktsend sched-state stopped code=137' 'ktpipe got TERM' 'ktsend exit 0'
}

test_a_ktexitmon_that_hangs_while_it_reports_a_death_does_not_hold_up_the_run() {
	bounds MONITOR_SECONDS=1
	when ktexec 'ktlatch set payload_runs; stay'
	when ktexitmon 'trap "" TERM; ktlatch set sched_attached; ktlatch wait payload_runs; ktlatch set sched_exited
		ktlatch wait vm_off; note hung until the machine was off'
	boot
	assert_order 'ktsend lifecycle scheduler-died ' 'ktexec got TERM' 'ktsend exit 202' 'reboot -f'
	assert_did_not 'hung until'
	assert_exit 202
}

test_the_machine_is_turned_off_also_when_every_command_fails() {
	for name in $BOOT_STUBS; do
		when "$name" 'exit 1'
	done
	cmdline ktbox.attach_timeout=1
	when reboot 'ktlatch set vm_off'
	when ktport 'echo /dev/vport0p1'
	when ktpipe 'ktlatch set trace_armed; exit 1'
	boot
	assert_order 'ktsend sys-ready' 'ktsend exit ' 'reboot -f'
	assert_exit 209
}

test_the_global_trace_is_drained_when_nobody_writes_to_it_any_more() {
	cmdline ktbox.printk=1
	mkdir -p root/sys/kernel/tracing
	: >root/sys/kernel/tracing/trace_pipe
	when ktsend 'on_term() { note "tracing_on $(cat "$KTBOX_ROOT/sys/kernel/tracing/tracing_on")"
			a_moment; note all is sent; exit 0; }
		[ "$1" != -d ] || stay'
	boot
	assert_content sys/kernel/tracing/buffer_size_kb 1408
	assert_order 'ktexitmon got TERM' 'tracing_on 0' 'all is sent' 'ktsend fin' 'ktsend exit 0'
	assert_exit 0
}

test_the_kernel_s_log_is_sent_to_its_end_when_all_else_is_over() {
	echo '6,0,0,-;a record' >root/dev/kmsg
	when ktsend 'on_term() { a_moment; note all is sent; exit 0; }
		[ "$1" != -d ] || stay'
	boot
	assert_order 'ktsend sys-ready' 'ktsend -d kmsg -' 'ktpipe got TERM' 'all is sent' 'ktsend kmsg' 'ktsend fin' 'ktsend exit 0'
	assert_exit 0
}

test_a_kernel_s_log_that_was_not_sent_whole_has_no_end() {
	: >root/dev/kmsg
	when ktsend '[ "$1" != -d ] || { trap - TERM; kill -KILL $$; }'
	boot
	assert_did_not '^ktsend kmsg'
	assert_exit 0
}

test_the_host_of_ktstr_gets_no_log_of_the_kernel() {
	: >root/dev/kmsg
	echo 'console=ttyS0' >root/proc/cmdline
	boot
	assert_did_not 'kmsg'
}

test_a_global_trace_that_was_not_sent_whole_is_an_error() {
	cmdline ktbox.printk=1
	mkdir -p root/sys/kernel/tracing
	: >root/sys/kernel/tracing/trace_pipe
	when ktsend '[ "$1" != -d ] || { trap - TERM; kill -KILL $$; }'
	boot
	assert_did 'ktsend init-error teardown: the global trace was not sent completely'
	assert_exit 209
}

test_a_helper_that_can_not_be_run_is_named_and_waited_for_no_more() {
	boot_ceiling 20
	when ktexec 'rm "$KTBOX_ROOT/tools/ktlatch"; exit 5'
	boot
	assert_did 'ktsend init-error wait: unable to run ktlatch (status 127): has it been removed?'
	for shell in $BOOT_SHELLS; do
		assertTrue "lines under $shell: $(kt_head "console.$shell")" "[ $(wc -l <"console.$shell") -lt 40 ]"
	done
	assert_exit 209
}

. shunit2

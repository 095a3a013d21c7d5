#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The order of /init's phases.
# shellcheck disable=SC2016,SC2317  # the stubs' behaviour is text; shunit2 calls the tests

. "$KT_TEST_LIB/boot.sh"

ordinary_run() {
	printf 'echo 1 > /x\n' >root/sched_enable
	printf 'echo 0 > /x\n' >root/sched_disable
	: >root/tmp/sched.log
	when ktexec 'exit 7'
	boot
}

test_the_phases_come_in_order() {
	ordinary_run
	assert_order 'mount -t proc proc /proc' 'mount -t sysfs sys /sys' 'mount -t devtmpfs dev /dev' \
		'mount -a -T /etc/fstab' 'chrt ' 'ktport ktstr-bulk' 'kthvc -i /dev/hvc0 -s /proc/sysrq-trigger' \
		'ktsend sys-ready' 'ktsend lifecycle init-started' 'ktpipe -o /dev/ttyS0 -t /tmp/dump.txt -d ' 'ktsh-lite /sched_enable' \
		'ktexitmon -l /tmp/sched.log /scheduler' 'ktsend lifecycle payload-starting' 'ktsend scenario-start' \
		'ktexec /payload' 'ktsend scenario-end ' 'ktsend exec-exit 7' 'ktexitmon got TERM' \
		'ktsend sched-state stopped code=0' 'ktdump /tmp/sched.log' 'ktsh-lite /sched_disable' \
		'ktpipe got TERM' 'ktsend exit 7' 'stty ' 'reboot -f'
	assert_exit 7
}

test_the_frames_of_an_ordinary_run_are_these_and_no_others() {
	ordinary_run
	for shell in $BOOT_SHELLS; do
		grep '^ktsend' "journal.$shell" >frames
		assert_file_text 'ktsend sys-ready
ktsend lifecycle init-started
ktsend lifecycle payload-starting
ktsend scenario-start
ktsend scenario-end 0
ktsend exec-exit 7
ktsend sched-state stopped code=0
ktsend fin unknown
ktsend exit 7' frames
	done
}

test_all_senders_write_to_the_one_descriptor_that_init_has_opened() {
	when ktexec 'echo "fd $KT_PORT_FD of ktexec" >&"$KT_PORT_FD"'
	when ktexitmon 'echo "fd $KT_PORT_FD of ktexitmon" >&"$KT_PORT_FD"; ktlatch set sched_attached; stay'
	boot
	assert_content dev/vport0p1 'sys-ready
lifecycle init-started
fd 9 of ktexitmon
lifecycle payload-starting
scenario-start
fd 9 of ktexec
scenario-end 0
exec-exit 0
sched-state stopped code=0
fin unknown
exit 0'
}

test_hvc0_is_raw_before_the_host_hears_that_the_guest_is_ready() {
	when kthvc 'a_moment; note hvc0 is raw; ktlatch set hvc_ready; stay'
	boot
	assert_order 'kthvc ' 'hvc0 is raw' 'ktsend sys-ready'
}

test_ktpipe_is_armed_before_the_scheduler_is_started() {
	when ktpipe 'a_moment; note ktpipe is armed; ktlatch set trace_armed; stay'
	boot
	assert_order 'ktpipe -o' 'ktpipe is armed' 'ktexitmon -l'
}

test_a_kernel_without_the_tracepoint_goes_on_at_once_without_an_error() {
	when ktpipe 'ktlatch set trace_absent'
	boot
	assert_did_not '^ktsend init-error'
	assert_exit 0
}

test_sched_enable_has_ended_before_the_scheduler_is_started() {
	when ktsh-lite 'a_moment; note "$* is done"'
	boot
	assert_order 'ktsh-lite /sched_enable' '/sched_enable is done' 'ktexitmon -l'
}

test_the_payload_waits_for_the_attach() {
	when ktexitmon 'a_moment; note attached; ktlatch set sched_attached; stay'
	boot
	assert_order 'ktexitmon -l' 'attached' 'ktsend lifecycle payload-starting' 'ktexec'
}

test_logs_wait_for_the_end_of_ktexitmon_and_the_exit_frame_for_the_end_of_ktpipe() {
	: >root/tmp/sched.log
	when ktexitmon 'on_term() { note ktexitmon stops; a_moment; note ktexitmon gone; exit 0; }
		ktlatch set sched_attached; stay'
	when ktpipe 'on_term() { note ktpipe drains; a_moment; note ktpipe gone; exit 0; }
		ktlatch set trace_armed; stay'
	boot
	assert_order 'ktexec' 'ktexitmon stops' 'ktexitmon gone' 'ktsend sched-state stopped' 'ktdump /tmp/sched.log' \
		'ktpipe drains' 'ktpipe gone' 'ktsend exit 0'
}

test_both_serial_ports_are_drained_between_the_exit_frame_and_the_reboot() {
	boot
	assert_order 'ktsend exit 0' 'stty -F /dev/ttyS0 ' 'stty -F /dev/ttyS1 ' 'reboot -f'
}

test_init_takes_real_time_priority_and_no_oom_kill_before_it_says_that_it_is_ready() {
	boot
	for shell in $BOOT_SHELLS; do
		assert_matches "^chrt .*-f .*[0-9]+ $(cat "$shell/init.pid")$" "journal.$shell"
	done
	assert_order 'chrt ' 'ktsend sys-ready'
	assert_content proc/self/oom_score_adj -1000
}

test_init_goes_on_without_real_time_priority_and_says_so() {
	when chrt 'exit 1'
	boot
	assert_console '^ktbox: .*real-time priority'
	assert_exit 0
}

. shunit2

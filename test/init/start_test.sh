#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# How /init starts: mounts, the check of the initramfs, command line, port, ktpipe, the scripts around the scheduler.
# shellcheck disable=SC2016,SC2317  # the stubs' behaviour is text; shunit2 calls the tests

. "$KT_TEST_LIB/boot.sh"

not_mounted() { # POINT
	grep -v " $1 " root/proc/mounts >mounts
	cp mounts root/proc/mounts
}

test_a_required_mount_that_is_missing_ends_the_machine_with_a_message_on_com2() {
	not_mounted /dev/shm
	boot
	assert_in dev/ttyS1 '^ktbox: mounts: .*/dev/shm'
	assert_console '^ktbox: mounts: .*/dev/shm'
	assert_did_not '^(kthvc|ktpipe|ktexitmon|ktexec) '
	assert_no_frame
}

test_each_of_the_required_mounts_is_required() {
	for required in /proc /sys /dev /tmp /run; do
		new_root
		not_mounted "$required"
		boot
		assert_in dev/ttyS1 "^ktbox: mounts: .*$required is not mounted: does this kernel have CONFIG_[A-Z_]*\\?"
		assert_did_not '^ktexitmon '
	done
}

test_the_guest_has_a_loopback_device_and_a_name() {
	mkdir -p root/sys/class/net/lo root/proc/sys/kernel
	: >root/proc/sys/kernel/hostname
	boot
	assert_order 'ifconfig lo 127.0.0.1 netmask 255.0.0.0 up' 'ktsend sys-ready'
	assert_content proc/sys/kernel/hostname ktbox
}

test_a_kernel_without_networking_does_without_a_word() {
	boot
	assert_did_not '^ifconfig '
	assert_not_on_console 'network|hostname'
	assert_exit 0
}

test_an_optional_mount_that_is_missing_is_reported_and_the_run_goes_on() {
	grep -Ev ' (/sys/fs/bpf|/sys/kernel/debug) ' root/proc/mounts >mounts
	cp mounts root/proc/mounts
	boot
	assert_console '^ktbox: mounts: this kernel has no /sys/fs/bpf \(CONFIG_BPF_SYSCALL\)$'
	assert_order 'ktsend sys-ready' 'ktsend mark without:CONFIG_DEBUG_FS' 'ktsend mark without:CONFIG_BPF_SYSCALL' 'ktexec /payload'
	assert_exit 0
}

test_a_kernel_without_a_system_call_ends_the_machine_with_its_option() {
	when ktcheck 'printf "CONFIG_NET\nCONFIG_SIGNALFD\n"; exit 1'
	boot
	assert_in dev/ttyS1 '^ktbox: kernel: this kernel lacks CONFIG_NET CONFIG_SIGNALFD, which'
	assert_did_not '^(ktport|kthvc|ktpipe|ktexitmon|ktexec) '
	assert_no_frame
	new_root
	when ktcheck 'exit 127'
	boot
	assert_in dev/ttyS1 '^ktbox: kernel: ktcheck ended with status 127 and named nothing$'
	assert_exit 209
}

# no_port DIRECTORY...: of the kernel's drivers in sysfs; and no port.
no_port() {
	new_root
	for directory; do mkdir -p "root/sys/bus/$directory"; done
	when ktport 'exit 1'
	boot
	assert_did_not '^(kthvc|ktpipe|ktexitmon|ktexec) '
}

test_the_option_that_a_missing_port_needs_is_named() {
	no_port
	assert_in dev/ttyS1 'there is no port ktstr-bulk: does this kernel have CONFIG_PCI\?$'
	no_port pci/drivers/serial
	assert_in dev/ttyS1 'there is no port ktstr-bulk: does this kernel have CONFIG_VIRTIO_PCI\?$'
	no_port pci/drivers/virtio-pci
	assert_in dev/ttyS1 'there is no port ktstr-bulk: does this kernel have CONFIG_VIRTIO_CONSOLE\?$'
	no_port pci/drivers/virtio-pci virtio/drivers/virtio_console
	assert_in dev/ttyS1 'there is no port ktstr-bulk$'
}

# active TEXT: the consoles that the kernel prints to.
active() {
	new_root
	mkdir -p root/sys/class/tty/console
	echo "$1" >root/sys/class/tty/console/active
}

test_a_kernel_without_a_console_on_a_serial_port_is_told_of_and_the_run_goes_on() {
	active hvc1
	boot
	assert_order 'ktsend mark without:CONFIG_SERIAL_8250_CONSOLE' 'ktexec /payload'
	assert_exit 0
	active ''
	mkdir -p root/sys/bus/amba
	boot
	assert_order 'ktsend mark without:CONFIG_SERIAL_AMBA_PL011_CONSOLE' 'ktexec /payload'
	active 'tty0 ttyS0'
	boot
	assert_did_not '^ktsend mark without:'
}

test_a_kernel_without_a_log_is_told_of_and_the_run_goes_on() {
	ln -s /dev/null root/dev/null
	boot
	assert_order 'ktsend mark without:CONFIG_PRINTK' 'ktexec /payload'
	assert_exit 0
}

test_with_all_mounts_there_is_no_complaint() {
	boot
	assert_did_not '^ktsend mark without:'
	assert_not_on_console '^ktbox: '
	assert_exit 0
}

test_folders_and_links_that_programs_expect_are_made() {
	boot
	for shell in $BOOT_SHELLS; do
		assertEquals /proc/self/fd "$(readlink "$shell/dev/fd")"
		assertEquals fd/1 "$(readlink "$shell/dev/stdout")"
		assertTrue "/var/run is /run under $shell" "[ $shell/var/run/kt -ef $shell/run/kt ]"
		assertTrue "dev/pts and dev/shm under $shell" "[ -d $shell/dev/pts ] && [ -d $shell/dev/shm ]"
	done
}

test_a_base_that_was_not_unpacked_whole_ends_the_machine_with_a_message_on_com2() {
	rm root/.ktbox/base.complete
	boot
	assert_in dev/ttyS1 '^ktbox: initramfs: .*initramfs'
	assert_did_not '^(kthvc|ktpipe|ktexitmon|ktexec) '
	assert_no_frame
}

test_mounts_come_before_completeness() {
	not_mounted /run
	rm root/.ktbox/base.complete
	boot
	assert_in dev/ttyS1 '^ktbox: mounts: '
	assert_not_on_console '^ktbox: initramfs: '
}

test_a_run_that_was_not_unpacked_whole_ends_the_machine_with_a_message_on_com2() {
	: >root/.ktbox/run.begin
	boot
	assert_in dev/ttyS1 '^ktbox: initramfs: .*run'
	assert_did_not '^(kthvc|ktpipe|ktexitmon|ktexec) '
	assert_no_frame
}

test_a_run_that_was_unpacked_whole_is_run() {
	: >root/.ktbox/run.begin
	: >root/.ktbox/run.complete
	boot
	assert_did 'ktexec /payload'
	assert_exit 0
}

test_without_a_port_there_is_no_frame_but_a_message_on_com2() {
	when ktport 'exit 1'
	boot
	assert_in dev/ttyS1 '^ktbox: bulk port: '
	assert_did_not '^(ktexitmon|ktexec) '
	assert_no_frame
}

test_without_a_port_no_frame_is_tried_for_the_dmesg_either() {
	when ktport 'exit 1'
	cmdline ktbox.dmesg=1
	boot
	assert_in dev/ttyS1 '^ktbox: bulk port: '
	assert_no_frame
}

test_a_port_that_can_not_be_opened_is_no_port() {
	when ktport 'echo /dev/nowhere/vport'
	boot
	assert_in dev/ttyS1 '^ktbox: bulk port: cannot open /dev/nowhere/vport'
	assert_did_not '^(ktexitmon|ktexec) '
	assert_no_frame
}

test_with_a_port_com2_stays_empty() {
	boot
	for shell in $BOOT_SHELLS; do
		assert_empty_or_missing "$shell/dev/ttyS1"
	done
	assert_exit 0
}

test_unknown_words_of_ours_are_reported_and_others_are_not() {
	: >root/ktbox.nothing_that_a_word_should_become
	cmdline 'ktbox.atach_timeout=5 ktbox=1 xktbox.a quiet ktbox.nothing* KTSTR_GUEST=1'
	boot
	assert_console "^ktbox: .*ktbox.atach_timeout=5"
	assert_console "^ktbox: .*ktbox.nothing\*'$"
	assert_not_on_console 'quiet|ktbox=1|xktbox|KTSTR_GUEST'
	assert_exit 0
}

test_words_that_are_known_are_not_reported() {
	cmdline 'ktbox.attach_timeout=5 ktbox.trace_kb=64 ktbox.dmesg=1 ktbox.term=vt100'
	boot
	assert_not_on_console '^ktbox: '
	assert_exit 0
}

test_a_number_that_is_none_is_reported_and_the_default_holds() {
	cmdline 'ktbox.attach_timeout=1s ktbox.trace_kb='
	when ktpipe 'note "ring ${KT_TRACE_KB-default}"; ktlatch set trace_armed; stay'
	when ktexitmon 'ktlatch wait -t 1.3 never_set; ktlatch set sched_attached; stay'
	boot
	assert_console '^ktbox: .*ktbox.attach_timeout=1s'
	assert_console '^ktbox: .*ktbox.trace_kb='
	assert_did 'ring default'
	assert_exit 0
}

test_the_trace_ring_and_the_terminal_of_the_command_line_reach_their_users() {
	cmdline 'ktbox.trace_kb=64 ktbox.term=vt100'
	when ktpipe 'note "ring ${KT_TRACE_KB-default}"; ktlatch set trace_armed; stay'
	when ktexec 'note "term $TERM"'
	boot
	assert_did 'ring 64' 'term vt100'
}

test_a_ktpipe_that_ends_before_it_is_armed_is_in_the_verdict_at_once() {
	boot_ceiling 20 # under the time that it is given to get ready
	when ktpipe 'exit 1'
	boot
	assert_did 'ktsend init-error trace: ktpipe ended before it was ready'
	assert_exit 209
}

test_grace_periods_are_hurried_up_to_the_scheduler_and_not_beyond() {
	echo 0 >root/sys/kernel/rcu_expedited
	when ktpipe 'read -r hurried <"$KTBOX_ROOT/sys/kernel/rcu_expedited"; note "ktpipe: $hurried"
		ktlatch set trace_armed; stay'
	when ktexitmon 'read -r hurried <"$KTBOX_ROOT/sys/kernel/rcu_expedited"; note "ktexitmon: $hurried"
		ktlatch set sched_attached; stay'
	boot
	assert_did 'ktpipe: 1' 'ktexitmon: 0'
}

test_words_after_a_newline_count_and_the_last_needs_none() {
	printf 'ktbox.host=ktrun\nktbox.trace_kb=64\n\nktbox.term=vt100' >root/proc/cmdline
	when ktpipe 'note "ring ${KT_TRACE_KB-default}"; ktlatch set trace_armed; stay'
	when ktexec 'note "term $TERM"'
	boot
	assert_did 'ring 64' 'term vt100'
}

test_without_kthvc_the_guest_goes_on() {
	when kthvc 'exit 1'
	boot
	assert_order 'kthvc' 'ktsend sys-ready' 'ktexec'
	assert_exit 0
}

test_a_kthvc_that_never_listens_is_reported_after_a_bounded_time() {
	when kthvc stay
	shorten_wait hvc_ready
	boot
	assert_console '^ktbox: wake bytes: '
	assert_order 'kthvc' 'ktsend sys-ready' 'ktexec'
	assert_exit 0
}

test_without_the_scripts_around_the_scheduler_nothing_runs_them() {
	rm root/sched_enable root/sched_disable
	boot
	assert_did_not '^ktsh-lite '
	assert_exit 0
}

test_a_sched_enable_line_that_fails_is_named_and_the_run_goes_on() {
	when ktsh-lite '[ "$1" != "$KTBOX_ROOT/sched_enable" ] || { echo "ktsh-lite: /sched_enable:2: no"; echo more; exit 1; } >&2'
	boot
	assert_order 'ktsend init-error script: /sched_enable:2: no' 'ktexitmon -l' 'ktexec /payload' 'ktsend exit 209'
	assert_times 1 '^ktsend init-error'
	assert_exit 209
}

test_a_failed_line_of_a_script_does_not_hide_the_payload_s_code() {
	when ktsh-lite '[ "$1" != "$KTBOX_ROOT/sched_enable" ]'
	when ktexec 'exit 7'
	boot
	assert_order 'ktsend init-error script: /sched_enable: ktsh-lite failed without a message' 'ktsend exit 7'
}

test_a_sched_disable_line_that_fails_is_in_the_verdict() {
	when ktsh-lite '[ "$1" != "$KTBOX_ROOT/sched_disable" ]'
	boot
	assert_times 1 '^ktsend init-error .*sched_disable'
	assert_exit 209
}

. shunit2

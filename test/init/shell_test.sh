#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Shell mode: on which terminal, with which greeting, and how it ends.
# shellcheck disable=SC2016,SC2317  # the stubs' behaviour is text; shunit2 calls the tests

. "$KT_TEST_LIB/boot.sh"

# shell_mode TTY: with ktrun's port ktbox-ctl (ctl), or without it, as on the reference's host (hvc0).
shell_mode() {
	port=
	[ "$1" = hvc0 ] || port=ktbox.ctl=1
	cmdline KTSTR_MODE=shell ktbox.term=xterm $port
	rm root/payload
}

test_with_the_port_ktbox_ctl_the_shell_is_on_a_terminal_of_its_own_and_kthvc_on_hvc0() {
	shell_mode ctl
	when ktterm 'note "term $TERM"; exit 3'
	boot
	assert_order 'kthvc -i /dev/hvc0' 'ktsend sys-ready' 'ktsend lifecycle payload-starting' \
		'ktterm /bin/sh -l' 'ktsend exec-exit 3' 'ktexitmon got TERM' 'ktsend exit 3'
	assert_did 'term xterm'
	assert_did_not '^ktexec |^ktlogin |^ktstdin'
	assert_exit 3
}

test_with_one_console_the_shell_has_it_and_kthvc_does_not_run() {
	shell_mode hvc0
	when ktlogin 'exit 3'
	boot
	assert_order 'ktsend sys-ready' 'ktlogin /dev/hvc0 /bin/sh -l' 'ktsend exec-exit 3'
	assert_did_not '^kthvc |^ktexec '
	assert_exit 3
}

test_the_terminal_is_drained_too_before_the_reboot() {
	shell_mode hvc0
	boot
	assert_order 'ktsend exit 0' 'stty -F /dev/hvc0 ' 'reboot -f'
}

test_without_shell_mode_no_shell_is_started() {
	shell_mode ctl
	cmdline KTSTR_MODE=test ktbox.ctl=1
	boot
	assert_did 'kthvc -i /dev/hvc0 -s /proc/sysrq-trigger'
	assert_did_not '^ktlogin |^ktterm '
}

test_shell_mode_with_a_command_runs_the_command_and_no_terminal() {
	shell_mode ctl
	printf 'exit 5' >root/exec_cmd
	when ktexec 'exit 5'
	boot
	assert_did 'ktexec sh -c exit 5' 'kthvc -i /dev/hvc0 -s /proc/sysrq-trigger' 'ktsend exec-exit 5'
	assert_did_not '^ktlogin |^ktterm '
	assert_exit 5
}

test_the_greeting_tells_kernel_memory_cpus_scheduler_and_how_to_leave() {
	shell_mode ctl
	when ktexitmon 'sysfs_attached; ktlatch set sched_attached; stay'
	boot
	for word in 6.12.0-test '2000 MiB' "$(nproc) CPUs" stub exit poweroff reboot; do
		assert_in etc/motd "$word"
	done
	for shell in $BOOT_SHELLS; do
		assertTrue "a short greeting under $shell" "[ $(wc -l <"$shell/etc/motd") -le 3 ]"
	done
}

test_the_greeting_of_a_guest_without_a_scheduler_says_so() {
	shell_mode ctl
	rm root/scheduler
	boot
	assert_in etc/motd 'scheduler: none'
}

test_poweroff_typed_at_the_shell_hangs_it_up_and_is_as_good_as_exit() {
	shell_mode ctl
	when ktterm 'trap "note the shell got HUP; exit 129" HUP
		read -r pid <"$KTBOX_ROOT/init.pid"; kill -USR2 "$pid"; stay'
	boot
	assert_order 'ktterm' 'the shell got HUP' 'ktsend exec-exit 0' 'ktexitmon got TERM' \
		'ktpipe got TERM' 'ktsend exit 0'
	assert_did_not '^ktterm got TERM|^ktsend init-error'
}

test_the_history_is_sent_from_before_the_shell_to_the_end_when_the_host_keeps_one() {
	shell_mode ctl
	: >root/.ktbox/history
	when ktdump 'case $1 in -H) stay ;; esac'
	boot
	assert_order 'ktsend sys-ready' 'ktdump -H -f /.ktbox/history' 'ktterm /bin/sh -l' 'ktsend exec-exit 0' \
		'ktdump got TERM' 'ktsend exit 0'
	assert_exit 0
}

test_a_history_that_was_not_sent_whole_is_an_error() {
	shell_mode ctl
	: >root/.ktbox/history
	when ktdump 'on_term() { exit 1; }; case $1 in -H) stay ;; esac'
	boot
	assert_did "ktsend init-error teardown: the shell's history was not sent completely"
	assert_exit 209
}

test_no_history_is_sent_unasked() {
	shell_mode ctl
	boot
	assert_did_not '^ktdump -H'
}

test_a_death_of_the_scheduler_leaves_the_developer_at_the_shell() {
	shell_mode ctl
	when ktterm 'ktlatch set payload_runs; ktlatch wait sched_exited; a_moment; a_moment
		note left by exit; exit 3'
	when ktexitmon 'trap "" TERM; ktlatch set sched_attached; ktlatch wait payload_runs
		ktlatch set sched_exited; exit 1'
	boot
	assert_order 'ktsend lifecycle scheduler-died ' 'left by exit' 'ktsend exec-exit 3'
	assert_exit 202
}

test_the_users_environment_and_files_are_there_in_the_shell() {
	shell_mode ctl
	mkdir root/include-files
	printf 'KT_TEST_WORD=a word\000' >root/.ktbox/env
	when ktterm 'note "shell sees $KT_USER_ENV and $KT_USER_PATH"'
	boot
	assert_did 'shell sees /.ktbox/env and /include-files:/.ktbox/bin'
}

. shunit2

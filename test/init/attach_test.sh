#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What /init makes of a scheduler that attaches, or does not; with which arguments and environment.
# shellcheck disable=SC2016,SC2317  # the stubs' behaviour is text; shunit2 calls the tests

. "$KT_TEST_LIB/boot.sh"

test_an_attached_scheduler_gets_its_payload() {
	boot
	assert_did 'ktexec /payload'
	assert_did_not '^ktsend lifecycle scheduler-'
	assert_exit 0
}

test_an_end_before_the_attach_is_a_death_without_a_payload() {
	when ktexitmon 'on_term() { note it had to be asked; exit 1; }
		ktlatch set sched_exited; a_moment; note ktexitmon has sent all; exit 1'
	boot
	assert_times 1 '^ktsend lifecycle scheduler-died .'
	assert_did_not '^ktexec |^ktsend (lifecycle payload-starting|scenario-|exec-exit|sched-state)'
	assert_exit 200
}

test_an_end_before_the_attach_is_no_expected_death() {
	cmdline ktbox.expect_death=1
	when ktexitmon 'trap "" TERM; ktlatch set sched_exited; exit 1'
	boot
	assert_times 1 '^ktsend lifecycle scheduler-died .'
	assert_exit 200
}

test_a_scheduler_runs_under_its_own_name() {
	echo 'scx simple' >root/.ktbox/scheduler_name
	when ktexitmon '[ "$3" -ef "$KTBOX_ROOT/scheduler" ] && note it is the scheduler; ktlatch set sched_attached; stay'
	boot
	assert_did 'ktexitmon -l /tmp/sched.log /run/kt/bin/scx simple' 'it is the scheduler'
	assert_exit 0
}

test_a_scheduler_that_does_not_attach_in_time_is_distinguished() {
	cmdline ktbox.attach_timeout=1
	when ktexitmon stay
	boot
	assert_did 'ktsend lifecycle scheduler-not-attached timeout' 'ktexitmon got TERM' \
		'ktsend sched-state stopped code=0'
	assert_did_not '^ktexec |^ktsend (lifecycle scheduler-died|lifecycle payload-starting|scenario-|exec-exit)'
	assert_exit 201
}

test_without_sched_ext_in_the_kernel_the_scheduler_is_not_started() {
	rm -r root/sys/kernel/sched_ext
	boot
	assert_times 1 '^ktsend lifecycle scheduler-not-attached .*sysfs'
	assert_did_not '^(ktexitmon|ktexec) '
	assert_exit 201
}

# without_sched_ext FILE...: of a kernel that has none.
without_sched_ext() {
	new_root
	rm -r root/sys/kernel/sched_ext
	for file; do
		mkdir -p "root/${file%/*}"
		: >"root/$file"
	done
	boot
}

test_the_option_without_which_there_is_no_sched_ext_is_named() {
	absent='ktsend lifecycle scheduler-not-attached sched_ext sysfs absent'
	without_sched_ext
	assert_did "$absent: does this kernel have CONFIG_BPF_SYSCALL?"
	without_sched_ext proc/sys/kernel/unprivileged_bpf_disabled
	assert_did "$absent: does this kernel have CONFIG_DEBUG_INFO_BTF?"
	without_sched_ext proc/sys/kernel/unprivileged_bpf_disabled sys/kernel/btf/vmlinux
	assert_did "$absent: does this kernel have CONFIG_SCHED_CLASS_EXT?"
}

test_the_reference_host_hears_its_own_words_for_a_kernel_without_sched_ext() {
	rm -r root/sys/kernel/sched_ext
	echo 'console=ttyS0' >root/proc/cmdline
	boot
	assert_did 'ktsend lifecycle scheduler-not-attached sched_ext sysfs absent'
}

test_without_sched_ext_and_without_a_scheduler_the_payload_runs() {
	rm -r root/sys/kernel/sched_ext root/scheduler
	when ktexec 'exit 7'
	boot
	assert_did_not '^ktexitmon |^ktsend (lifecycle scheduler-|sched-state)'
	assert_exit 7
}

test_an_attach_that_only_sysfs_shows_counts() {
	cmdline ktbox.attach_timeout=1
	when ktexitmon 'sysfs_attached; stay'
	boot
	assert_did 'ktexec /payload'
	assert_did_not '^ktsend lifecycle scheduler-'
	assert_exit 0
}

test_a_state_of_enabling_does_not_count_as_attached() {
	cmdline ktbox.attach_timeout=1
	when ktexitmon 'sysfs_attached; echo enabling >"$KTBOX_ROOT/sys/kernel/sched_ext/state"; stay'
	boot
	assert_did 'ktsend lifecycle scheduler-not-attached timeout'
	assert_exit 201
}

test_arguments_of_the_scheduler_are_split_at_white_space_and_nothing_else() {
	printf -- '--name  a*b\t* "x y"\n$HOME\n\n  -v' >root/sched_args
	when ktexitmon 'shift 3; printf "<%s>\n" "$@" >"$KTBOX_ROOT/arguments"; ktlatch set sched_attached; stay'
	boot
	assert_content arguments '<--name>
<a*b>
<*>
<"x>
<y">
<$HOME>
<-v>'
}

test_without_arguments_there_is_none() {
	when ktexitmon 'note "$# words"; ktlatch set sched_attached; stay'
	boot
	assert_did '3 words'
}

test_the_users_environment_is_a_file_for_those_who_start_a_users_program_and_no_shell_reads_it() {
	printf "A='\n\000ROOT=/nowhere\000PATH=/nowhere\000kt_command=/bin/true\000IFS=t\000MODE=shell\000" >root/.ktbox/env
	when ktsh-lite 'note "enable sees ${KT_USER_ENV-nothing}"'
	when ktexitmon 'note "scheduler sees $KT_USER_ENV"; ktlatch set sched_attached; stay'
	when ktexec 'note "payload sees $KT_USER_ENV"'
	boot
	assert_did 'ktexitmon -l /tmp/sched.log /scheduler' 'ktexec /payload' 'scheduler sees /.ktbox/env' \
		'payload sees /.ktbox/env' 'enable sees nothing'
	assert_exit 0
}

test_included_programs_are_on_the_path_of_scheduler_and_payload_only() {
	mkdir -p root/include-files/tools/deep
	when ktexitmon 'note "scheduler $KT_USER_PATH"; ktlatch set sched_attached; stay'
	when ktexec 'note "payload $KT_USER_PATH"'
	when ktsh-lite 'note "others ${KT_USER_PATH-nothing} $PATH"'
	boot
	assert_did 'scheduler /include-files:/.ktbox/bin' 'payload /include-files:/.ktbox/bin'
	assert_times 0 '^others .*include-files'
	assert_times 2 '^others nothing '
}

test_an_interpreter_that_a_scheduler_brings_is_on_the_path_without_included_files() {
	mkdir -p root/.ktbox/bin
	when ktexitmon 'note "scheduler $KT_USER_PATH"; ktlatch set sched_attached; stay'
	boot
	assert_did 'scheduler /include-files:/.ktbox/bin'
}

test_without_included_files_the_path_is_as_it_was() {
	when ktexitmon 'note "scheduler $PATH"; ktlatch set sched_attached; stay'
	when ktexec 'note "payload $PATH"'
	boot
	assert_did 'scheduler /stubs:/tools' 'payload /stubs:/tools'
}

. shunit2

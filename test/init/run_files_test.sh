#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Where a guest is saved and resumed: what is done before, what comes after, and that half an archive is refused.
# shellcheck disable=SC2016,SC2317  # the stubs' behaviour is text; shunit2 calls the tests

. "$KT_TEST_LIB/boot.sh"

# warm WORDS: a guest that takes its files from the port, with these words of /init.
warm() {
	cmdline ktbox.files=port
	: >root/dev/vport0p4
	when ktport 'case $1 in ktstr-bulk) echo /dev/vport0p1 ;; ktbox-files) echo /dev/vport0p4 ;; esac'
	when cpio "mkdir -p .ktbox && : >.ktbox/run.complete && echo '$1' >.ktbox/words"
}

test_a_guest_that_has_its_files_waits_for_none() {
	boot
	assert_did_not '^(ktresume|cpio)'
	assert_did_not '^ktport ktbox-files'
	assert_exit 0
}

test_the_guest_is_saved_after_the_daemons_have_started_and_before_anything_of_the_run() {
	warm ''
	boot
	assert_order 'kthvc ' 'ktsend sys-ready' 'ktsend lifecycle init-started' 'ktpipe ' 'ktport ktbox-files' \
		'ktresume ready' 'cpio -i -u -m' 'ktsh-lite /sched_enable' 'ktexitmon ' 'ktexec ' 'ktsend exit 0'
	assert_exit 0
}

test_the_words_of_the_run_count() {
	warm 'ktbox.dmesg=1 ktbox.no_such_word=1'
	boot
	assert_did 'dmesg' 'ktsend dmesg -'
	assert_console "unknown word 'ktbox.no_such_word=1'"
	assert_exit 0
}

test_a_shell_on_the_terminal_of_ktrun_is_found_after_the_files_have_come() {
	warm 'KTSTR_MODE=shell ktbox.ctl=1'
	rm root/payload
	when ktterm 'exit 5'
	boot
	assert_did 'ktterm /bin/sh -l'
	assert_exit 5
}

test_a_breakpoint_after_the_files_counts() {
	warm 'KTSTR_MODE=shell ktbox.ctl=1 break=payload'
	boot
	assert_order 'ktexitmon ' 'ktterm /bin/sh -l' 'ktsend scenario-start'
}

test_an_archive_without_its_end_is_refused() {
	warm ''
	when cpio 'mkdir -p .ktbox && : >.ktbox/run.begin'
	boot
	assert_did_not '^(ktexitmon|ktexec)'
	assert_times 1 '^ktsend init-error initramfs: the run.s files were not unpacked completely: : does the guest need '
	assert_exit 209
}

test_an_archive_that_is_cut_is_refused_and_the_reason_named() {
	warm ''
	when cpio 'echo "cpio: short read" >&2; exit 1'
	boot
	assert_did_not '^(ktexitmon|ktexec)'
	assert_times 1 '^ktsend init-error initramfs: .*completely: short read: '
	assert_exit 209
}

# Those of the archive with the modules, which was there at the boot.
test_an_older_end_mark_does_not_count() {
	warm ''
	: >root/.ktbox/run.begin
	: >root/.ktbox/run.complete
	when cpio 'exit 0'
	boot
	assert_did_not '^ktexec'
	assert_exit 209
}

test_a_guest_in_which_something_went_wrong_is_not_to_be_saved() {
	warm ''
	when ktpipe 'exit 3'
	boot
	assert_did 'ktresume unfit'
	warm_without_kthvc
	assert_did 'ktresume unfit'
}

warm_without_kthvc() {
	new_root
	warm ''
	shorten_wait hvc_ready
	when kthvc 'stay'
	boot
}

test_a_host_that_closes_the_port_ends_the_run() {
	warm ''
	when ktresume 'exit 1'
	boot
	assert_did_not '^(cpio|ktexitmon|ktexec)'
	assert_did "ktsend init-error run's files: ktresume ended with status 1"
	assert_exit 209
}

test_without_the_port_the_run_ends() {
	warm ''
	when ktport '[ "$1" = ktstr-bulk ] && echo /dev/vport0p1'
	boot
	assert_did "ktsend init-error run's files: there is no port ktbox-files"
	assert_exit 209
}

. shunit2

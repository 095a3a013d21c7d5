#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Shells outside of the payload: break=PHASE and ktbox.rescue=1.
# shellcheck disable=SC2016,SC2317  # the stubs' behaviour is text; shunit2 calls the tests

. "$KT_TEST_LIB/boot.sh"

shell_with() { # WORD...
	cmdline KTSTR_MODE=shell ktbox.ctl=1 "$@"
	rm root/payload
}

test_break_gives_a_shell_before_the_phase_and_its_exit_goes_on() {
	shell_with break=scheduler
	when ktterm 'a_moment; note left; exit 3'
	boot
	assert_order 'ktpipe ' 'ktterm /bin/sh -l' 'left' 'ktexitmon -l' 'ktsend scenario-start' 'ktterm /bin/sh -l' \
		'ktsend exec-exit 3' 'ktsend exit 3'
	assert_times 2 '^ktterm '
	assert_console '^ktbox: debug shell before the phase scheduler; exit continues the run'
	assert_exit 3
}

test_break_before_teardown_is_after_the_payload_and_before_the_schedulers_end() {
	shell_with break=teardown
	boot
	assert_order 'ktterm' 'ktsend exec-exit 0' 'ktterm' 'ktexitmon got TERM' 'ktsend exit 0'
	assert_times 2 '^ktterm '
}

test_a_phase_that_does_not_exist_is_said_and_the_run_goes_on() {
	shell_with break=schedular
	boot
	assert_console "^ktbox: command line: unknown phase .*break=schedular"
	assert_times 1 '^ktterm '
	assert_exit 0
}

test_every_phase_after_the_command_line_can_be_stopped_before() {
	# shellcheck source=/dev/null
	stops=$(. root/lib/ktbox/breakpoints.sh && echo "$BREAKPOINTS")
	phases=$(sed -n "s/^phase //p" root/init | tr "\n" " ")
	assertEquals "$stops " "$phases"
}

test_poweroff_at_such_a_shell_ends_the_run() {
	shell_with break=scheduler
	when ktterm 'trap "note the shell got HUP; exit 129" HUP
		read -r pid <"$KTBOX_ROOT/init.pid"; kill -USR2 "$pid"; stay'
	boot
	assert_order 'ktterm' 'the shell got HUP' 'ktsend exit '
	assert_times 1 '^ktterm '
	assert_did_not '^ktexitmon '
}

test_a_test_under_ktrun_has_no_terminal_for_it_and_goes_on() {
	cmdline break=payload
	boot
	assert_console '^ktbox: no terminal for a debug shell'
	assert_did 'ktexec /payload'
	assert_did_not '^kt(term|login) '
	assert_exit 0
}

test_a_test_of_another_host_has_it_on_the_console() {
	echo 'console=ttyS0 break=payload' >root/proc/cmdline
	boot
	assert_order 'ktlogin /dev/ttyS0 /bin/sh -l' 'ktexec /payload'
	assert_times 1 '^ktlogin '
}

test_a_failed_boot_gives_a_shell_when_asked() {
	shell_with ktbox.rescue=1
	when ktport 'exit 1'
	boot
	assert_console '^ktbox: debug shell after a failed boot: bulk port: '
	assert_times 1 '^ktterm /bin/sh -l'
	assert_did_not '^ktexitmon '
}

test_a_failed_boot_gives_none_unasked() {
	shell_with
	when ktport 'exit 1'
	boot
	assert_did_not '^ktterm '
}

test_a_good_boot_needs_no_rescue() {
	shell_with ktbox.rescue=1
	boot
	assert_times 1 '^ktterm '
	assert_exit 0
}

. shunit2

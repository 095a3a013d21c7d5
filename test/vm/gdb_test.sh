#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# --gdb, with a real gdb: a running guest, one that has not begun, one that has panicked.

# shellcheck disable=SC1091,SC2016,SC2154 # what is sourced sets them; $pc is gdb's
. "$KT_TEST_LIB/vm.sh"

# debug NAME TEXT COMMAND...: when ktrun of this run has said TEXT, gdb runs the commands at the port that it named.
debug() {
	debug_name=$1
	wait_until "grep -q '$2' '$VMS/$1.err'"
	shift 2
	port=$(sed -n "s/.*target remote :\([0-9]*\)'.*/\1/p" "$VMS/$debug_name.err")
	for command; do
		set -- "$@" -ex "$command"
		shift
	done
	timeout "$KT_CEILING" gdb -nx -batch -ex 'set architecture i386:x86-64' -ex "target remote :$port" "$@" \
		>"$VMS/$debug_name.gdb" 2>&1 </dev/null
}

oneTimeSetUp() {
	vm_begin panic --gdb=on-panic -- sh -c 'echo c >/proc/sysrq-trigger'
	debug panic 'has stopped at its end' 'info threads' 'x/i $pc' kill
	vm_finish
	vm_begin running --gdb -- sh -c 'echo ready; ktlatch wait -t 20 never_set; echo after'
	vm_hears ready
	debug running 'may attach' 'info threads' detach
	vm_finish
	vm_begin waiting --gdb=wait -- echo over
	debug waiting 'waiting for a debugger' 'info registers rip' detach
	vm_finish
	vm passes --gdb=on-panic -- echo over
	vm limit --gdb=on-panic -t 40 -- sh -c 'echo c >/proc/sysrq-trigger'
}

test_a_guest_that_panics_waits_for_gdb_and_the_verdict_is_the_panic() {
	look panic
	assert_verdict lost 203
	assert_value_matches reason 'Kernel panic - not syncing: sysrq triggered crash'
	assertEquals "CPUs in $(cat "$VMS/panic.gdb")" 2 "$(grep -c 'Thread 1\.' "$VMS/panic.gdb")"
	assert_matches '^=> 0xffffffff' "$VMS/panic.gdb"
	assert_nothing_left panic
}

test_gdb_stops_a_running_guest_which_goes_on_after_that() {
	look running
	assert_verdict pass 0
	assertEquals "CPUs in $(cat "$VMS/running.gdb")" 2 "$(grep -c 'Thread 1\.' "$VMS/running.gdb")"
	assert_file_text 'ready
after' "$art/stdout"
}

test_a_guest_that_waits_has_not_begun() {
	look waiting
	assert_matches '^rip  *0xfff0 ' "$VMS/waiting.gdb"
	assert_verdict pass 0
	assert_file_text over "$art/stdout"
}

test_a_run_that_passes_waits_for_nobody() {
	look passes
	assert_verdict pass 0
	assert_no_match 'has stopped' "$err"
}

test_at_the_limit_a_guest_that_has_panicked_is_ended_as_panicked() {
	look limit
	assert_verdict lost 203
	assert_value_matches reason 'Kernel panic - not syncing: sysrq triggered crash'
	assert_matches 'has stopped at its end: gdb .* -ex .target remote :' "$err"
	assert_nothing_left limit
}

# shellcheck disable=SC1091
. shunit2

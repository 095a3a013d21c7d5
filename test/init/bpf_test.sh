#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# /init and ktbpf: when it begins and ends, and that a run without it is the same.
# shellcheck disable=SC2016,SC2317  # the stubs' behaviour is text; shunit2 calls the tests

. "$KT_TEST_LIB/boot.sh"

test_without_the_word_ktbpf_is_not_started() {
	boot
	assert_did_not '^ktbpf'
	assert_exit 0
}

test_ktbpf_is_ready_before_the_scheduler_and_ends_after_it() {
	cmdline ktbox.bpf=4096
	when ktbpf 'a_moment; note "ktbpf is ready"; mkdir -p "$KTBOX_ROOT/run/kt/bpf"; ktlatch set bpf_ready; stay'
	boot
	assert_order 'ktbpf -m 4096 ' 'ktbpf is ready' 'ktexitmon -l' 'ktexitmon got TERM' 'ktbpf got TERM' 'ktget'
	assert_exit 0
}

test_nothing_is_sent_of_a_scheduler_that_ktbpf_did_not_see() {
	cmdline ktbox.bpf=4096
	boot
	assert_did_not '^ktget'
	assert_exit 0
}

test_a_ktbpf_that_ends_at_once_changes_no_verdict() {
	cmdline ktbox.bpf=4096
	when ktbpf 'exit 1'
	boot
	assert_console '^ktbox: bpf: ktbpf is not ready \(process.ended\)'
	assert_did 'ktexec /payload'
	assert_exit 0
}

test_a_size_that_is_no_number_is_reported() {
	cmdline ktbox.bpf=much
	boot
	assert_console "^ktbox: command line: not a number in 'ktbox.bpf=much'"
	assert_did_not '^ktbpf'
}

# shellcheck disable=SC1091
. shunit2

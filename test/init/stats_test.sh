#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# /init and ktwatch: when the figures begin and end, and that a run without them, or without ktwatch, is the same.
# shellcheck disable=SC2016,SC2317  # the stubs' behaviour is text; shunit2 calls the tests

. "$KT_TEST_LIB/boot.sh"

test_without_the_word_ktwatch_is_not_started() {
	boot
	assert_did_not '^ktwatch'
	assert_exit 0
}

test_ktwatch_is_ready_before_the_scheduler_starts() {
	cmdline ktbox.stats=windows
	when ktwatch 'a_moment; note "ktwatch is ready"; ktlatch set stats_ready; watch_payload'
	boot
	assert_did 'ktwatch'
	assert_order 'ktwatch is ready' 'ktexitmon -l'
}

test_the_figures_are_those_of_the_payload() {
	cmdline ktbox.stats=windows
	when ktexec 'a_moment; note "ktexec ends"'
	boot
	assert_order 'ktexitmon -l' 'ktwatch got USR1' 'ktsend scenario-start' 'ktexec ends' 'ktsend scenario-end' 'ktwatch got TERM' \
		'ktsend exec-exit 0' 'ktexitmon got TERM'
	assert_exit 0
}

test_all_wakeups_are_an_option_of_ktwatch() {
	cmdline ktbox.stats=all
	boot
	assert_did 'ktwatch -a'
}

test_another_word_is_reported_and_no_figures_are_wanted() {
	cmdline ktbox.stats=1
	boot
	assert_console "^ktbox: command line: unknown word 'ktbox.stats=1'"
	assert_did_not '^ktwatch'
}

test_a_ktwatch_that_ends_at_once_changes_no_verdict() {
	cmdline ktbox.stats=windows
	when ktwatch 'exit 1'
	boot
	assert_console '^ktbox: stats: ktwatch is not ready \(process.ended\)'
	assert_order 'ktsend stats failed' 'ktexec /payload'
	assert_did_not '^ktsend init-error'
	assert_did 'ktexec /payload'
	assert_exit 0
}

test_a_ktwatch_that_does_not_begin_is_given_up_and_the_payload_runs() {
	cmdline ktbox.stats=windows
	bounds WATCH_SECONDS=1
	when ktwatch 'ktlatch set stats_ready; trap "" USR1; stay'
	boot
	assert_console '^ktbox: stats: ktwatch has not begun \(timeout\)'
	assert_did_not '^ktsend stats'
	assert_did 'ktexec /payload'
	assert_did_not '^ktwatch got TERM'
	assert_exit 0
}

test_a_ktwatch_that_does_not_end_is_killed() {
	cmdline ktbox.stats=windows
	bounds WATCH_SECONDS=1
	when ktwatch 'deaf; ktlatch set stats_ready; trap "ktlatch set stats_begun" USR1; stay'
	boot
	assert_did 'ktwatch is deaf'
	assert_console '^ktbox: stats: ktwatch ended with status 137'
	assert_exit 0
}

test_a_payload_that_is_not_started_has_no_figures() {
	cmdline ktbox.stats=windows
	when ktexitmon 'ktlatch set sched_exited; exit 1'
	boot
	assert_did_not '^ktwatch got USR1'
	assert_did_not '^ktexec'
	assert_exit 200
}

test_the_figures_of_a_death_end_with_the_payload() {
	cmdline ktbox.stats=windows
	when ktexec 'ktlatch set sched_ejected; on_term() { note "ktexec got TERM"; exit 143; }; stay'
	boot
	assert_did 'ktwatch got USR1' # which takes it when it gets a CPU
	assert_order 'ktsend lifecycle scheduler-died' 'ktexec got TERM' 'ktwatch got TERM'
	assert_exit 202
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What /init does when the scheduler dies, or is ejected, while the payload runs.
# shellcheck disable=SC2016,SC2317  # the stubs' behaviour is text; shunit2 calls the tests

. "$KT_TEST_LIB/boot.sh"

# The payload goes on until somebody ends it; it says so when that happens.
endless_payload() {
	when ktexec 'ktlatch set payload_runs; stay'
}

# ktexitmon at a death: latch, then what it sends takes its time, then its end. TERM does not change that.
dying_scheduler() {
	when ktexitmon 'trap "" TERM; ktlatch set sched_attached; ktlatch wait payload_runs
		ktlatch set sched_exited; a_moment; note ktexitmon has sent all; exit 1'
}

test_a_death_stops_the_payload_after_ktexitmon_has_ended() {
	endless_payload
	dying_scheduler
	boot
	assert_order 'ktsend lifecycle payload-starting' 'ktexec' 'ktsend lifecycle scheduler-died ' \
		'ktexitmon has sent all' 'ktexec got TERM' 'ktsend scenario-end' 'ktsend exec-exit 0' 'ktsend exit 202'
	assert_did_not '^ktsend sched-state'
	assert_exit 202
}

test_an_expected_death_lets_the_payload_go_on() {
	cmdline ktbox.expect_death=1
	when ktexec 'ktlatch set payload_runs; ktlatch wait sched_exited; a_moment; a_moment
		note payload is done; exit 7'
	dying_scheduler
	boot
	assert_order 'ktsend lifecycle scheduler-died ' 'ktexitmon has sent all' 'payload is done' \
		'ktsend exec-exit 7'
	assert_did_not '^ktexec got TERM'
	assert_exit 7
}

test_a_survivor_of_an_expected_death_is_in_the_verdict() {
	cmdline ktbox.expect_death=1
	when ktexec 'exit 7'
	boot
	assert_order 'ktsend exec-exit 7' 'ktsend exit 208'
	assert_did_not '^ktsend lifecycle scheduler-died'
	assert_exit 208
}

test_without_a_payload_an_expected_death_is_waited_for() {
	cmdline ktbox.expect_death=1
	rm root/payload
	when ktexitmon 'trap "" TERM; ktlatch set sched_attached; a_moment
		note dies; ktlatch set sched_exited; exit 1'
	boot
	assert_order 'ktsend scenario-start' 'dies' 'ktsend lifecycle scheduler-died ' 'ktsend exit 0'
	assert_exit 0
}

test_without_a_payload_the_wait_for_an_expected_death_has_a_bound() {
	bounds DEATH_SECONDS=1
	cmdline ktbox.expect_death=1
	rm root/payload
	boot
	assert_did_not '^ktsend lifecycle scheduler-died'
	assert_exit 208
}

test_a_death_that_is_seen_together_with_the_payloads_end_is_reported() {
	when ktexec 'ktlatch set payload_runs; ktlatch wait sched_exited; exit 0'
	dying_scheduler
	note_latch_calls 'case $* in
		"wait -a"*payload_ended*) "$KTBOX_ROOT/tools/ktlatch" wait payload_ended sched_exited ;;
		esac'
	boot
	assert_order 'ktsend lifecycle scheduler-died ' 'ktsend scenario-end ' 'ktsend exit 202'
	assert_times 1 '^ktsend lifecycle scheduler-died '
	assert_exit 202
}

test_an_ejection_that_is_seen_together_with_the_payloads_end_is_a_death() {
	when ktexec 'ktlatch set payload_runs; ktlatch wait sched_ejected; exit 0'
	when ktexitmon 'ktlatch set sched_attached; ktlatch wait payload_runs; ktlatch set sched_ejected; stay'
	note_latch_calls 'case $* in
		"wait -a"*payload_ended*) "$KTBOX_ROOT/tools/ktlatch" wait payload_ended sched_ejected ;;
		esac'
	boot
	assert_order 'ktsend lifecycle scheduler-died ' 'ktsend scenario-end ' 'ktsend exit 202'
	assert_times 1 '^ktsend lifecycle scheduler-died '
	assert_exit 202
}

test_a_death_after_the_payloads_end_that_ktexitmon_has_reported_is_in_the_exit_code() {
	when ktexitmon 'on_term() { ktlatch set sched_exited; note ktexitmon has sent all; exit 1; }
		ktlatch set sched_attached; stay'
	boot
	assert_order 'ktsend exec-exit 0' 'ktexitmon has sent all' 'ktsend exit '
	assert_did_not '^ktsend sched-state'
	assert_exit 202
}

test_an_ejection_after_the_payloads_end_is_in_the_exit_code() {
	when ktexitmon 'on_term() { ktlatch set sched_ejected; exit 0; }
		ktlatch set sched_attached; stay'
	boot
	assert_order 'ktsend exec-exit 0' 'ktsend lifecycle scheduler-died ' 'ktsend sched-state stopped code=0' 'ktsend exit 202'
	assert_exit 202
}

detached='ktlatch set sched_attached; ktlatch wait payload_runs; ktlatch set sched_detached'

test_a_scheduler_that_was_ejected_and_lingers_is_dead() {
	bounds RESTART_SECONDS=3
	endless_payload
	when ktexitmon "$detached; ktlatch wait -t 2 vm_off; note two seconds later; stay"
	boot
	assert_order 'two seconds later' 'ktsend lifecycle scheduler-died ' 'ktexec got TERM' 'ktexitmon got TERM' \
		'ktsend sched-state stopped code=0' 'ktsend exit 202'
	assert_exit 202
}

test_a_scheduler_that_was_ejected_and_then_ends_is_dead() {
	endless_payload
	when ktexitmon "trap '' TERM; $detached; a_moment; ktlatch set sched_exited; exit 1"
	boot
	assert_order 'ktsend lifecycle scheduler-died ' 'ktexec got TERM' 'ktsend exit 202'
	assert_times 1 '^ktsend lifecycle scheduler-died '
	assert_exit 202
}

# The payload's time is its own, and the figures are of that time.
test_a_payload_that_ends_before_a_restart_is_told_of_at_once() {
	bounds RESTART_SECONDS=2
	cmdline ktbox.stats=windows
	when ktexec 'ktlatch set payload_runs; ktlatch wait detach_told; a_moment; exit 7'
	when ktexitmon "$detached; ktlatch set detach_told; ktlatch wait -t 2 vm_off; stay"
	boot
	assert_order 'ktsend scenario-end ' 'ktwatch got TERM' 'ktsend lifecycle scheduler-died ' 'ktsend exec-exit 7' 'ktsend exit 202'
	assert_exit 202
}

test_a_payload_that_ends_before_a_restart_does_not_end_the_wait_for_it() {
	bounds RESTART_SECONDS=2
	when ktexec 'ktlatch set payload_runs; ktlatch wait detach_told; a_moment; exit 7'
	when ktexitmon "$detached; ktlatch set detach_told; ktlatch wait -t 1 vm_off; sysfs_attached
		ktlatch set sched_attached; stay"
	boot
	assert_order 'ktsend scenario-end ' 'ktsend exec-exit 7' 'ktsend sched-state stopped code=0'
	assert_did_not '^ktsend lifecycle scheduler-died'
	assert_exit 7
}

test_a_scheduler_that_attaches_again_goes_on() {
	bounds RESTART_SECONDS=1
	when ktexec 'ktlatch set payload_runs; ktlatch wait again; ktlatch wait -t 1.3 never_set
		note payload is done; exit 7'
	when ktexitmon "$detached; a_moment; sysfs_attached; ktlatch reset sched_detached
		ktlatch set sched_attached; ktlatch set again; stay"
	boot
	assert_did 'payload is done'
	assert_did_not '^ktsend lifecycle scheduler-died|^ktexec got TERM'
	assert_exit 7
}

test_a_restart_has_as_much_time_as_the_first_attach() {
	when ktexec 'ktlatch set payload_runs; ktlatch wait again; note payload is done; exit 7'
	when ktexitmon "$detached; ktlatch wait -t 5 never_set; sysfs_attached; ktlatch reset sched_detached
		ktlatch set sched_attached; ktlatch set again; stay"
	boot
	assert_did 'payload is done'
	assert_did_not '^ktsend lifecycle scheduler-died|^ktexec got TERM'
	assert_exit 7
}

# The clock stands still but for what the stub adds: 20 s for the first load.
test_a_restart_has_a_multiple_of_the_time_of_a_slow_first_attach() {
	cmdline ktbox.attach_timeout=1
	when ktexec 'ktlatch set payload_runs; ktlatch wait again; note payload is done; exit 7'
	when ktexitmon "echo 30.09 40.00 >\"\$KTBOX_ROOT/proc/uptime\"; $detached; ktlatch wait -t 5 never_set
		sysfs_attached; ktlatch reset sched_detached; ktlatch set sched_attached; ktlatch set again; stay"
	boot
	assert_did 'payload is done'
	assert_did_not '^ktsend lifecycle scheduler-died'
	assert_exit 7
}

test_a_scheduler_that_attaches_again_and_then_dies_is_dead() {
	endless_payload
	when ktexitmon "trap '' TERM; $detached; a_moment; sysfs_attached; ktlatch reset sched_detached
		ktlatch set sched_attached; a_moment; note second death; ktlatch set sched_exited; exit 1"
	boot
	assert_order 'second death' 'ktsend lifecycle scheduler-died ' 'ktexec got TERM'
	assert_times 1 '^ktsend lifecycle scheduler-died '
	assert_exit 202
}

test_init_does_not_spin_on_a_detach_that_is_reported_while_the_scheduler_is_attached() {
	note_latch_calls
	when ktexec 'ktlatch set payload_runs; ktlatch wait detach_told; a_moment; a_moment; exit 7'
	# /init resets sched_detached, so the payload waits for a latch that it leaves alone
	when ktexitmon "ktlatch set sched_attached; ktlatch wait payload_runs
		sysfs_attached; ktlatch set sched_detached; ktlatch set detach_told; stay"
	boot
	for shell in $BOOT_SHELLS; do
		calls=$(grep -c '^wait -a ' "$shell/latch_calls")
		assertTrue "$calls waits of /init under $shell" "[ $calls -le 10 ]"
	done
	assert_exit 7
}

test_a_scheduler_ejected_before_the_payload_that_attaches_again_gets_its_payload() {
	when ktexitmon 'ktlatch set sched_detached; a_moment; sysfs_attached; ktlatch reset sched_detached
		ktlatch set sched_attached; stay'
	boot
	assert_did_not '^ktsend lifecycle scheduler-'
	assert_did 'ktexec /payload'
	assert_exit 0
}

# ktexitmon is killed behind TEXT, and its scheduler lives on, in a process group of its own.
killed_monitor() { # TEXT
	# shellcheck disable=SC2016
	echo 'trap "echo the scheduler got TERM >>$KTBOX_ROOT/journal; exit" TERM
		ktlatch set lives_on; ktlatch wait vm_off & wait $!' >root/behave/lives_on
	when ktexitmon 'case "$*" in *" -P "*) stay ;; esac
		"$KT_BUSYBOX" setsid sh "$KTBOX_ROOT/behave/lives_on" &
		echo $! >"$KT_RUN_DIR/sched.pid"; ktlatch wait lives_on; '"$1"'; kill -KILL $$'
}

test_a_ktexitmon_that_is_killed_before_the_attach_is_noticed_at_once() {
	bounds ORPHAN_SECONDS=1
	boot_ceiling 15 # half of the bound of an attach
	killed_monitor :
	boot
	assert_order 'ktsend init-error scheduler: ktexitmon ended before the scheduler, with status 137' 'the scheduler got TERM' \
		'ktsend exit 209'
	assert_did_not '^ktexec|^ktsend lifecycle scheduler-|^ktsend sched-state'
	assert_exit 209
}

test_a_ktexitmon_that_is_killed_under_the_payload_ends_the_run() {
	bounds ORPHAN_SECONDS=1
	boot_ceiling 15
	endless_payload
	killed_monitor 'ktlatch set sched_attached; ktlatch wait payload_runs'
	boot
	assert_order 'ktsend init-error scheduler: ktexitmon' 'the scheduler got TERM' 'ktexec got TERM' 'ktsend exit 209'
	assert_exit 209
}

test_a_ktexitmon_that_is_killed_at_teardown_leaves_no_scheduler() {
	killed_monitor 'on_term() { kill -KILL $$; }; ktlatch set sched_attached; stay'
	boot
	assert_order 'ktsend exec-exit 0' 'the scheduler got TERM' 'ktsend init-error teardown: ktexitmon' \
		'ktsend sched-state stopped code=137' 'ktsend exit 209'
	assert_exit 209
}

# all_killed TEXT: after TEXT, ktexitmon and its scheduler are killed together; another ktexitmon finds out.
all_killed() {
	when ktexitmon 'case "$*" in
		*" -P "*) trap "" TERM; note second; ktlatch set sched_exited; ktlatch wait death_sent; note told; exit 137 ;;
		esac
		echo 123456789 >"$KT_RUN_DIR/sched.pid"; ktlatch set sched_attached; '"$1"'; kill -KILL $$'
}

test_a_scheduler_that_is_killed_together_with_ktexitmon_has_died() { # kill -9 -1
	boot_ceiling 15
	endless_payload
	all_killed 'ktlatch wait payload_runs'
	boot
	assert_order 'ktexitmon -l /tmp/sched.log -P 123456789' 'second' \
		'ktsend lifecycle scheduler-died it ended, and ktexitmon with it' 'told' 'ktexec got TERM' 'ktsend exit 202'
	assert_did_not '^ktsend init-error|^ktsend sched-state stopped'
	assert_exit 202
}

test_a_scheduler_that_was_killed_together_with_ktexitmon_is_no_bad_exit_at_teardown() {
	when ktexec 'ktlatch wait sched_attached; ktlatch set payload_ended; ktlatch wait -t 1 never; exit 0'
	all_killed 'ktlatch wait payload_ended'
	boot
	assert_order 'second' 'ktsend lifecycle scheduler-died ' 'ktsend exit 202'
	assert_times 1 '^ktsend lifecycle scheduler-died '
	assert_did_not '^ktsend sched-state stopped'
	assert_exit 202
}

test_a_ktexitmon_that_cannot_start_is_named() {
	boot_ceiling 15
	when ktexitmon 'exit 1'
	boot
	assert_order 'ktsend init-error scheduler: ktexitmon ended before the scheduler, with status 1' 'ktsend exit 209'
	assert_exit 209
}

. shunit2

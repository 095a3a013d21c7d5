#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Every way in which the demo scheduler ends on a real kernel, and the truth about each: verdict, codes,
# log, dump.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

# ends_badly NAME LINE: a scheduler that answers TERM with LINE. The demo, its child, ends in order.
ends_badly() {
	printf '#!/bin/sh\n%s\nscx_demo &\nwait $!\n%s\n' "$2" "$3" >"$FILES/$1"
	chmod +x "$FILES/$1"
	vm "$1" -s "$FILES/$1" -i "$DEMO" -- true
}

oneTimeSetUp() {
	# shellcheck disable=SC2016  # for the guest's shell
	ends_badly crashes 'trap "kill -SEGV $$" TERM' 'wait'
	ends_badly ignores 'trap "" TERM' 'while :; do sleep 600; done'
	# shellcheck disable=SC2016  # for the guest's shell
	vm killed -s "$DEMO" -- sh -c 'kill -KILL "$(cat /run/kt/sched.pid)"; sleep 600'
	# its last act: the scheduler may still be there when teardown asks it to end
	vm last_act -s "$DEMO" -- sh -c 'killall -KILL scx_demo; exit 5'
	# the same where a script's child is attached, and the kernel takes its time to eject it
	printf '#!/bin/sh\nscx_demo "$@"\n' >"$FILES/parent"
	chmod +x "$FILES/parent"
	vm childs_last -s "$FILES/parent" -i "$DEMO" -a "--error-after $WHEN_TOLD" -- sh -c "$FAIL_NOW"
	vm expected_last -s "$DEMO" --expect-death -- sh -c 'killall -SEGV scx_demo; exit 0'
	vm error -s "$DEMO" -a "--error-after $WHEN_TOLD" -- sh -c "$FAIL_NOW; sleep 600"
	# shellcheck disable=SC2016  # for the guest's shell
	vm expected -s "$DEMO" -a "--error-after 300" --expect-death='deliberate error.*kind 1025' \
		-- sh -c 'ktlatch wait -t 60 sched_exited; echo "waited: $?, $(cat /sys/kernel/sched_ext/state)"'
	vm wrong_death -s "$DEMO" -a "--exit-after 300 42" --expect-death='deliberate error' -- ktlatch wait -t 60 sched_exited
	vm survived -s "$DEMO" --expect-death -- true
	vm stall -s "$DEMO" -a "--stall-after $WHEN_TOLD" -- sh -c "$FAIL_NOW; while :; do :; done"
	vm exits -s "$DEMO" -a "--exit-after $WHEN_TOLD 42" -- sh -c "$FAIL_NOW; sleep 600"
	vm segfault -s "$DEMO" -a "--segfault-after $WHEN_TOLD" -- sh -c "$FAIL_NOW; sleep 600"
	vm reject -s "$DEMO" -a "--reject" -- echo started
	vm unwatched -s "$DEMO" -- sh -c 'killall -KILL ktexitmon; sleep 600'
	vm linger -s "$DEMO" -a "--linger --error-after $WHEN_TOLD" -- sh -c "$FAIL_NOW; sleep 600"
}

# assert_whole_log LAST-LINE: one block, from the attach to the last word.
assert_whole_log() {
	assert_value sched_log_blocks 1
	assert_matches '^scx_demo: attached' "$art/sched.log"
	assertEquals "last line of the log" "$1" "$(tail -n 1 "$art/sched.log")"
	assert_same_bytes "$art/sched.log" "$art/sched-1.log"
}

# assert_payload_stopped: by TERM, and at once: it would have run for ten minutes.
assert_payload_stopped() {
	assert_value exec_exit_code 143
	assertTrue "payload ran $(value elapsed_ms) ms" "[ $(value elapsed_ms) -lt 60000 ]"
}

test_bpf_error_is_a_death_with_code_log_and_the_whole_dump() {
	look error
	assert_verdict sched-died 202
	assert_value scheduler_died true
	assert_value sched_exit_code 1
	assert_value_matches scheduler_end '^exited ms=[0-9]+ code=1$'
	assert_whole_log 'scx_demo: ejected by the kernel'
	assert_matches 'EXIT: kind 1025.*deliberate error' "$art/sched.log"
	assert_matches 'sched_ext_dump: .*triggered exit kind 1025' "$art/console.log"
	assert_dump_whole 1
	assert_payload_stopped
}

test_a_scheduler_that_crashes_when_it_is_asked_to_end_is_a_bad_exit() {
	look crashes
	assert_verdict sched-bad-exit 212
	assert_value_matches reason 'asked to end, ended by signal 11 \(SIGSEGV\)'
	assert_value exec_exit_code 0
	look ignores
	assert_verdict sched-bad-exit 212
	assert_value_matches reason 'only when it was killed'
}

test_a_scheduler_that_is_killed_has_the_signal_in_its_reason() {
	look killed
	assert_verdict sched-died 202
	assert_value_matches reason 'the scheduler died during the run: killed after .* by signal 9 \(SIGKILL\)'
}

test_a_scheduler_that_the_payload_kills_as_its_last_act_has_died() {
	look last_act
	assert_verdict sched-died 202
	assert_value_matches reason 'the scheduler died during the run: killed after .* by signal 9 \(SIGKILL\)'
	assert_value exec_exit_code 5
	assert_value sched_exit_code 137
	look expected_last
	assert_verdict pass 0
	assert_value scheduler_died true
	assert_value_matches scheduler_end '^killed ms=[0-9]+ signal=11 core=0$'
}

test_an_ejection_at_the_payload_s_end_is_seen_though_a_script_runs_the_scheduler() {
	look childs_last
	assert_verdict sched-died 202
	assert_value scheduler_died true
	assert_value_matches reason 'deliberate error'
	assert_dump_whole 1
}

test_what_matters_is_sent_before_the_sched_exit_frame() {
	look error
	decode "$art/bulk.bin" >frames
	assertEquals "frames of log and dump behind sched-exit" "" "$(sed '1,/^sched-exit/d' frames | grep -E '^(sched-log|sched-live|scx-dump)')"
	assertEquals "sched-exit frames" 1 "$(grep -c '^sched-exit' frames)"
	assertEquals "last frame" exit "$(types_in "$art/bulk.bin" | sed 's/.* //')"
}

test_the_summary_of_a_death_shows_the_end_of_log_and_dump() {
	look error
	assert_matches 'EXIT: kind 1025' "$err"
	assert_matches '^     Backtrace:' "$err"
	assert_no_match 'SCX_EV_SUB_BYPASS_DISPATCH: *0' "$err"
	look survived
	assert_no_match 'Backtrace:' "$err"
}

test_an_expected_death_passes_and_leaves_the_payload_running() {
	look expected
	assert_verdict pass 0
	assert_value scheduler_died true
	assert_value sched_exit_code 1
	assert_file_text 'waited: 0, disabled' "$art/stdout"
	assert_whole_log 'scx_demo: ejected by the kernel'
	assert_dump_whole 1
}

test_another_death_than_the_expected_one_is_wrong() {
	look wrong_death
	assert_verdict sched-died 202
	assert_value_matches reason "^the scheduler died, but not as --expect-death=deliberate error says: exited .* code 42"
	assert_value exec_exit_code 0
}

test_an_expected_death_that_does_not_come_is_wrong() {
	look survived
	assert_verdict sched-survived 208
	assert_value scheduler_died false
	assert_value exec_exit_code 0
	assert_dump_whole 0
}

test_a_stall_is_ended_by_the_watchdog_and_reported() {
	look stall
	assert_verdict sched-died 202
	assert_value sched_exit_code 1
	assert_matches 'EXIT: kind 1026' "$art/sched.log"
	assert_value_matches scheduler_ejected_reason '^runnable task stall: .* for [0-9.]+s'
	assert_matches 'sched_ext_dump: .*triggered exit kind 1026' "$art/console.log"
	assert_dump_whole 1
	assert_payload_stopped
}

test_an_exit_during_the_run_is_a_death_with_its_code() {
	look exits
	assert_verdict sched-died 202
	assert_value sched_exit_code 42
	assert_value_matches scheduler_end '^exited ms=[0-9]+ code=42$'
	assert_matches '^scx_demo: attached' "$art/sched.log"
	assert_dump_whole 0
	assert_payload_stopped
}

test_a_crash_of_the_scheduler_is_a_death_by_signal() {
	look segfault
	assert_verdict sched-died 202
	assert_value sched_exit_code 139
	assert_value_matches scheduler_end '^killed ms=[0-9]+ signal=11 core=0$'
	assert_payload_stopped
}

test_a_scheduler_that_the_verifier_refuses_failed_and_its_log_says_why() {
	look reject
	assert_verdict sched-failed 200
	assert_value scheduler_attached false
	assert_value scheduler_died true
	assert_value sched_exit_code 1
	assert_value payload_started false
	assert_empty "$art/stdout"
	assert_matches 'processed [0-9]+ insns' "$art/sched.log"
	assert_value_matches reason 'exited after .* with code 1: the verifier: R[0-9] .*'
	assert_dump_whole 0
}

test_a_scheduler_that_stays_alive_after_the_kernel_has_ejected_it_is_dead() {
	look linger
	assert_verdict sched-died 202
	assert_value scheduler_died true
	assert_matches 'EXIT: kind 1025' "$art/sched.log"
	assert_value sched_log_blocks 1
	assert_dump_whole 1
	assert_payload_stopped
}

test_a_ktexitmon_that_is_killed_ends_the_run_and_its_scheduler() {
	look unwatched
	assert_verdict init-failed 209
	assert_value init_error 'scheduler: ktexitmon ended before the scheduler, with status 137'
	assert_value scheduler_died false
	assert_matches 'signal 15: detach' "$art/sched.log"
	assert_value complete true
}

. shunit2

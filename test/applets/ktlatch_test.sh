#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktlatch: set, test, reset, wait for one, all or any; names; the folder; that waiting is woken by the event.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/unit.sh"

test_a_latch_is_unset_until_it_is_set_and_again_after_reset() {
	run_kt ktlatch test one
	assert_status 1
	assert_empty err
	run_kt ktlatch set one
	assert_status 0
	run_kt ktlatch test one
	assert_status 0
	run_kt ktlatch reset one
	assert_status 0
	run_kt ktlatch test one
	assert_status 1
}

test_set_and_reset_are_idempotent() {
	run_kt ktlatch set one
	run_kt ktlatch set one
	assert_status 0
	assert_latch one
	run_kt ktlatch reset one
	run_kt ktlatch reset one
	assert_status 0
	assert_no_latch one
}

test_one_latch_is_not_another() {
	kt ktlatch set one
	assert_no_latch on
	assert_no_latch one1
	kt ktlatch reset two
	assert_latch one
}

test_names_are_lower_case_letters_digits_dash_underscore() {
	for name in a 0 sched_log_owned a-b _ abcdefghijklmnopqrstuvwxyz0123456789; do
		run_kt ktlatch set "$name"
		assertEquals "set $name" 0 "$status"
	done
	assert_latch a-b
}

test_other_names_are_refused_and_leave_nothing() {
	for name in '' . .. a/b ../x /x A a.b 'a b' 'a
b' é a.; do
		for verb in set test reset wait; do
			run_kt ktlatch $verb "$name"
			assertEquals "$verb '$name': error" 1 "$((status == 1))"
			assert_matches '^ktlatch: ' err
		done
	done
	assertEquals "files" "" "$(find run -mindepth 1; find . -maxdepth 1 -name x; find / -maxdepth 1 -name x)"
}

test_wait_returns_at_once_when_already_set() {
	kt ktlatch set one
	run_kt ktlatch wait one
	assert_status 0
	assert_empty out
	run_kt ktlatch wait -t 0 one
	assert_status 0
}

test_wait_ends_with_124_when_the_time_is_over() {
	run_kt ktlatch wait -t 0.1 one
	assert_status 124
	run_kt ktlatch wait -t 0 one
	assert_status 124
	run_kt ktlatch wait -a -t 0.1 one two
	assert_status 124
	assert_empty out
}

test_wait_lasts_as_long_as_it_says() {
	start=$(date +%s%N)
	run_kt ktlatch wait -t 0.5 one
	took=$((($(date +%s%N) - start) / 1000000))
	assert_status 124
	assertTrue "it took $took ms" "[ $took -ge 500 -a $took -lt 5000 ]"
}

test_wait_wants_a_time_that_is_a_number() {
	for time in x '' -1 1x; do
		run_kt ktlatch wait -t "$time" one
		assertEquals "wait -t '$time': error" 1 "$((status != 0 && status != 124))"
	done
}

test_wait_ends_when_the_latch_is_set() {
	"$KT_BUSYBOX" ktlatch wait -t "$KT_CEILING" one &
	pid=$!
	a_moment
	kt ktlatch set one
	end_of $pid
	assertEquals "status" 0 "$status"
}

test_wait_without_a_time_ends_when_the_latch_is_set() {
	"$KT_BUSYBOX" ktlatch wait one &
	pid=$!
	a_moment
	assertTrue "it waits" "kill -0 $pid"
	kt ktlatch set one
	end_of $pid
	assertEquals "status" 0 "$status"
}

test_wait_is_for_all_names() {
	kt ktlatch set two
	run_kt ktlatch wait -t 0.1 one two
	assert_status 124
	"$KT_BUSYBOX" ktlatch wait -t "$KT_CEILING" one two three &
	pid=$!
	kt ktlatch set one
	a_moment
	assertTrue "it still waits for three" "kill -0 $pid"
	kt ktlatch set three
	end_of $pid
	assertEquals "status" 0 "$status"
}

test_wait_for_any_prints_the_first_that_is_set() {
	kt ktlatch set two
	kt ktlatch set three
	run_kt ktlatch wait -a one three two
	assert_status 0
	assert_file_text three out
	"$KT_BUSYBOX" ktlatch wait -a -t "$KT_CEILING" four five >any &
	pid=$!
	a_moment
	kt ktlatch set five
	end_of $pid
	assertEquals "status" 0 "$status"
	assert_file_text five any
}

test_wait_i_tells_the_first_that_is_set_by_its_status() {
	kt ktlatch set two
	run_kt ktlatch wait -a -i one two
	assert_status 11
	assert_empty out
	run_kt ktlatch wait -a -i two one
	assert_status 10
	run_kt ktlatch wait -a -t 0.1 -i one
	assert_status 124
	run_kt ktlatch wait -i two
	assert_status 1
}

test_many_waiters_are_all_woken() {
	waiters=
	for n in 1 2 3 4 5 6 7 8; do
		"$KT_BUSYBOX" ktlatch wait -t "$KT_CEILING" one &
		waiters="$waiters $!"
	done
	kt ktlatch set one
	for pid in $waiters; do
		wait "$pid"
		assertEquals "waiter $pid" 0 $?
	done
}

test_no_set_is_missed_however_close_it_comes() {
	count=0
	while [ $count -lt 100 ]; do
		"$KT_BUSYBOX" ktlatch wait -t "$KT_CEILING" "n$count" &
		pid=$!
		kt ktlatch set "n$count"
		wait $pid || fail "set number $count was missed"
		count=$((count + 1))
	done
	assertEquals 100 $count
}

test_waiting_does_not_wake_by_itself() {
	"$KT_BUSYBOX" ktlatch wait one &
	pid=$!
	a_moment
	assert_sleeps "$pid"
	kt ktlatch set one
	end_of $pid
	assertEquals "status" 0 "$status"
}

test_the_folder_is_made() {
	KT_RUN_DIR=$PWD/not/there run_kt ktlatch set one
	if [ "$status" != 0 ]; then # one level is what /run/kt needs
		KT_RUN_DIR=$PWD/there run_kt ktlatch set one
	fi
	assert_status 0
}

test_waiting_before_the_folder_is_there() {
	KT_RUN_DIR=$PWD/later
	"$KT_BUSYBOX" ktlatch wait -t "$KT_CEILING" one &
	pid=$!
	a_moment
	kt ktlatch set one
	wait $pid
	assertEquals "status" 0 $?
	KT_RUN_DIR=$PWD/run
}

test_a_folder_that_cannot_be_is_an_error() {
	: >file
	KT_RUN_DIR=$PWD/file/run run_kt ktlatch set one
	assert_error ktlatch
	KT_RUN_DIR=$PWD/file run_kt ktlatch set one
	assert_error ktlatch
}

test_usage_errors_are_errors() {
	for words in '' set wait 'set one two' nonsense 'nonsense one' 'wait -t' '-Z set one'; do
		# shellcheck disable=SC2086
		run_kt ktlatch $words
		assertEquals "ktlatch $words: error" 1 "$((status != 0 && status != 124))"
	done
}

# a_process: in the background, to the end of ./life; its process id is $pid.
a_process() {
	mkfifo life
	cat life &
	pid=$!
}

test_waiting_ends_with_the_process_that_it_hangs_on() {
	a_process
	exec 3>life
	"$KT_BUSYBOX" ktlatch wait -p $pid never_set 2>err 3>&- &
	waiter=$!
	a_moment
	assertTrue "it waits while the process lives" "kill -0 $waiter"
	exec 3>&-
	end_of $waiter
	assert_status 125
	assert_empty err
}

test_a_latch_that_is_set_counts_although_the_process_has_ended() {
	true &
	wait $!
	run_kt ktlatch wait -a -p $! one two
	assert_status 125
	assert_file_text process.ended out
	kt ktlatch set two
	run_kt ktlatch wait -a -p $! one two
	assert_status 0
	assert_file_text two out
}

test_a_latch_that_is_set_together_with_the_end_of_the_process_counts() {
	a_process
	exec 3>life
	"$KT_BUSYBOX" ktlatch wait -p $pid now 2>err 3>&- &
	waiter=$!
	a_moment # until it waits
	kill -STOP $waiter
	kt ktlatch set now
	exec 3>&-
	wait $pid
	kill -CONT $waiter
	end_of $waiter
	assert_status 0
}

test_a_zombie_has_ended() {
	mkfifo parent_in parent_out
	: >go
	"$KT_PYTHON" "$KT_TOP/test/tools/parent.py" keep true <parent_in >parent_out &
	parent=$!
	exec 3>parent_in
	read -r zombie <parent_out
	wait_until "grep -q '^State:.Z' /proc/$zombie/status"
	run_kt ktlatch wait -p "$zombie" never_set
	assert_status 125
	exec 3>&-
	wait "$parent"
}

test_the_time_is_over_though_the_process_lives() {
	a_process
	exec 3>life
	run_kt ktlatch wait -t 0.1 -p $pid never_set
	assert_status 124
	exec 3>&-
	wait $pid
}

test_without_a_latch_the_end_of_the_process_is_what_is_waited_for() {
	true &
	wait $!
	run_kt ktlatch wait -a -p $!
	assert_status 125
	run_kt ktlatch wait -a
	assert_status 1
}

. shunit2

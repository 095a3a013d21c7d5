#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktexitmon: how a scheduler's end is told, in which order, once; stop requests; processes of others; the
# commit point.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/unit.sh"

setUp() {
	mkfifo go ready
	exec 6<>ready # held open, so that no line is lost between two reads
}

tearDown() {
	exec 6>&-
}

# start PROG ARG...: watches it in the background; mon is ktexitmon's process id.
start() {
	"$KT_BUSYBOX" ktexitmon -p port -l log "$@" 2>err &
	mon=$!
}

# scheduler_is_ready: waits for the scheduler's line on the fifo "ready"; leaves it in $ready.
scheduler_is_ready() {
	read -r ready <&6
}

# monitor_sleeps: waits until it waits for events. Its probe's process may end first, which is one: without a permission
# for perf events.
monitor_sleeps() {
	wait_until "probe=\$(pgrep -P $mon | grep -vxF $ready); [ -z \"\$probe\" ] ||
		readlink /proc/\$probe/fd/0 | grep -qF perf_event"
	wait_until "grep -q '^State:.S' /proc/$mon/status"
}

# monitor_ends STATUS
monitor_ends() {
	end_of "$mon"
	assertEquals "status of ktexitmon: $(cat err)" "$1" "$status"
}

# exit_frames: the codes of the sched-exit frames in port.
exit_frames() {
	decode port | sed -n 's/^sched-exit 4 //p'
}

assert_reported() { # CODE: an unexpected end, told whole and in order
	assert_latch sched_exited
	assertEquals "sched-exit frames" "$1" "$(exit_frames)"
	assertEquals "the last frames: $(types_in port)" "sched-exit sched-state" \
		"$(types_in port | sed 's/ mark / /g; s/.* \([^ ]* [^ ]*\)$/\1/')"
}

assert_not_reported() {
	assertEquals "sched-exit frames" "" "$([ ! -e port ] || exit_frames)"
	assertEquals "log frames" "" "$([ ! -e port ] || decode port | grep sched-log)"
	assert_no_latch sched_exited
	assert_no_latch sched_log_owned
}

test_an_exit_is_reported_with_its_status_and_log() {
	run_kt ktexitmon -p port -l log sh -c 'echo to stdout; echo to stderr >&2; exit 7'
	assert_status 7
	assert_reported 7
	assert_file_text 'to stdout
to stderr' log
	payload sched-log port >block
	assert_file_text '===SCHED_OUTPUT_START===to stdout
to stderr
===SCHED_OUTPUT_END===' block
}

test_an_exit_with_0_is_unexpected_too() {
	run_kt ktexitmon -p port -l log true
	assert_status 0
	assert_reported 0
}

test_a_signal_is_128_and_its_number() {
	for pair in KILL:137 SEGV:139 TERM:143; do
		rm -f port run/*
		# shellcheck disable=SC2016
		run_kt ktexitmon -p port -l log sh -c 'kill -$0 $$' ${pair%:*}
		assert_status ${pair#*:}
		assert_reported ${pair#*:}
	done
}

test_how_it_ended_stands_in_a_sched_state_frame() {
	run_kt ktexitmon -p port -l log sh -c 'exit 7'
	assert_matches '^sched-state [0-9]+ exited ms=[0-9]+ code=7$' "$(decode port >said; echo said)"
	rm port run/*
	# shellcheck disable=SC2016
	run_kt ktexitmon -p port -l log sh -c 'kill -SEGV $$'
	assert_matches '^sched-state [0-9]+ killed ms=[0-9]+ signal=11 core=[01]$' "$(decode port >said; echo said)"
}

test_what_cannot_be_run_is_127_or_126() {
	run_kt ktexitmon -p port -l log ./missing
	assert_status 127
	assert_reported 127
	assert_matches 'missing.*No such file' "$(cat err log >both; echo both)"
	rm port run/*
	: >plain
	run_kt ktexitmon -p port -l log ./plain
	assert_status 126
	assert_reported 126
}

test_the_log_is_truncated_at_the_start() {
	text 1000 >log
	run_kt ktexitmon -p port -l log echo new
	assert_file_text new log
}

test_a_binary_log_is_sent_verbatim() {
	bytes 300000 >data
	run_kt ktexitmon -p port -l log cat data
	{ printf '===SCHED_OUTPUT_START===' && cat data && printf '===SCHED_OUTPUT_END==='; } >expected
	payload sched-log port >block
	assert_same_bytes expected block
}

test_a_log_that_cannot_be_made_is_an_error() {
	run_kt ktexitmon -p port -l no/such/log true
	assert_error ktexitmon
}

test_arguments_are_the_programs_own() {
	run_kt ktexitmon -p port -l log printf '%s|' -l -x 'a b' ''
	assert_file_text '-l|-x|a b||' log
}

test_the_process_id_is_in_the_run_folder() {
	# shellcheck disable=SC2016
	start sh -c 'echo $$ >ready; read -r x <go'
	scheduler_is_ready
	assertEquals "$ready" "$(cat run/sched.pid)"
	: >go
	monitor_ends 1
}

test_the_log_is_sent_once() {
	kt ktlatch set sched_log_owned
	run_kt ktexitmon -p port -l log sh -c 'echo text; exit 1'
	assert_reported 1
	assertEquals "log frames" "" "$(decode port | grep sched-log)"
}

test_the_sender_of_the_log_sets_the_latch() {
	run_kt ktexitmon -p port -l log echo text
	assert_latch sched_log_owned
}

# open_dump: ktpipe runs, and has read the start of a dump; fd 3 is its trace.
open_dump() {
	mkfifo trace
	: >enable
	"$KT_BUSYBOX" ktpipe -i trace -e enable -o console 2>pipe.err &
	pipe=$!
	: >console
	exec 3>trace
	echo 'init-1 [001] 4.6: sched_ext_dump: demo: root' >&3
	wait_latch dump_started
}

end_dump() {
	printf 'init-1 [001] 4.6: sched_ext_dump: %s\n' 'Event counters' 'SCX_EV_SUB_BYPASS_DISPATCH: 0' >&3
}

end_ktpipe() {
	exec 3>&-
	wait "$pipe"
}

test_an_open_dump_is_awaited_between_log_and_exit() {
	open_dump
	start sh -c 'exit 5'
	wait_latch sched_log_owned
	a_moment
	assertEquals "frames before the dump's end" "" "$(exit_frames)"
	end_dump
	monitor_ends 5
	assert_reported 5
	assert_latch dump_complete
	end_ktpipe
}

test_a_dump_that_never_ends_is_given_up() {
	open_dump
	start sh -c 'exit 5'
	monitor_ends 5
	assert_reported 5
	assert_no_latch dump_complete
	end_ktpipe
}

test_the_lifecycle_frame_of_init_comes_before_sched_exit() {
	kt ktlatch set init_watches
	start sh -c 'exit 5'
	wait_latch sched_exited
	a_moment
	assertEquals "frames before the lifecycle frame" "" "$(exit_frames)"
	kt ktsend -p port lifecycle scheduler-died "it ended"
	kt ktlatch set death_sent
	monitor_ends 5
	assert_reported 5
	types_in port >types
	assert_matches 'lifecycle.* sched-exit sched-state$' types
}

test_a_lifecycle_frame_that_never_comes_is_given_up() {
	kt ktlatch set init_watches
	run_kt ktexitmon -p port -l log sh -c 'exit 5'
	assert_status 5
	assert_reported 5
}

test_the_latch_for_no_log_counts_when_it_is_set_during_the_run() {
	start sh -c 'echo a log; echo >ready; read -r x <go; exit 5'
	scheduler_is_ready
	kt ktlatch set sched_log_owned
	echo >go
	monitor_ends 5
	assert_reported 5
	assertEquals "log frames" "" "$(decode port | grep sched-log)"
}

test_a_scheduler_that_goes_into_the_background_has_not_ended() {
	start sh -c '{ echo in the background; echo >ready; read -r x <go; exit 5; } & exit 0'
	scheduler_is_ready
	wait_until 'grep -q background port'
	assert_no_latch sched_exited
	assertTrue "sched.pid is the child's" "[ \"\$(cat run/sched.pid)\" != '' ] && kill -0 \"\$(cat run/sched.pid)\""
	echo >go
	monitor_ends 5
	assert_reported 5
	assert_file_text 'in the background' log
	payload sched-state port >state
	assert_matches '^background ms=[0-9]+ pid=[0-9]+exited ms=[0-9]+ code=5$' state
}

test_term_ends_a_scheduler_in_the_background_too() {
	start sh -c 'setsid sh -c "echo >ready; exec sleep 600" & exit 0'
	scheduler_is_ready
	wait_until 'grep -q background port'
	kill -TERM "$mon"
	monitor_ends 143
	assert_not_reported
}

test_a_scheduler_that_leaves_a_child_and_an_error_has_ended() {
	start sh -c 'sleep 600 & echo $! >left; exit 3'
	monitor_ends 3
	kill "$(cat left)"
	assert_reported 3
}

test_without_ktpipe_no_dump_is_awaited() {
	kt ktlatch set dump_started
	run_kt ktexitmon -p port -l log sh -c 'exit 5'
	assert_status 5
	assert_reported 5
	assert_empty err # it would say that the dump did not come
}

test_term_before_the_end_reports_nothing_and_returns_the_status() {
	start sh -c 'trap "exit 5" TERM; echo >ready; while :; do read -r x <go; done'
	scheduler_is_ready
	kill -TERM $mon
	monitor_ends 5
	assert_not_reported
}

test_term_before_the_end_by_signal_is_143() {
	start sh -c 'echo >ready; exec cat go'
	scheduler_is_ready
	kill -TERM $mon
	monitor_ends 143
	assert_not_reported
}

test_a_program_that_ignores_term_is_killed() {
	export KT_MARKS=1
	start sh -c 'trap "" TERM; echo >ready; exec cat go'
	unset KT_MARKS
	scheduler_is_ready
	kill -TERM $mon
	monitor_ends 137
	assert_not_reported
	decode port >frames
	assert_matches '^mark [0-9]+ [0-9]+ scheduler-kill$' frames
}

test_what_a_script_left_behind_ends_with_it() {
	# shellcheck disable=SC2016
	start sh -c 'trap "exit 0" TERM; sh -c "trap \"\" TERM; echo \$\$ >ready; exec cat go" & wait'
	scheduler_is_ready
	kill -TERM $mon
	monitor_ends 0
	run_kt ktlatch wait -t 5 -p "$ready" never_set
	assert_status 125
	[ "$status" = 125 ] || kill -KILL "$ready"
}

test_a_scheduler_that_had_ended_when_term_came_has_died() {
	# shellcheck disable=SC2016
	start sh -c 'echo $$ >ready; exec cat go'
	scheduler_is_ready
	monitor_sleeps
	kill -STOP $mon
	kill -KILL "$ready"
	wait_until "grep -q '^State:.Z' /proc/$ready/status"
	kill -TERM $mon
	kill -CONT $mon
	monitor_ends 137
	assert_reported 137
}

# It is stopped, so that the signal waits for it, as it does where the process has no CPU yet.
test_a_scheduler_that_was_killed_when_term_came_has_died() {
	# shellcheck disable=SC2016
	start sh -c 'echo $$ >ready; exec cat go'
	scheduler_is_ready
	monitor_sleeps
	kill -STOP "$ready"
	wait_until "grep -q '^State:.T' /proc/$ready/status"
	kill -SEGV "$ready"
	kill -TERM $mon
	wait_until "grep -q '^ShdPnd:.0*$' /proc/$mon/status"
	monitor_sleeps
	kill -CONT "$ready"
	monitor_ends 139
	assert_reported 139
}

# A signal that a scheduler handles or ignores, or that ends nobody, does not end it: it is asked to end at once.
test_other_signals_are_no_death() {
	# shellcheck disable=SC2016
	start sh -c 'trap "" HUP; trap : USR1; trap "exit 4" TERM; echo $$ >ready; sleep 2 & wait; wait; exit 9'
	scheduler_is_ready
	monitor_sleeps
	kill -STOP "$ready"
	wait_until "grep -q '^State:.T' /proc/$ready/status"
	kill -HUP "$ready"
	kill -USR1 "$ready"
	kill -WINCH "$ready"
	kill -TERM $mon
	kill -CONT "$ready"
	monitor_ends 4
	assert_not_reported
}

test_term_after_the_commit_point_changes_nothing() {
	open_dump
	start sh -c 'echo text; exit 5'
	wait_latch sched_exited
	kill -TERM $mon
	a_moment
	end_dump
	monitor_ends 5
	assert_reported 5
	payload sched-log port >block
	assert_file_text '===SCHED_OUTPUT_START===text
===SCHED_OUTPUT_END===' block
	end_ktpipe
}

test_term_and_death_at_the_same_instant_never_both_never_neither() {
	"$KT_PYTHON" "$KT_TOP/test/tools/stop_race.py" "$KT_BUSYBOX" 200 >said 2>&1
	assertEquals "violations" "" "$(grep -v 'stopped, ' said | sort | uniq -c | head -n 5)"
	assert_matches '^[1-9][0-9]* stopped, [1-9][0-9]* sent$' said # both sides of the race were met
}

# start_parent HOW [SH]: a parent of sh, which exits 42 when "go" is closed; its child is $child. fd 3 ends the
# parent.
start_parent() {
	rm -f go
	mkfifo go parent_in parent_out
	exec 5<>go
	"$KT_PYTHON" "$KT_TOP/test/tools/parent.py" "$1" "${2:-sh}" -c 'read -r x; exit 42' <parent_in >parent_out 5>&- &
	parent=$!
	exec 3>parent_in
	read -r child <parent_out
}

end_parent() {
	exec 3>&-
	wait "$parent"
}

# watch PID: ktexitmon -P, until it has its port and looks at the process. A fifo for the port tells the
# first.
watch() {
	"$KT_BUSYBOX" ktexitmon -p port -l log -P "$1" 2>err 3>&- 5>&- &
	mon=$!
	wait_until "ls -l /proc/$mon/fd 2>/dev/null | grep -q pidfd"
}

test_a_zombie_that_its_parent_does_not_reap() {
	start_parent keep
	watch "$child"
	echo >&5
	end_of $mon
	exec 5>&-
	assert_reported 42
	end_parent
}

test_a_zombie_whose_name_looks_like_the_fields_after_it() {
	ln -s "$(command -v sh)" 'a) S (1'
	start_parent keep "$PWD/a) S (1"
	watch "$child"
	echo >&5
	end_of $mon
	exec 5>&-
	assert_reported 42
	end_parent
}

# has_pidfd_info: this kernel can tell the status of a reaped process (6.15).
has_pidfd_info() {
	printf '%s\n6.15\n' "$(uname -r | sed 's/[^0-9.].*//')" | sort -V | head -n 1 | grep -qx 6.15
}

test_a_process_that_its_parent_reaps_at_once() {
	start_parent reap
	watch "$child"
	echo >&5
	end_of $mon
	exec 5>&-
	if has_pidfd_info; then assert_reported 42; else assert_reported 1; fi
	end_parent
}

test_a_child_that_was_a_zombie_at_the_start() {
	start_parent keep
	echo >&5
	wait_until "grep -q '^State:.Z' /proc/$child/status"
	run_kt ktexitmon -p port -l log -P "$child"
	exec 5>&-
	assert_reported 42
	end_parent
}

test_a_process_that_is_gone_at_the_start_is_an_exit() {
	true &
	gone=$!
	wait $gone
	run_kt ktexitmon -p port -l log -P $gone
	assertNotEquals "killed by the ceiling" 124 "$status"
	assert_reported 1
	assertEquals 'when it ended is unknown' 'exited code=unknown' "$(payload sched-state port)"
}

test_the_time_of_another_counts_from_its_start() {
	start_parent keep
	started=$(clock_ms)
	"$KT_BUSYBOX" ktlatch wait -t 1.5 never
	watch "$child"
	echo >&5
	end_of $mon
	exec 5>&-
	ms=$(payload sched-state port | sed -n 's/^exited ms=\([0-9]*\) .*/\1/p')
	most=$(($(clock_ms) - started + 1000)) # it may have been started that long before
	assertTrue "$ms ms, at most $most" "[ ${ms:-0} -ge 1400 ] && [ ${ms:-0} -le $most ]"
	end_parent
}

test_watching_another_sends_the_log_that_is_there() {
	echo text >log
	start_parent keep
	watch "$child"
	echo >&5
	end_of $mon
	exec 5>&-
	payload sched-log port >block
	assert_file_text '===SCHED_OUTPUT_START===text
===SCHED_OUTPUT_END===' block
	end_parent
}

test_term_while_watching_another_only_stops_the_watching() {
	start_parent keep
	watch "$child"
	kill -TERM $mon
	end_of $mon
	assertNotEquals "killed by the ceiling" 137 "$status"
	assert_matches '^State:.[RSD]' "/proc/$child/status" # nobody has waited for it: it would be a zombie
	assert_not_reported
	echo >&5
	exec 5>&-
	end_parent
}

test_a_process_id_that_is_none_is_an_error() {
	for pid in x 0 -1 ''; do
		run_kt ktexitmon -p port -l log -P "$pid"
		assertEquals "status of -P '$pid'" 1 "$status"
		assert_empty_or_missing port
	done
}

test_without_a_program_it_is_a_usage_error() {
	run_kt ktexitmon -p port
	assertNotEquals 0 "$status"
	assert_empty_or_missing port
}

test_the_program_runs_as_an_ordinary_process() {
	# shellcheck disable=SC2016
	start sh -c 'cat /proc/self/oom_score_adj >ready; cut -d" " -f41 /proc/self/stat >ready
		grep SigBlk /proc/self/status >ready; read -r x <go'
	scheduler_is_ready
	assertEquals "oom_score_adj" "$(cat /proc/self/oom_score_adj)" "$ready"
	scheduler_is_ready
	assertEquals "scheduling policy" 0 "$ready"
	scheduler_is_ready
	assertContains "blocked signals" "$ready" 0000000000000000
	: >go
	monitor_ends 1
}

test_the_daemon_takes_its_priority_and_is_silent_when_it_may_not() {
	start sh -c 'echo >ready; read -r x <go'
	scheduler_is_ready
	if [ "$(id -u)" = 0 ]; then
		assertEquals "SCHED_FIFO with reset-on-fork" 1 "$(cut -d' ' -f41 /proc/$mon/stat)"
		if sh -c 'echo -1000 >/proc/self/oom_score_adj' 2>no.err; then
			assertEquals -1000 "$(cat /proc/$mon/oom_score_adj)"
		fi
	fi
	: >go
	monitor_ends 1
	without_capabilities "$KT_BUSYBOX" ktexitmon -p port2 -l log true 2>err
	assertEquals 0 $?
	assert_empty err
}

test_it_does_not_wake_by_itself() {
	start sh -c 'echo >ready; read -r x <go'
	scheduler_is_ready
	a_moment
	assert_sleeps "$mon"
	: >go
	monitor_ends 1
}

. shunit2

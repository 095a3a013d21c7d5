#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The flight recorder on a real kernel: the seconds before a stall and before a kill, those of a run that passes, the
# same in a resumed guest and in a replay; as trace-cmd reads them back and by perfetto's rules.

# shellcheck disable=SC1091,SC2154,SC2016 # what is sourced sets them; the guest's shell expands
. "$KT_TEST_LIB/vm.sh"

BUSY='i=0; while [ $i -lt 150 ]; do i=$((i + 1)); /bin/true; done'

oneTimeSetUp() {
	# The sleep ends when the scheduler runs nobody any more: it is woken, and waits.
	vm stall -s "$DEMO" -a "--stall-after $WHEN_TOLD --watchdog 5000" --trace --report "$VMS/stall.html" -- sh -c '
		sleep 2 & until grep -q "^State:.S" /proc/$!/status; do :; done
		'"$FAIL_NOW"'; while :; do :; done'
	cp -r "$VMS/stall" "$VMS/again"
	"$KTRUN" --replay "$VMS/again" >/dev/null 2>"$VMS/again.err"
	echo $? >"$VMS/again.status"
	vm killed -s "$DEMO" --trace -- sh -c 'kill -KILL "$(cat /run/kt/sched.pid)"; sleep 600'
	vm passed -s "$DEMO" --trace -- true
	vm unwarned -s "$DEMO" --trace --fail-on-warn -- true
	vm unknown --trace --gate 'payload.nothing>=1' -- sh -c "$BUSY"
	# The demo, its child, ends in order; it does not.
	printf '#!/bin/sh\ntrap "exit 3" TERM\nscx_demo &\nwait $!\nwait\n' >"$FILES/ends-badly"
	chmod +x "$FILES/ends-badly"
	vm bad_exit --trace -s "$FILES/ends-badly" -i "$DEMO" -- sh -c "$BUSY"
	vm last -s "$DEMO" --trace-last 1s -- sh -c "$BUSY; sleep 2; $BUSY"
	vm warm --warm -s "$DEMO" --trace=sched:sched_switch,kmem:kfree,sched:nonesuch --trace-last 5 -- sh -c "$BUSY"
	vm failed --trace -- sh -c 'ls /sys/kernel/tracing/instances; umount -l /sys/kernel/tracing; exit 7'
}

recording() {
	"$KT_PYTHON" "$KT_TOP/test/tools/recording.py" "$@"
}

# trace KEY: of the object in result.json.
trace() {
	"$KT_PYTHON" -c 'import json, sys
print(json.dumps(json.load(open(sys.argv[1]))["trace"][sys.argv[2]]))' "$result" "$1"
}

# assert_recorded: both files are there, have the same events, of both CPUs, in order.
assert_recorded() {
	assertEquals "$(value trace)" true "$(trace complete)"
	assertEquals "damaged" 0 "$(trace damaged)"
	assertEquals "by perfetto's rules" "$(trace events) 2" "$(recording rules "$art/trace.systrace")"
	trace-cmd report -t -i "$art/trace.dat" >report.txt 2>report.err
	assertEquals "as trace-cmd reads it" "$(trace events)" "$(recording same "$art/trace.systrace" report.txt)"
}

# line_of ERE: number of the last line of trace.systrace that matches; 0: none does.
line_of() {
	grep -nE "$1" "$art/trace.systrace" | tail -n 1 | sed 's/:.*//; $!d' | grep . || echo 0
}

test_a_stall_is_recorded_up_to_the_dump() {
	look stall
	assert_verdict sched-died 202
	assert_recorded
	tail -n 1 "$art/trace.systrace" >end
	assert_matches 'sched_ext_dump: .* triggered exit kind 1026 on CPU' end
	task=$(sed -n 's/.*sched_ext_dump: \(.*\) triggered exit kind 1026.*/\1/p' "$art/dump-1.txt" | head -n 1)
	assertNotNull "a task in the dump" "$task"
	assertTrue "the dump's task $task is in it" "grep -qF 'sched_ext_dump: $task triggered' $art/trace.systrace"
	assert_matches ' sched_ext_dump: +.* triggered exit kind 1026' report.txt
}

test_the_stalled_task_is_woken_and_never_runs_again() {
	look stall
	woken=$(line_of 'sched_waking: comm=sleep ')
	assertTrue "sleep was woken" "[ $woken -gt 0 ]"
	assertTrue "it ran before that" "[ $(line_of 'prev_comm=sleep ') -gt 0 ]"
	assertTrue "it ran after that" "[ $(line_of 'next_comm=sleep ') -lt $woken ]"
}

test_the_page_shows_lanes_the_waiting_tasks_and_the_death() {
	for what in '>CPU 0<' '>CPU 1<' '>waits: sleep\[[0-9]+\]<' 'waits for a CPU, [0-9]+\.[0-9]+ ms from' \
		'class="death"'; do
		assert_matches "$what" "$VMS/stall.html"
	done
	assert_no_match '<script' "$VMS/stall.html"
}

test_a_replay_makes_the_same_of_it() {
	look again
	assertEquals "status" 202 "$status"
	for name in trace.systrace trace.dat result.json; do
		assert_same_bytes "$VMS/stall/$name" "$art/$name"
	done
}

test_a_death_without_a_dump_stops_it_too() {
	look killed
	assert_verdict sched-died 202
	assert_recorded
	assertEquals "seconds after the kill" '' "$(grep 'comm=ktget' "$art/trace.systrace")"
}

test_a_run_that_passes_is_not_kept_and_that_is_said() {
	look passed
	assert_verdict pass 0
	assertEquals false "$(trace kept)"
	assert_matches '^  trace      not kept: the run passed' "$err"
	assertFalse "a file is there" "[ -e $art/trace.dat ] || [ -e $art/trace.systrace ] || [ -e $art/get ]"
}

test_a_guest_that_sends_it_for_the_host_leaves_nothing_when_the_run_passes() {
	look unwarned
	assert_verdict pass 0
	assert_matches '^  trace      not kept: the run passed' "$err"
	assertTrue "it was sent" "[ $(wc -c <"$art/bulk.bin") -gt $(($(wc -c <"$VMS/passed/bulk.bin") + 20000)) ]"
	assertFalse "a file is there" "[ -e $art/trace.dat ] || [ -e $art/trace.systrace ] || [ -e $art/get ]"
}

test_what_fails_by_the_hosts_verdict_alone_is_kept() {
	look unknown
	assert_verdict inconclusive 214
	assert_recorded
	look bad_exit
	assert_verdict sched-bad-exit 212
	assert_recorded
}

test_the_last_second_of_a_run_that_passes() {
	look last
	assert_verdict pass 0
	assert_recorded
	assert_no_match '^  files ' "$err"
	ms=$((($(trace last_ns) - $(trace first_ns)) / 1000000))
	assertTrue "$ms ms are a second" "[ $ms -ge 500 ]"
	# Each of the two loops starts 150 programs. A page of each CPU may begin before the second, and has no more than 30.
	started=$(sed -n 's/.* next_comm=sh next_pid=\([0-9]*\) .*/\1/p' "$art/trace.systrace" | sort -u | wc -l)
	assertTrue "of 300 programs, $started are in the last second and a page of each CPU" \
		"[ $started -ge 1 ] && [ $started -le 210 ]"
	assert_matches 'comm=true ' "$art/trace.systrace"
}

test_a_resumed_guest_records_as_well_and_names_what_it_lacks() {
	look warm
	assert_verdict pass 0
	assert_value start warm
	assert_recorded
	assert_matches '^  trace      this kernel has no event sched/nonesuch$' "$err"
	assert_matches ' kfree: .*call_site=[a-z_]+' report.txt # the names of the kernel's functions are there
}

test_a_payload_that_fails_is_kept_without_a_scheduler_and_without_tracefs() {
	look failed
	assert_verdict fail 7
	assert_recorded
	assert_matches '^ktbox-recorder$' "$out"
	assert_matches '^ktbox$' "$out"
}

test_nothing_is_left() {
	for name in stall killed last warm; do
		assert_nothing_left "$name"
	done
}

. shunit2

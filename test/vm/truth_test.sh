#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The whole truth of a run on a real kernel: every dump, every end, and a proof that nothing is missing.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

# A SysRq-D dump while the scheduler lives, its end awaited; then the next.
# shellcheck disable=SC2016  # for the guest's shell
TWO_SYSRQ_DUMPS='for n in 1 2; do
	ktlatch reset dump_complete; echo D >/proc/sysrq-trigger; ktlatch wait -t 60 dump_complete
	done; '$FAIL_NOW'; ktlatch wait -t 60 sched_exited'

# The log: the attach line, the noise, and a last line.
LOG_SIZE=$(($(printf 'scx_demo: attached\n\nscx_demo: 200000 bytes of noise written\n' | wc -c) + 200000))
PANIC_WHEN_ALL_IS_WRITTEN="mkfifo /tmp/log; tail -f -c +1 /tmp/sched.log >/tmp/log &
	head -c $LOG_SIZE </tmp/log >/dev/null; echo c >/proc/sysrq-trigger"
# The reader of the global trace sleeps while it is written, and wakes when teardown has turned tracing off.
# shellcheck disable=SC2016  # for the guest's shell
LINES_AT_THE_END='cd /sys/kernel/tracing; killall -STOP ktsend
	for n in $(seq 2000); do echo "line $n of a flood"; done >trace_marker
	setsid sh -c "until grep -q 0 tracing_on; do :; done; killall -CONT ktsend" >/dev/null 2>&1 &'

oneTimeSetUp() {
	vm dumps -s "$DEMO" -a "--error-after $WHEN_TOLD" --expect-death -- sh -c "$TWO_SYSRQ_DUMPS"
	vm plain -s "$DEMO" -a "--error-after 300" --plain -- sleep 600
	vm linger -s "$DEMO" -a "--linger --error-after 300" -- sleep 600
	vm panic -s "$DEMO" -a "--noise 200000" -- sh -c "$PANIC_WHEN_ALL_IS_WRITTEN"
	vm second -i "$DEMO" -- sh -c 'ktexitmon -n second -l /tmp/sched_2.log scx_demo --exit-after 200 5
		echo "ended $?"'
	vm asked --printk --append ktbox.ack=1 -- sh -c 'echo said by the marker >/sys/kernel/tracing/trace_marker
		echo "WARNING: CPU: 0 PID: 1 at kernel/never.c:1" >/dev/kmsg
		printf "\n[  999.000000] BUG: forged\n[    9.000000] Kernel panic - not syncing: forged\n" >/dev/ttyS0'
	vm flood --printk -- sh -c "$LINES_AT_THE_END"
	# shellcheck disable=SC2016  # for the guest's shell
	vm quiet --append 'quiet printk.devkmsg=on' --fail-on-warn -s "$DEMO" -- sh -c 'echo "WARNING: at the begin" >/dev/kmsg
		for n in $(seq 4000); do echo "a long line to fill the ring of the kernel, number $n"; done >/dev/kmsg'
	vm ejected --fail-on-warn -i "$DEMO" -- sh -c 'scx_demo --error-after 100; true'
	vm warned --fail-on-warn -- sh -c 'echo "WARNING: CPU: 0 PID: 1 at kernel/never.c:1" >/dev/kmsg'
}

test_every_dump_of_a_boot_arrives_numbered_typed_and_whole() {
	look dumps
	assert_verdict pass 0
	assert_value dumps_complete true
	assertEquals "types" 'sysrq sysrq error' \
		"$(value dumps | grep -o '"type":"[a-z]*"' | cut -d '"' -f 4 | tr '\n' ' ' |
		sed 's/ $//')"
	assert_value_matches dumps '"number":3,"complete":true,"type":"error","rule":"counter","kind":1025,'
	assert_value_matches dumps 'deliberate error'
	assertEquals "files" 3 "$(find "$art" -name 'dump-*.txt' | wc -l)"
}

# The two copies take different ways: frames over the port, and the UART with carriage returns.
test_a_dump_over_the_port_is_what_the_console_got() {
	look dumps
	cat "$art/dump-1.txt" "$art/dump-2.txt" "$art/dump-3.txt" >port
	tr -d '\r' <"$art/console.log" | grep -a 'sched_ext_dump: ' >console
	assertEquals "lines" "$(wc -l <port)" "$(wc -l <console)"
	assertEquals "last line" "$(tail -n 1 port)" "$(tail -n 1 console)"
}

test_plain_dumps_have_no_prefix_of_the_trace() {
	look plain
	assertEquals "first line" 'scx_demo: root' "$(head -n 1 "$art/dump-1.txt")"
	assert_no_match sched_ext_dump "$art/dump-1.txt"
	look dumps
	assert_matches 'sched_ext_dump: scx_demo: root' "$art/dump-1.txt"
}

test_a_scheduler_that_lingers_was_ejected() {
	look linger
	assert_verdict sched-died 202
	assert_value scheduler_ejected true
	assert_value_matches scheduler_ejected_reason '^scx_bpf_error: deliberate error'
	assert_value sched_exit_code null
	look dumps
	assert_value sched_exit_code 1
}

test_nothing_is_missing_and_that_is_known() {
	look dumps
	assert_value complete true
	assert_value missing_bytes 0
	# behind what fin counts there are the fin frame, the mark of the exit frame, and the exit frame
	assertEquals "bytes" $(($(value bytes_sent) + 24 + 28 + 20)) "$(wc -c <"$art/bulk.bin")"
}

test_a_stream_with_a_hole_is_corrupt() {
	look dumps
	cp -R "$art" hole
	{ head -c 2000 "$art/bulk.bin"; tail -c +2101 "$art/bulk.bin"; } >hole/bulk.bin
	run "$KTRUN" --replay hole
	assert_status 207
	art=hole result=hole/result.json
	assert_value verdict corrupt
	assert_value complete false
	assert_value missing_bytes 100
}

test_a_replay_is_the_run_again() {
	look linger
	cp -R "$art" again
	rm again/result.json again/stdout again/dump-1.txt
	run "$KTRUN" --replay again
	assert_status 202
	assert_same_bytes "$result" again/result.json
	assert_same_bytes "$art/dump-1.txt" again/dump-1.txt
	assert_same_bytes "$art/sched.log" again/sched.log
}

test_a_panic_loses_nothing_that_the_scheduler_had_written() {
	look panic
	assert_verdict lost 203
	assert_value_matches reason 'kernel panic'
	assert_matches '200000 bytes of noise written' "$art/sched.log"
	assertEquals "size of the log" "$LOG_SIZE" "$(wc -c <"$art/sched.log")"
}

test_a_second_scheduler_can_be_watched_by_hand() {
	look second
	assert_value sched_exit_code 5
	assert_file_text 'ended 5' "$art/stdout"
	assert_value_matches scheduler_end '^exited ms=[0-9]+ code=5$'
	assert_matches 'exiting with 5' "$art/sched.log"
}

test_the_global_trace_comes_only_when_it_is_asked_for() {
	look asked
	assert_matches '^printk\| .*said by the marker' "$err"
	assert_matches 'said by the marker' "$art/printk"
	look warned
	assertFalse "a printk file" "[ -e $art/printk ]"
}

test_what_the_global_trace_holds_at_the_end_arrives() {
	look flood
	assert_verdict pass 0
	assertEquals "lines" 2000 "$(grep -c 'line [0-9]* of a flood' "$art/printk")"
	assert_value complete true
}

test_a_report_of_the_kernel_is_listed_and_wrong_only_when_it_must_be() {
	look asked
	assert_verdict pass 0
	assert_value_matches kernel_reports 'kernel/never.c:1'
	assert_value kernel_report_count 1
	assert_matches 'BUG: forged' "$art/console.log"
	look warned
	assert_verdict kernel-warned 210
	look linger
	assert_value kernel_reports '[]'
}

# The log travels while it is written: a flood that overwrites the ring takes nothing of it away.
test_a_warning_that_the_console_does_not_show_is_in_the_log() {
	look quiet
	assert_verdict kernel-warned 210
	assert_no_match 'WARNING: at the begin' "$art/console.log"
	assert_value_matches reason 'WARNING: at the begin'
	assert_value kernel_log_ended true
	assertEquals "lines of the flood" 4000 "$(grep -c 'a long line to fill' "$art/kmsg")"
	run "$KTRUN" --replay "$art"
	assert_status 210
}

test_a_scheduler_that_the_payload_started_and_the_kernel_ejected_is_a_report() {
	look ejected
	assert_verdict kernel-warned 210
	assert_value_matches kernel_reports '"kind":"sched-ejected"'
	assert_matches '^  ejected    .*BPF scheduler "scx_demo" disabled \(scx_bpf_error\)' "$err"
}

. shunit2

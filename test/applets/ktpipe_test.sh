#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktpipe, between a fifo for trace_pipe and a file or fifo for the console: bytes, latches, ends, a stalled
# console.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/unit.sh"

LINE='  init-1  [001] d..1.  4.6: sched_ext_dump: '

# start_ktpipe ARG...: runs it on the fifos in and enable; fd 3 writes to the trace; pid is its process id.
start_ktpipe() {
	mkfifo in
	: >enable
	"$KT_BUSYBOX" ktpipe -i in -e enable "$@" 2>err 4>&- &
	pid=$!
	exec 3>in
}

# ktpipe_ends STATUS: the trace is closed, and it ends by itself.
ktpipe_ends() {
	exec 3>&-
	end_of "$pid"
	assertEquals "status of ktpipe: $(cat err)" "$1" "$status"
}

start_line() {
	echo "${LINE}demo: root"
	echo "${LINE}Debug dump triggered by SysRq-D"
}

# The counters' section, with its last line only.
end_line() {
	printf '%s\n' "$LINE" "${LINE}Event counters" "${LINE}--------------"
	echo "$LINE              SCX_EV_SUB_BYPASS_DISPATCH:                0"
}

# lines_of: the lines of stdin as the kernel's own in a trace, one right after the other.
lines_of() {
	sed 's/^/          <idle>-0       [001] d.h2.     3.627533: sched_ext_dump: /'
}

# dumps_in_trace: ktpipe reads the trace of stdin and sends its dumps to the port; the texts of their ends are in
# ends, one per line.
dumps_in_trace() {
	rm -rf in run port && : >console
	cat >trace
	start_ktpipe -o console -p port
	cat trace >&3
	ktpipe_ends 0
	payload scx-dump-end port | sed 's/number=/\n&/g' | grep . >ends
	echo >>ends
}

error_head() {
	printf '%s\n' 'demo: root' 'swapper/1[0] triggered exit kind 1025 on CPU 1:' '  scx_bpf_error (no luck)' '' \
		'Backtrace:' '  do_idle+0x8c/0xe0'
}

cpus_and_counters() {
	printf '%s\n' '' 'CPU states' '----------' '' 'Event counters' '--------------' \
		'              SCX_EV_SELECT_CPU_FALLBACK:                0' \
		'              SCX_EV_SUB_BYPASS_DISPATCH:                7'
}

test_real_traces_come_out_byte_for_byte() {
	for trace in trace-err trace-stall1 trace-sysrq; do
		rm -f in run/*
		: >console
		start_ktpipe -o console
		cat "$DATA/$trace.txt" >&3
		ktpipe_ends 0
		assert_same_bytes "$DATA/$trace.txt" console
		assert_latch dump_started
		assert_latch dump_complete
	done
}

test_all_bytes_come_out_and_set_no_latch() {
	bytes 3000000 >data
	: >console
	start_ktpipe -o console
	cat data >&3
	ktpipe_ends 0
	assert_same_bytes data console
	assert_no_latch dump_started
	assert_no_latch dump_complete
}

test_it_writes_1_to_the_enable_file() {
	: >console
	start_ktpipe -o console
	ktpipe_ends 0
	assertEquals 1 "$(cat enable)"
}

test_the_markers_are_found_when_cut_at_any_byte() {
	"$KT_PYTHON" "$KT_TOP/test/tools/split_dump.py" "$KT_BUSYBOX" "$DATA/trace-err.txt" >said
	assertEquals "violations" "" "$(grep -v ' cuts$' said | head -n 5)"
	assert_matches '^[1-9][0-9]+ cuts$' said
}

test_a_dump_without_its_end_is_not_complete() {
	: >console
	start_ktpipe -o console
	start_line >&3
	ktpipe_ends 0
	assert_latch dump_started
	assert_no_latch dump_complete
}

test_an_end_line_without_its_newline_is_not_complete() {
	: >console
	start_ktpipe -o console
	start_line >&3
	printf '%s' "$(end_line)" >&3
	ktpipe_ends 0
	assert_no_latch dump_complete
}

test_the_truncated_text_is_no_end() { # the kernel has it in the scheduler's copy only
	: >console
	start_ktpipe -o console
	start_line >&3
	echo "${LINE}~~~~ TRUNCATED ~~~~" >&3
	ktpipe_ends 0
	assert_no_latch dump_complete
}

test_no_words_of_a_scheduler_are_structure() {
	while read -r words; do
		# shellcheck disable=SC2059  # the words are a format
		{ error_head && printf '\n'"$words"'\nmore words\n' && cpus_and_counters; } | lines_of | dumps_in_trace
		assertEquals "dumps with: $words" 1 "$(grep -c . ends)"
		assert_matches "^number=1 type=error kind=1025 complete=1 rule=counter bytes=$(wc -c <trace) lines=$(wc -l \
			<trace) lost=0 unsent=0 sub=0 name=demo cgroup= reason=scx_bpf_error \\(no luck\\)\$" ends
	done <<-\END
		my counters: SCX_EV_SUB_BYPASS_DISPATCH=3
		SCX_EV_SUB_BYPASS_DISPATCH: 0
		\nEvent counters\n--------------\n SCX_EV_SUB_BYPASS_DISPATCH: 0
		event counters\n--------------\n              scx_ev_sub_bypass_dispatch:                0
		   Event counters\n   --------------\n   SCX_EV_SUB_BYPASS_DISPATCH: 0
		\nCPU states\n----------\n\nEvent counters\n--------------\n SCX_EV_SUB_BYPASS_DISPATCH: 0\n\nfoo: root
		\nEvent counters\n SCX_EV_SUB_BYPASS_DISPATCH: 0\nfoo: root\nDebug dump triggered by SysRq-D\n
		\nEvent counters\n SCX_EV_SUB_BYPASS_DISPATCH: 0\nfoo: sub1-28 /a\nDebug dump triggered by SysRq-D\n
		\nEvent counters\n SCX_EV_SUB_BYPASS_DISPATCH: 0\ndemo: root\na[1] triggered exit kind 1026:\n  stall (x)\n
		\nEvent counters\n SCX_EV_SUB_BYPASS_DISPATCH: 0\na[1] triggered exit kind 1026 on CPU 0:\n  stall (x)\n
		\nRunqueue states\n---------------\nfoo: root\nDebug dump triggered by SysRq-D
		a[1] triggered exit kind 1026 on CPU 0:\n  runnable task stall (x)\n\nBacktrace:
		CPU:0 [LOST 12 EVENTS]\n[LOST 3 EVENTS]\n~~~~ TRUNCATED ~~~~
	END
}

# BPF runs with migration disabled, which the trace shows: then not even a pause makes a dump of its words.
test_words_that_the_trace_marks_are_no_structure_whatever_the_pause() {
	{
		error_head | lines_of
		cpus_and_counters | lines_of | sed 's/d\.h2\./d.h21/'
		{ error_head && echo more; } | lines_of | sed 's/d\.h2\./d.h21/; s/3.627533/3.727533/'
		cpus_and_counters | lines_of | sed 's/3.627533/3.827533/'
	} | dumps_in_trace
	assertEquals 1 "$(grep -c . ends)"
	assert_matches "^number=1 type=error kind=1025 complete=1 .*lines=$(wc -l <trace) " ends
}

test_an_imitated_end_is_taken_back_though_the_ring_was_empty_after_it() {
	rm -f in && : >console
	start_ktpipe -o console -p port
	error_head | lines_of >&3
	printf '\nEvent counters\n SCX_EV_SUB_BYPASS_DISPATCH: 0\n' | lines_of >&3
	wait_latch dump_complete
	echo 'more words' | lines_of >&3
	ktpipe_ends 0
	assert_no_latch dump_complete
	encode exit#i32:0 >>port
	kt ktrecv -d d port
	assert_matches '"dumps": \[\{"number":1,"complete":false,"type":"error","rule":"none",' d/stream.json
	assert_no_match '"number":2' d/stream.json
	{ error_head && printf '\nEvent counters\n SCX_EV_SUB_BYPASS_DISPATCH: 0\nmore words\n'; } | lines_of >wanted
	assert_same_bytes wanted d/dump-1.txt
}

# The kernel does not change newlines in the text of an exit: what follows one has no prefix.
test_an_exit_message_of_several_lines_is_one_reason() {
	{ error_head && cpus_and_counters; } | lines_of |
		sed 's/(no luck)/(no\nCPU:0 [LOST 3 EVENTS]\nEvent counters\n SCX_EV_SUB_BYPASS_DISPATCH: 0\nluck)/' |
		dumps_in_trace
	assertEquals 1 "$(grep -c . ends)"
	assert_matches ' complete=1 .* lost=0 .*reason=scx_bpf_error \(no Event counters  *SCX_EV.*: 0 luck\)$' ends
}

test_a_task_named_as_the_marker_hides_nothing() {
	{ error_head && cpus_and_counters; } | lines_of | sed 's/<idle>-0/sched_ext_dump:-0/' | dumps_in_trace
	assert_matches '^number=1 type=error kind=1025 complete=1 rule=counter .*name=demo ' ends
}

test_dumps_of_a_sub_scheduler_name_it_and_its_cgroup() {
	{ error_head | sed 's/: root/: sub1-28 \/a b%=/' && cpus_and_counters; } | lines_of | dumps_in_trace
	assert_matches ' sub=28 name=demo cgroup=/a%20b%25= reason=' ends
	encode exit#i32:0 >>port
	kt ktrecv -d d port
	assert_matches '"reason":"scx_bpf_error \(no luck\)","scheduler":"demo","cgroup":"/a b%="\}' d/stream.json
}

test_dumps_of_another_task_cpu_or_time_are_other_dumps() {
	{
		{ error_head && cpus_and_counters; } | lines_of
		{ error_head && cpus_and_counters; } | lines_of | sed 's/3.627533/3.727533/'
		{ error_head && cpus_and_counters; } | lines_of | sed 's/3.627533/3.727533/; s/\[001\]/[000]/'
		{ error_head && cpus_and_counters; } | lines_of | sed 's/3.627533/3.727533/; s/-0 /-7 /'
	} | dumps_in_trace
	assertEquals 4 "$(grep -c 'type=error .*complete=1' ends)"
}

test_dumps_before_7_1_have_no_name() {
	cat "$DATA/trace-6.12-sysrq.txt" "$DATA/trace-6.12-err.txt" | dumps_in_trace
	assert_matches '^number=1 type=sysrq .* sub=0 name= cgroup= reason=$' ends
	assertEquals "all lines are of dump 1, which has no end" "$(wc -l <trace)" \
		"$(sed -n 's/.* lines=\([0-9]*\) .*/\1/p' ends)"
}

test_a_second_dump_resets_dump_complete() {
	: >console
	start_ktpipe -o console
	{ start_line && end_line; } >&3
	wait_latch dump_complete
	start_line >&3
	ktpipe_ends 0
	assert_latch dump_started
	assert_no_latch dump_complete
}

test_with_t_the_newest_dump_is_in_a_file_when_dump_complete_is_set() {
	: >console
	start_ktpipe -o console -t kept
	echo 'another event' >&3
	{ start_line && end_line; } >&3
	wait_latch dump_complete
	{ start_line && end_line; } >one
	assert_same_bytes one kept
	kt ktlatch reset dump_complete
	{ start_line && echo "${LINE}second" && end_line; } >two
	cat two >&3
	wait_latch dump_complete
	assert_same_bytes two kept
	ktpipe_ends 0
	assert_same_bytes two kept
}

test_with_t_a_long_dump_keeps_its_end_in_whole_lines() {
	: >console
	start_ktpipe -o console -t kept
	{ start_line && seq -f "$LINE%.0f" 9000 && end_line; } >long
	cat long >&3
	wait_latch dump_complete
	ktpipe_ends 0
	assertTrue "bytes: $(wc -c <kept)" "[ $(wc -c <kept) -gt 65000 ] && [ $(wc -c <kept) -le 65536 ]"
	tail -n "$(wc -l <kept)" long >expected
	assert_same_bytes expected kept
}

test_a_tail_that_can_not_be_written_costs_a_message_only() {
	: >console
	start_ktpipe -o console -t no/folder/tail
	{ start_line && end_line && start_line && end_line; } >&3
	wait_latch dump_complete
	ktpipe_ends 0
	assertEquals 1 "$(grep -c "unable to write 'no/folder/tail'" err)"
}

test_two_whole_dumps_in_one_read_are_complete() {
	: >console
	start_ktpipe -o console
	{ start_line && end_line && start_line && end_line; } >pieces
	cat pieces >&3
	ktpipe_ends 0
	assert_latch dump_complete
	assert_same_bytes pieces console
}

test_a_very_long_line_hides_no_marker() {
	: >console
	start_ktpipe -o console
	{ start_line && text 100000 && echo && end_line; } >pieces
	cat pieces >&3
	ktpipe_ends 0
	assert_latch dump_complete
	assert_same_bytes pieces console
}

test_an_end_that_stands_early_in_a_very_long_line_is_none() {
	: >console
	start_ktpipe -o console
	{ start_line && end_line | head -c -1 && text 100000 && echo; } >pieces
	cat pieces >&3
	ktpipe_ends 0
	assert_no_latch dump_complete
}

test_an_end_without_a_dump_is_none() {
	: >console
	start_ktpipe -o console -p frames
	{ echo SCX_EV_SUB_BYPASS_DISPATCH && echo '~~~~ TRUNCATED ~~~~'; } >&3
	ktpipe_ends 0
	assert_no_latch dump_complete
	assert_empty_or_missing frames
}

# Its newline comes in a read of its own, and is no reason to keep less.
test_the_longest_line_that_is_kept_is_read_whole() {
	mkfifo console
	exec 4<>console
	start_ktpipe -o console -p frames
	{ start_line | head -n 1 && echo "${LINE}triggered exit kind 1025:" && printf '%s' "${LINE}the reason "; } >pieces
	text $((2046 - ${#LINE} - 11)) >>pieces
	cat pieces >&3
	timeout "$KT_CEILING" head -c "$(wc -c <pieces)" <&4 >got
	{ echo && end_line; } >&3
	ktpipe_ends 0
	exec 4>&-
	payload scx-dump-end frames >end
	assert_matches 'reason=the reason x+$' end
}

test_a_stalled_console_does_not_stop_reading() {
	mkfifo console
	exec 4<>console
	start_ktpipe -o console
	bytes 4000000 >data
	timeout "$KT_CEILING" cat data >&3
	assertEquals "all of the trace was taken" 0 $?
	cat console >got 3>&- 4>&- &
	reader=$!
	exec 3>&-
	end_of $pid
	exec 4>&-
	assertEquals "status of ktpipe: $(cat err)" 0 "$status"
	wait $reader
	assert_same_bytes data got
}

test_latches_are_set_though_the_console_is_stalled() {
	mkfifo console
	exec 4<>console
	start_ktpipe -o console
	text 200000 >&3
	{ start_line && end_line; } >&3
	wait_latch dump_started dump_complete
	kill -TERM $pid
	end_of $pid
	exec 3>&- 4>&-
	assertEquals "status" 0 "$status"
}

test_a_stalled_port_does_not_stop_the_console() {
	mkfifo console port
	exec 4<>port 5<>console
	start_ktpipe -o console -p port 5>&-
	{ start_line && text 500000 && echo && end_line; } >pieces
	cat pieces >&3 &
	timeout "$KT_CEILING" head -c "$(wc -c <pieces)" <&5 >got
	assertEquals "all of the trace came to the console" 0 $?
	assert_same_bytes pieces got
	cat port >frames 3>&- 4>&- 5>&- &
	reader=$!
	ktpipe_ends 0
	exec 4>&- 5>&-
	wait $reader
	payload scx-dump-end frames >end
	assert_matches ' complete=1 .* unsent=0 ' end
}

test_what_the_queue_has_no_room_for_is_counted() {
	mkfifo console
	exec 4<>console
	start_ktpipe -o console
	start=$(date +%s)
	timeout "$KT_CEILING" head -c 40000000 /dev/zero >&3
	took=$(($(date +%s) - start))
	high_water=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' /proc/$pid/status)
	exec 3>&-
	{ timeout "$KT_CEILING" cat console | wc -c >arrived; } 4>&- &
	reader=$!
	end_of $pid
	exec 4>&-
	wait $reader
	dropped=$((40000000 - $(cat arrived)))
	assertTrue "a full queue does not slow down the reading: $took s" "[ $took -le 4 ]"
	assertTrue "memory is bounded: $high_water kB" "[ $high_water -lt 90000 ]"
	assertTrue "something was dropped" "[ $dropped -gt 0 ]"
	assert_matches "(^|[^0-9])$dropped([^0-9]|\$)" err
}

test_term_ends_it_at_once() {
	: >console
	start_ktpipe -o console
	start_line >&3
	wait_latch dump_started
	start=$(date +%s)
	kill -TERM $pid
	end_of $pid
	assertTrue "within 5 s" "[ $(($(date +%s) - start)) -le 5 ]"
	assertEquals "status" 0 "$status"
	exec 3>&-
}

test_term_ends_it_at_once_though_the_console_is_stalled() {
	mkfifo console
	exec 4<>console
	start_ktpipe -o console
	text 1000000 >&3
	start=$(date +%s)
	kill -TERM $pid
	end_of $pid
	assertTrue "within 5 s" "[ $(($(date +%s) - start)) -le 5 ]"
	assertEquals "status" 0 "$status"
	exec 3>&- 4>&-
}

test_with_d_an_open_dump_is_read_to_its_end_after_term() {
	: >console
	start_ktpipe -o console -d "$KT_CEILING"
	start_line >&3
	wait_latch dump_started
	kill -TERM $pid
	a_moment
	assertTrue "it reads on" "kill -0 $pid"
	end_line >&3
	end_of $pid
	exec 3>&-
	assertEquals "status" 0 "$status"
	assert_latch dump_complete
	{ start_line && end_line; } >expected
	assert_same_bytes expected console
}

test_with_d_what_is_in_the_ring_is_read_after_term() {
	: >console
	start_ktpipe -o console -d "$KT_CEILING"
	kill -STOP $pid
	{ start_line && text 30000 && echo && end_line; } >data
	cat data >&3
	kill -TERM $pid
	kill -CONT $pid
	end_of $pid
	exec 3>&-
	assertEquals "status" 0 "$status"
	assert_same_bytes data console
}

test_with_d_and_no_open_dump_term_ends_it_at_once() {
	: >console
	start_ktpipe -o console -d 20
	{ start_line && end_line; } >&3
	wait_latch dump_complete
	start=$(date +%s)
	kill -TERM $pid
	end_of $pid
	exec 3>&-
	assertTrue "within 10 s" "[ $(($(date +%s) - start)) -le 10 ]"
	assertEquals "status" 0 "$status"
}

test_with_d_a_dump_that_never_ends_is_given_up() {
	: >console
	start_ktpipe -o console -d 1
	start_line >&3
	wait_latch dump_started
	start=$(date +%s%N)
	kill -TERM $pid
	end_of $pid
	exec 3>&-
	took=$((($(date +%s%N) - start) / 1000000))
	assertTrue "it took $took ms" "[ $took -ge 900 -a $took -le 8000 ]"
	assert_no_latch dump_complete
}

test_end_of_file_ends_it() {
	: >console
	start_ktpipe -o console
	ktpipe_ends 0
	assert_empty console
}

test_no_tracepoint_is_no_error() {
	: >console
	mkfifo in
	exec 3<>in
	run_kt ktpipe -i in -e missing/enable -o console
	exec 3>&-
	assert_status 0
	assert_matches '^ktpipe: ' err
	assert_empty console
}

test_no_console_is_an_error() {
	mkfifo in
	: >enable
	exec 3<>in
	run_kt ktpipe -i in -e enable -o no/such/console
	exec 3>&-
	assert_error ktpipe
}

test_no_trace_is_an_error() {
	: >enable
	: >console
	run_kt ktpipe -i missing -e enable -o console
	assert_error ktpipe
}

test_it_does_not_wake_by_itself() {
	: >console
	start_ktpipe -o console
	start_line >&3
	wait_latch dump_started
	a_moment
	assert_sleeps "$pid"
	ktpipe_ends 0
}

. shunit2

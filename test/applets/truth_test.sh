#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The extensions by which nothing of a run is missing without being known: dumps as frames, the live log, fin.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/unit.sh"

key() { # NAME: from d/stream.json
	sed -n "s/^  \"$1\": //p" d/stream.json | sed 's/,$//'
}

# dumps_of FILE...: ktpipe reads them as a trace and sends their dumps to the port; ktrecv -d d reads the
# port.
dumps_of() {
	mkfifo in
	: >enable
	: >console
	"$KT_BUSYBOX" ktpipe -p port -i in -e enable -o console 2>err &
	pid=$!
	cat "$@" >in
	end_of "$pid"
	assertEquals "status of ktpipe: $(cat err)" 0 "$status"
	encode exit#i32:0 >>port
	run_kt ktrecv -d d port
}

test_each_dump_is_a_file_byte_for_byte() {
	dumps_of "$DATA/trace-err.txt" "$DATA/trace-sysrq.txt" "$DATA/trace-stall1.txt"
	assert_status 0
	assert_same_bytes "$DATA/trace-err.txt" d/dump-1.txt
	assert_same_bytes "$DATA/trace-sysrq.txt" d/dump-2.txt
	assert_same_bytes "$DATA/trace-stall1.txt" d/dump-3.txt
	assertEquals true "$(key dumps_complete)"
}

test_a_dump_says_what_it_is() {
	dumps_of "$DATA/trace-err.txt" "$DATA/trace-sysrq.txt"
	key dumps >list
	assert_matches '"number":1,"complete":true,"type":"error","rule":"counter","kind":1025,' list
	assert_matches '"bytes":8977,"lines":90,' list
	assert_matches '"reason":"scx_bpf_error \(deliberate error pid=12 flag=0\)"' list
	assert_matches '"number":2,"complete":true,"type":"sysrq","rule":"counter","kind":0,' list
	assert_matches '"bytes":5632,"lines":55,' list
}

test_a_dump_that_is_cut_off_is_not_complete() {
	head -n 30 "$DATA/trace-err.txt" >half
	dumps_of half
	key dumps >list
	assert_matches '"number":1,"complete":false,"type":"error","rule":"none","kind":1025,' list
	assertEquals false "$(key dumps_complete)"
	assert_same_bytes half d/dump-1.txt
}

# A guest that died while the dump was sent has not told how it ended; its head is there, and says why.
test_a_dump_whose_end_never_came_says_of_itself_what_its_bytes_say() {
	{ printf '\001\000\000\000' && head -c 3000 "$DATA/trace-err.txt"; } >first
	{ printf '\001\000\000\000' && tail -c +3001 "$DATA/trace-err.txt"; } >second
	encode scx-dump@first >stream
	kt ktrecv -d d stream
	key dumps >list
	assert_matches '"number":1,"complete":false,"type":"error","rule":"none","kind":1025,"bytes":3000,' list
	assert_matches '"reason":"scx_bpf_error \(deliberate error pid=12 flag=0\)"' list
	rm -r d
	encode scx-dump@first scx-dump@second >stream
	kt ktrecv -d d stream
	key dumps >list
	assert_matches '"number":1,"complete":false,.*"bytes":8977,"lines":90,' list
}

test_lost_events_make_a_dump_incomplete_and_are_counted() {
	{ echo 'CPU:0 [LOST 14988 EVENTS]' && cat "$DATA/trace-err.txt"; } >lossy
	dumps_of lossy "$DATA/trace-sysrq.txt"
	key dumps >list
	assert_matches '"number":1,"complete":false,.*"lost":14988,.*"number":2,"complete":true,.*"lost":0,' list
}

test_the_dump_of_a_kernel_without_counters_is_not_complete_by_guess() { # nobody has told that there are none
	sed '/Event counters/,$d' "$DATA/trace-err.txt" >old
	dumps_of old
	key dumps >list
	assert_matches '"complete":false,"type":"error","rule":"none"' list
}

test_plain_takes_the_prefix_off_wherever_frames_are_cut() {
	sed 's/^.*sched_ext_dump: //' "$DATA/trace-err.txt" >expected
	for size in 1 7 100 8977; do
		rm -rf d stream pieces && mkdir pieces
		split -b "$size" -a 4 "$DATA/trace-err.txt" pieces/
		for piece in pieces/*; do
			{ printf '\001\000\000\000' && cat "$piece"; } >one
			mv one "$piece"
		done
		"$KT_PYTHON" -c 'import sys; sys.path.insert(0, sys.argv[1]); import frames
for name in sys.argv[2:]: sys.stdout.buffer.write(frames.frame(b"DXCS", open(name, "rb").read()))' \
			"$KT_TOP/test/tools" pieces/* >stream
		run_kt ktrecv --plain -d d stream
		assert_same_bytes expected d/dump-1.txt
	done
}

test_hostile_dump_numbers_and_texts_make_no_other_file_and_no_bad_json() {
	encode 'scx-dump=\x00\x00\x00\x00zero' 'scx-dump=\xff\xff\xff\xffmany' 'scx-dump=\xe8\x03\x00\x00thousand' \
		'scx-dump-end=number=1 type=../../x","a":"b kind=1 reason=\x1b[31m"\\ ' 'scx-dump-end=nonsense' \
		'scx-dump-end=number=99999999999999999999' exit#i32:0 >stream
	run_kt ktrecv -d d stream
	assert_status 0
	assertEquals "files" ".ktbox-run sched.log stderr stdout stream.json" \
		"$(find d -type f | sed 's/.*\///' | sort | tr '\n' ' ' |
		sed 's/ $//')"
	assertTrue "it is JSON" "$KT_PYTHON -m json.tool d/stream.json"
	assertEquals "dumps" 1 "$(key dumps | grep -o '"number"' | wc -l)"
}

test_what_the_port_has_sent_is_compared_with_what_arrived() {
	encode stdout=hello 'fin=\x15\x00\x00\x00\x00\x00\x00\x00' exit#i32:0 >stream
	run_kt ktrecv -d d stream
	assertEquals true "$(key complete)"
	assertEquals 0 "$(key missing_bytes)"
	encode stdout=hello 'fin=\x20\x00\x00\x00\x00\x00\x00\x00' exit#i32:0 >stream
	run_kt ktrecv -d d stream
	assertEquals false "$(key complete)"
	assertEquals 11 "$(key missing_bytes)"
	encode stdout=hello fin exit#i32:0 >stream
	run_kt ktrecv -d d stream
	assertEquals null "$(key complete)"
	assertEquals true "$(key fin_seen)"
}

# /init always sends one. Without an exit frame it is not yet time for it.
test_an_exit_frame_without_fin_is_not_complete() {
	encode stdout=hello exit#i32:0 >stream
	run_kt ktrecv -d d stream
	assertEquals false "$(key complete)"
	assertEquals false "$(key fin_seen)"
	encode stdout=hello >stream
	run_kt ktrecv -d d stream
	assertEquals null "$(key complete)"
}

test_a_number_of_bytes_that_no_port_sends_is_unknown() {
	encode 'fin=\x00\x00\x00\x00\x00\x00\x00\x80' exit#i32:0 >stream
	run_kt ktrecv -d d stream
	assert_matches '^  "bytes_sent": null,$' d/stream.json
	assert_matches '^  "complete": null,$' d/stream.json
}

test_ktsend_sends_fin_with_a_number_or_unknown() {
	kt ktsend -p port fin 4711
	kt ktsend -p port fin unknown
	kt ktrecv -j port >out
	assertEquals '4711 ' "$(sed -n 's/.*"length":8.*"bytes_sent":\([0-9]*\)}/\1/p' out | tr '\n' ' ')"
	assertEquals "unknown is empty" 1 "$(grep -c '"type":"fin","length":0' out)"
	run_kt ktsend -p port fin soon
	assert_status 1
}

# A log that is being written arrives before its writer has ended.
test_a_live_log_arrives_as_it_is_written() {
	: >log
	mkfifo port
	"$KT_BUSYBOX" ktdump -p port -f log 2>err &
	pid=$!
	exec 3<port
	echo first >>log
	assertEquals "frame" 26 "$(timeout 20 head -c 26 <&3 | wc -c)"
	printf second >>log
	kill -TERM "$pid"
	cat <&3 >rest
	end_of "$pid"
	assertEquals 0 "$status"
	assert_matches second rest
	exec 3<&-
}

test_a_history_is_sent_from_its_start_as_it_grows() {
	echo old >log
	mkfifo port
	"$KT_BUSYBOX" ktdump -p port -H -f log 2>err &
	pid=$!
	exec 3<port
	assertEquals "frame" 24 "$(timeout 20 head -c 24 <&3 | tee first | wc -c)"
	echo new >>log
	kill -TERM "$pid"
	cat first - <&3 >stream
	end_of "$pid"
	assertEquals 0 "$status"
	exec 3<&-
	assertEquals "types" "history history" "$(types_in stream)"
	run_kt ktrecv -d d stream
	assert_same_bytes log d/history
}

test_a_live_log_ends_with_its_writer_and_is_whole() {
	: >log
	: >port
	mkfifo gate
	sh -c 'read -r go <gate; head -c 500000 /dev/zero | tr "\0" x; echo end' >>log &
	writer=$!
	"$KT_BUSYBOX" ktdump -p port -f log -P "$writer" &
	pid=$!
	echo go >gate
	end_of "$pid"
	assertEquals 0 "$status"
	run_kt ktrecv -d d port
	assert_same_bytes log d/sched.log
	assert_same_bytes log d/sched-1.log
}

test_a_truncated_live_log_goes_on_and_says_so() {
	echo 'the first text is long' >log
	mkfifo port
	"$KT_BUSYBOX" ktdump -p port -f log 2>ktdump.err &
	pid=$!
	exec 3<port
	timeout 20 head -c 43 <&3 >first
	echo short >log
	timeout 20 head -c 40 <&3 >said
	kill -TERM "$pid"
	cat first said - <&3 >stream
	exec 3<&-
	end_of "$pid"
	run_kt ktrecv -d d stream
	assert_matches 'truncated here, after 23 bytes' d/sched.log
	assertEquals short "$(tail -n 1 d/sched.log)"
	assert_matches "ktdump: 'log' was truncated" ktdump.err
}

# What a kernel panic may find unread: its writer can't get further ahead of the port than this.
test_the_writer_of_a_fifo_is_at_most_a_page_ahead() {
	mkfifo log port
	"$KT_BUSYBOX" ktdump -p port -f log 2>err &
	pid=$!
	exec 3<port
	{ bytes 120000 >log; : >written; } &
	writer=$!
	a_moment
	assertFalse "the writer is done" "[ -e written ]" # it would be, if the log held as much as the port: 64 KiB
	timeout "$KT_CEILING" "$KT_BUSYBOX" ktrecv -d d - <&3 &
	reader=$!
	wait "$writer"
	kill -TERM "$pid"
	end_of "$pid"
	assertEquals 0 "$status"
	exec 3<&-
	wait "$reader"
	bytes 120000 >expected
	assert_same_bytes expected d/sched.log
	assert_empty err
}

test_a_terminal_keeps_the_lines_of_a_writer_that_is_killed_and_all_bytes() {
	"$KT_BUSYBOX" ktdump -p port -t -f log 2>err &
	pid=$!
	wait_latch log_ready
	assertTrue "a terminal" "[ -c log ]"
	"$KT_PYTHON" -c 'import os, signal
print("the last line")
os.kill(os.getpid(), signal.SIGKILL)' >log 2>/dev/null
	bytes 300000 >data
	cat data >log
	kill -TERM "$pid"
	end_of "$pid"
	assertEquals "status: $(cat err)" 0 "$status"
	encode exit#i32:0 >>port
	run_kt ktrecv -d d port
	{ echo 'the last line' && cat data; } >wanted
	assert_same_bytes wanted d/sched-1.log
}

test_a_fifo_outlives_its_writers() {
	mkfifo log
	: >port
	"$KT_BUSYBOX" ktdump -p port -f log -c copy &
	pid=$!
	echo first >log
	echo second >log
	kill -TERM "$pid"
	end_of "$pid"
	assertEquals 0 "$status"
	run_kt ktrecv -d d port
	assert_file_text "$(printf 'first\nsecond')" d/sched.log
	assert_same_bytes copy d/sched.log
}

test_the_copy_of_a_log_keeps_the_newest_bytes_only() {
	mkfifo log
	: >port
	echo 'from an earlier run' >copy
	"$KT_BUSYBOX" ktdump -p port -f log -c copy &
	pid=$!
	{ bytes 4194304; echo the end; } >log
	kill -TERM "$pid"
	end_of "$pid"
	run_kt ktrecv -d d port
	assertEquals "on the host" 4194312 "$(wc -c <d/sched.log)"
	assertEquals "in the guest" '[ktdump: the host has what was written before this]' "$(head -n 1 copy)"
	assertEquals 'the end' "$(tail -n 1 copy)"
}

test_a_copy_that_can_not_be_written_does_not_keep_the_log_from_the_host() {
	mkfifo log
	: >port
	"$KT_BUSYBOX" ktdump -p port -f log -c /dev/full 2>err &
	pid=$!
	echo first >log
	kill -TERM "$pid"
	end_of "$pid"
	assertEquals 0 "$status"
	assert_matches "unable to write '/dev/full'" err
	run_kt ktrecv -d d port
	assert_file_text first d/sched.log
}

# More of them than the port's queue holds, so that the frame before them has left it.
test_ktsend_b_passes_the_queue_after_its_frame() {
	run_kt ktsend -b -p port exit 3
	assert_status 0
	assertEquals 'exit 4 3' "$(decode port | head -n 1)"
	assertEquals 256 "$(decode port | grep -c '^barrier 0')"
	assertEquals 257 "$(decode port | wc -l)"
	run_kt ktrecv -d d port
	assertEquals "behind the exit frame nothing counts" 1 "$(key frames)"
}

test_live_logs_blocks_and_texts_do_not_mix() {
	encode 'sched-live=\x07\x00\x00\x00one ' 'sched-log====SCHED_OUTPUT_START===' \
		'sched-live=\x08\x00\x00\x00two ' sched-log=block 'sched-log====SCHED_OUTPUT_END===' \
		'sched-live=\x07\x00\x00\x00more' exit#i32:0 >stream
	run_kt ktrecv -d d stream
	assert_file_text 'one more' d/sched-1.log
	assert_file_text block d/sched-2.log
	assert_file_text 'two ' d/sched-3.log
	assertEquals 3 "$(key sched_log_blocks)"
}

test_ejection_makes_a_death_and_no_other_attach_takes_it_back() {
	encode 'sched-state=attached ms=1 name=demo' \
		'sched-state=ejected ms=2 name=demo kind=1026 reason=runnable task stall' exit#i32:0 >stream
	run_kt ktrecv -d d stream
	assertEquals true "$(key scheduler_ejected)"
	assertEquals '"runnable task stall"' "$(key scheduler_ejected_reason)"
	assertEquals true "$(key scheduler_died)"
	encode 'sched-state=ejected ms=2 name=demo kind=67 reason=disabled by sysrq-S' \
		'sched-state=attached ms=3 name=demo' exit#i32:0 >stream
	run_kt ktrecv -d d stream
	assertEquals true "$(key scheduler_ejected)"
	assertEquals true "$(key scheduler_died)"
}

test_a_detach_and_another_attach_are_a_restart_and_no_death() {
	encode 'sched-state=attached ms=1 name=demo' \
		'sched-state=detached ms=2 name=demo kind=66 reason=unregistered from the main kernel' \
		'sched-state=attached ms=3 name=demo' exit#i32:0 >stream
	run_kt ktrecv -d d stream
	assertEquals 1 "$(key scheduler_restarts)"
	assertEquals false "$(key scheduler_died)"
}

test_sub_schedulers_have_states_of_their_own() {
	encode 'sched-state=attached ms=1 name=demo' 'sched-state=sub-attached ms=2 sub=28 name=qmap cgroup=/a%20b' \
		'sched-state=sub-attached ms=3 sub=29 name=qmap cgroup=/c' \
		'sched-state=sub-ejected ms=4 sub=28 name=qmap kind=1025 reason=scx_bpf_error: sub=29 dies' \
		'sched-state=sub-nonsense sub=1 name=x' exit#i32:0 >stream
	run_kt ktrecv -d d stream
	assertEquals '[{"id":28,"state":"ejected","kind":1025,"name":"qmap","cgroup":"/a b","reason":"scx_bpf_error: sub=29 dies"},{"id":29,"state":"attached","kind":0,"name":"qmap","cgroup":"/c","reason":null}]' \
		"$(key sub_schedulers)"
	assertEquals false "$(key scheduler_died)"
	assertEquals false "$(key scheduler_ejected)"
}

test_a_second_monitor_has_latches_of_its_own() {
	run_kt ktexitmon -p port -n second -l log sh -c 'echo hello; exit 5'
	assert_status 5
	assert_latch second_exited
	assert_latch second_log_owned
	assert_no_latch sched_exited
	run_kt ktexitmon -p port -n ../x true
	assert_status 1
}

test_a_relay_without_its_port_ends_in_peace() {
	run_kt ktrelay no-such-port socket
	assert_status 0
	assert_empty err
}

. shunit2

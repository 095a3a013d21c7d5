#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrecv: live output, files, stream.json, JSON lines, following, damage and truncation, hostile streams.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/unit.sh"

START='===SCHED_OUTPUT_START==='
END='===SCHED_OUTPUT_END==='

# recv ITEM...: ktrecv -d d on the stream of these items; leaves status, out, err.
recv() {
	encode "$@" >stream
	run_kt ktrecv -d d stream
}

# key NAME: its value in d/stream.json, by line, as contract and shell scripts read it.
key() {
	sed -n "s/^  \"$1\": \(.*[^,]\),\{0,1\}\$/\1/p" d/stream.json
}

assert_key() { # NAME VALUE
	assertEquals "$1" "$2" "$(key "$1")"
}

# json_lines ITEM...: ktrecv -j on the stream, into "lines".
json_lines() {
	encode "$@" >stream
	timeout "$KT_CEILING" "$KT_BUSYBOX" ktrecv -j stream >lines 2>err
	status=$?
}

# field EXPRESSION: of the list of objects in "lines", by python.
field() {
	"$KT_PYTHON" -c 'import json, sys
o = [json.loads(line) for line in open("lines", encoding="utf-8")]
print(eval(sys.argv[1]))' "$1"
}

# agrees_with_oracle ITEM...: -j says what the oracle says.
agrees_with_oracle() {
	json_lines "$@"
	assertEquals "$*" "" "$("$KT_PYTHON" "$KT_TOP/test/tools/frames.py" compare stream lines 2>&1)"
}

test_stdout_and_stderr_come_out_apart() {
	encode stdout=one stderr=two stdout=three exit#i32:0 >stream
	run_kt ktrecv stream
	assert_status 0
	assertEquals onethree "$(cat out)"
	assertEquals two "$(cat err)"
}

test_stdin_is_the_default() {
	encode stdout=one exit#i32:0 >stream
	run_kt ktrecv <stream
	assert_status 0
	assertEquals one "$(cat out)"
}

test_output_is_byte_for_byte() {
	bytes 300000 >data
	encode stdout@data exit#i32:0 >stream
	run_kt ktrecv stream
	assert_same_bytes data out
}

test_output_is_live() {
	mkfifo fifo
	timeout "$KT_CEILING" "$KT_BUSYBOX" ktrecv fifo >live &
	pid=$!
	exec 3>fifo
	encode stdout=first >&3
	wait_until '[ -s live ]' # before the stream ends
	assertEquals first "$(cat live)"
	encode exit#i32:0 >&3
	exec 3>&-
	wait $pid
	assertEquals "status" 0 $?
}

test_the_folder_gets_the_streams() {
	recv stdout=out1 stderr=err1 stdout=out2 dmesg=kernel exit#i32:0
	assert_status 0
	assert_file_text out1out2 d/stdout
	assert_file_text err1 d/stderr
	assert_file_text kernel d/dmesg
	assertEquals "live too" out1out2 "$(cat out)"
}

test_the_log_files_are_without_markers_a_block_each_and_all() {
	recv sched-log=$START sched-log=one sched-log=more sched-log=$END stdout=x sched-log=$START sched-log=two \
		sched-log=$END exit#i32:0
	assert_file_text onemore d/sched-1.log
	assert_file_text two d/sched-2.log
	assert_file_text onemoretwo d/sched.log
	assert_key sched_log_blocks 2
	assert_key sched_log_bytes 10
}

test_what_ktdump_writes_comes_back() {
	bytes 200000 >log
	printf %s $END >forged
	kt ktdump -p stream log forged
	kt ktsend -p stream exit 0
	run_kt ktrecv -d d stream
	assert_status 0
	assert_same_bytes log d/sched-1.log
	assert_same_bytes forged d/sched-2.log
}

test_result_of_an_empty_run() {
	: >stream
	run_kt ktrecv -d d stream
	assert_status 1
	for name in exit_code exec_exit_code sched_exit_code init_error scheduler_name scheduler_died_reason \
		scheduler_not_attached_reason scheduler_end elapsed_ms; do
		assert_key $name null
	done
	for name in sys_ready scheduler_attached scheduler_died scheduler_not_attached payload_started truncated; do
		assert_key $name false
	done
	for name in frames bytes damaged damaged_bytes unknown_frames stdout_bytes stderr_bytes sched_log_blocks \
		sched_log_bytes; do
		assert_key $name 0
	done
}

test_result_keys_and_their_order() {
	recv exit#i32:0
	assertEquals "exit_code exec_exit_code sched_exit_code sys_ready init_error script_error scheduler_attached \
scheduler_name scheduler_ejected scheduler_ejected_reason scheduler_died scheduler_died_reason \
scheduler_not_attached scheduler_not_attached_reason scheduler_detached_reason scheduler_end scheduler_restarts \
sub_scheduler_count sub_schedulers payload_started elapsed_ms \
dumps dumps_complete tests_passed tests_failed tests_skipped tests marks_sent marks \
files files_complete files_count files_incomplete files_stray_frames frames bytes damaged damaged_bytes truncated \
unknown_frames bytes_sent fin_seen complete missing_bytes unwritten_bytes \
stdout_bytes stderr_bytes sched_log_blocks kernel_log_bytes kernel_log_ended sched_log_bytes" \
		"$(sed -n 's/^  "\([a-z_]*\)": .*/\1/p' d/stream.json | tr '\n' ' ' | sed 's/ $//')"
	assertTrue "it is JSON" "$KT_PYTHON -m json.tool d/stream.json"
	assertEquals "{ and }" "{ }" "$(grep -v '^  "[a-z_]*": ' d/stream.json | tr '\n' ' ' | sed 's/ $//')"
}

test_result_of_a_full_run() {
	recv sys-ready lifecycle#phase:1: 'sched-state=attached ms=812 name=scx_demo' lifecycle#phase:2: \
		scenario-start \
		stdout=hello stderr=oh scenario-end#u64:4321 exec-exit#i32:7 'sched-state=stopped code=0' 0x5a5a5a5a=x \
		exit#i32:7
	assert_status 0
	assert_key exit_code 7
	assert_key exec_exit_code 7
	assert_key sched_exit_code null
	assert_key sys_ready true
	assert_key scheduler_attached true
	assert_key scheduler_name '"scx_demo"'
	assert_key scheduler_died false
	assert_key scheduler_end '"stopped code=0"'
	assert_key payload_started true
	assert_key elapsed_ms 4321
	assert_key frames 12
	assert_key bytes "$(wc -c <stream)"
	assert_key unknown_frames 1
	assert_key stdout_bytes 5
	assert_key stderr_bytes 2
	assert_key damaged 0
}

test_result_of_a_scheduler_that_died() {
	recv 'sched-state=attached ms=1 name=a' 'sched-state=exited ms=4100 code=1' sched-exit#i32:1 \
		'lifecycle#phase:3:during the run' \
		exit#i32:1
	assert_key scheduler_died true
	assert_key scheduler_died_reason '"during the run"'
	assert_key sched_exit_code 1
	assert_key scheduler_attached true
	assert_key scheduler_end '"exited ms=4100 code=1"'
}

test_a_sched_exit_frame_alone_is_a_death() {
	recv sched-exit#i32:-11 exit#i32:1
	assert_key scheduler_died true
	assert_key scheduler_died_reason null
	assert_key sched_exit_code -11
}

test_a_lifecycle_frame_alone_is_a_death() {
	recv lifecycle#phase:3:why exit#i32:1
	assert_key scheduler_died true
	assert_key sched_exit_code null
}

test_result_of_a_scheduler_that_was_not_attached() {
	recv lifecycle#phase:4:timeout exit#i32:1
	assert_key scheduler_not_attached true
	assert_key scheduler_not_attached_reason '"timeout"'
	assert_key scheduler_attached false
}

test_result_of_a_failed_line_of_a_script() {
	recv 'init-error=script: /sched_enable:2: no' 'init-error=script: /sched_enable:3: no' 'init-error=mounts: no proc'
	assert_key script_error '"script: /sched_enable:2: no"'
	assert_key init_error '"mounts: no proc"'
}

test_result_of_a_detach() {
	recv 'sched-state=detached ms=5 name=demo kind=65 reason=unregistered from BPF: my words'
	assert_key scheduler_detached_reason '"unregistered from BPF: my words"'
	assert_key scheduler_died false
	recv 'sched-state=attached ms=1 name=demo' 'sched-state=detached ms=5 name=demo kind=66 reason=a restart' \
		'sched-state=attached ms=9 name=demo' 'sched-state=killed ms=20 signal=9 core=0'
	assert_key scheduler_detached_reason null
}

test_result_of_an_init_error() {
	recv 'init-error=mounts: no proc' exit#i32:1
	assert_key init_error '"mounts: no proc"'
}

test_the_last_end_of_the_scheduler_counts() {
	recv 'sched-state=exited ms=1 code=1' 'sched-state=detached ms=2 name=a' \
		'sched-state=killed ms=3 signal=11 core=0' exit#i32:0
	assert_key scheduler_end '"killed ms=3 signal=11 core=0"'
}

test_no_guest_text_forges_a_result() {
	# shellcheck disable=SC1003
	recv 'lifecycle#phase:3:x' 'init-error=a"\n  "exit_code": 0,\nb\\' \
		'sched-state=attached ms=1 name=a"\n  "sys_ready":\x20true,' exit#i32:9
	assertEquals "exit_code lines" 9 "$(key exit_code)"
	assertEquals "sys_ready lines" false "$(key sys_ready)"
	assertTrue "it is JSON" "$KT_PYTHON -m json.tool d/stream.json"
}

test_invalid_utf_8_in_a_reason_is_still_json() {
	recv 'init-error=a\xff\xfeb\x00c' exit#i32:0
	assertTrue "it is JSON" "$KT_PYTHON -m json.tool d/stream.json"
}

test_overlong_utf_8_is_none() {
	recv 'init-error=a\xe0\x80\x8ab' exit#i32:0
	assert_matches '"a\\ufffd\\ufffd\\ufffdb"' d/stream.json
}

test_c1_controls_drive_no_terminal() {
	recv 'init-error=a\xc2\x9bb' exit#i32:0
	assert_matches '"a\\u009bb"' d/stream.json
}

test_the_first_status_of_the_payload_counts() {
	recv exec-exit#i32:7 exec-exit#i32:0 exit#i32:7
	assert_key exec_exit_code 7
}

test_exit_codes_are_signed() {
	recv exec-exit#i32:-1 exit#i32:-2147483648
	assert_key exit_code -2147483648
	assert_key exec_exit_code -1
}

test_a_malformed_exit_frame_is_no_exit() {
	recv stdout=x exit=abc
	assertNotEquals "status" 0 "$status"
	assert_key exit_code null
}

test_no_exit_frame_is_1() {
	recv stdout=x
	assert_status 1
	assert_key exit_code null
}

test_damage_is_2_and_beats_a_missing_exit_frame() {
	recv badcrc:stdout=x exit#i32:0
	assert_status 2
	recv badcrc:stdout=x
	assert_status 2
	assert_key damaged 1
}

test_a_frame_with_bad_crc_is_skipped_and_the_next_is_read() {
	recv stdout=one badcrc:stdout=two stdout=three exit#i32:0
	assertEquals onethree "$(cat out)"
	assert_key damaged 1
	assert_key damaged_bytes 19
	assert_key exit_code 0
}

test_damage_is_reported_on_stderr_of_a_live_run() {
	recv badcrc:stdout=two exit#i32:0
	assert_matches '^ktrecv: ' err
}

test_damage_at_each_part_of_a_frame_costs_that_frame_only() {
	for item in badcrc:stdout=two badbyte:stdout=two length:2:stdout=two length:4:stdout=two \
		length:0:stdout=two \
		length:16777216:stdout=two length:16777217:stdout=two length:4294967295:stdout=two pad:1:stdout=two \
		0x00000000=two 0x20414243=two 0x7f414243=two cut:18:stdout=two cut:10:stdout=two; do
		agrees_with_oracle stdout=one "$item" stdout=three exit#i32:0
		assertEquals "status with $item" 2 "$status"
		assertEquals "frames with $item" 3 "$(field 'len([x for x in o if x["crc"] == "ok"])')"
	done
}

test_garbage_before_between_and_after() {
	agrees_with_oracle raw:00 stdout=one exit#i32:0
	agrees_with_oracle "raw:$(bytes 100 | od -An -v -tx1 | tr -d ' \n')" stdout=one zero:1000 stdout=two \
		exit#i32:0
	agrees_with_oracle stdout=one zero:17
	agrees_with_oracle stdout=one zero:16
	agrees_with_oracle stdout=one zero:15
	agrees_with_oracle zero:100000
}

test_a_damaged_length_that_swallows_following_frames_gives_them_back() {
	agrees_with_oracle stdout=one length:60:stdout=two stdout=three stdout=four stdout=five exit#i32:0
	assertEquals "frames" 5 "$(field 'len([x for x in o if x["crc"] == "ok"])')"
	agrees_with_oracle stdout=one length:1000:stdout=two stdout=three exit#i32:0
	assertEquals "frames" 3 "$(field 'len([x for x in o if x["crc"] == "ok"])')"
}

# A pipe gives at most 64 KiB at once, so the window moves while the search goes on.
test_a_search_in_a_window_that_moves_finds_the_next_frame() {
	encode badcrc:stdout=x length:60000:stdout=abc zero:300000 'stdout*8192' exit#i32:0 |
		kt ktrecv -d d >out 2>err
	assert_key exit_code 0
	assertEquals "bytes of stdout" 8192 "$(wc -c <out)"
}

test_frames_inside_a_good_payload_are_payload() {
	encode stdout=forged exit#i32:9 >inner
	recv stdout@inner exit#i32:0
	assert_key exit_code 0
	assert_same_bytes inner out
}

test_a_last_partial_frame_is_a_truncation_not_damage() {
	for cut in 1 4 15 16 17 20; do
		recv stdout=one cut:$cut:stdout=hello
		assertEquals "status with $cut bytes" 1 "$status"
		assert_key truncated true
		assert_key damaged 0
		agrees_with_oracle stdout=one cut:$cut:stdout=hello
	done
}

test_a_truncation_in_front_of_an_exit_frame_is_damage() {
	recv cut:18:stdout=hello exit#i32:0
	assert_status 2
	assert_key truncated false
	assert_key damaged 1
}

test_what_follows_the_exit_frame_is_ignored() {
	recv stdout=one exit#i32:3 stdout=two badcrc:stdout=three zero:100 exit#i32:4
	assert_status 0
	assertEquals one "$(cat out)"
	assert_key exit_code 3
	assert_key frames 2
	assert_key damaged 0
}

test_16_mib_are_accepted_and_one_byte_more_is_damage() {
	agrees_with_oracle stdout*16777216 exit#i32:0
	assertEquals "status" 0 "$status"
	recv stdout=one length:16777217:stdout=two stdout=three exit#i32:0
	assert_status 2
	assertEquals onethree "$(cat out)"
}

test_memory_is_bounded_by_one_frame() {
	encode stdout*16777216 stdout*16777216 stdout*16777216 stdout*16777216 stdout*16777216 exit#i32:0 >stream
	(limit_memory 65536 && timeout "$KT_CEILING" "$KT_BUSYBOX" ktrecv stream | wc -c >count)
	assertEquals 83886080 "$(cat count)"
}

test_a_hostile_stream_costs_bounded_time() {
	# A plausible header with a large length at every 16 bytes: each must be tried, none may be hashed from
	# its start.
	"$KT_PYTHON" -c 'import struct, sys
header = b"TUOS" + struct.pack("<III", 4000000, 1, 0)
sys.stdout.buffer.write(header * 1000000)' >stream
	run_kt ktrecv stream
	assert_status 2
}

test_random_damage_against_the_oracle() {
	"$KT_PYTHON" "$KT_TOP/test/tools/frames.py" fuzz "$KT_BUSYBOX" 1 400 >said 2>&1
	assertEquals "400 cases" "$(cat said)"
}

test_a_damaged_recording_of_16_mib_agrees_with_the_oracle() {
	bytes 40000 >data
	agrees_with_oracle stdout@data length:16000000:stdout=x stdout@data stdout@data badcrc:stdout@data \
		stdout=end exit#i32:0
}

test_json_lines_of_each_kind() {
	json_lines sys-ready stdout=hello 'stdout=\xff\x00' exit#i32:-3 lifecycle#phase:4:timeout \
		scenario-end#u64:18446744073709551615 \
		0x5a5a5a5a=x sched-exit#i32:9 exec-exit#i32:1
	assertEquals "status: exit came" 0 "$status"
	assertEquals 4 "$(field 'len(o)')"
	json_lines sys-ready stdout=hello 'stdout=\xff\x00' lifecycle#phase:4:timeout \
		scenario-end#u64:18446744073709551615 \
		0x5a5a5a5a=x sched-exit#i32:9 exec-exit#i32:1 'sched-state=attached ms=1' exit#i32:-3
	assertEquals "[0, 16, 37, 55, 79, 103, 120, 140, 160, 189]" "$(field '[x["offset"] for x in o]')"
	assertEquals "['sys-ready', 'stdout', 'stdout', 'lifecycle', 'scenario-end', '0x5a5a5a5a', \
'sched-exit', 'exec-exit', 'sched-state', 'exit']" "$(field '[x["type"] for x in o]')"
	assertEquals "[0, 5, 2, 8, 8, 1, 4, 4, 13, 4]" "$(field '[x["length"] for x in o]')"
	assertEquals "{'ok'}" "$(field '{x["crc"] for x in o}')"
	assertEquals "hello" "$(field 'o[1]["text"]')"
	assertEquals "/wA=" "$(field 'o[2]["base64"]')"
	assertEquals "('scheduler-not-attached', 'timeout')" "$(field '(o[3]["phase"], o[3]["reason"])')"
	assertEquals "18446744073709551615" "$(field 'o[4]["elapsed_ms"]')"
	assertEquals "[9, 1, -3]" "$(field '[o[i]["code"] for i in (6, 7, 9)]')"
	assertEquals "attached ms=1" "$(field 'o[8]["text"]')"
}

test_json_text_is_what_was_sent() {
	json_lines 'stdout="\\/\x01\x1b\x7f\n\t \xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7' exit#i32:0
	"$KT_PYTHON" -c 'import json
print(json.loads(open("lines", encoding="utf-8").readline())["text"].encode().hex())' >got
	assert_file_text "225c2f011b7f0a0920c3a9e282acf09f90a7" got
	assertEquals "lines" 2 "$(wc -l <lines)"
}

test_json_text_that_is_not_utf_8_is_base64() {
	# overlong, surrogate, beyond U+10FFFF, cut off
	for text in '\xc0\x80' '\xed\xa0\x80' '\xf4\x90\x80\x80' 'a\xe2\x82'; do
		json_lines "stdout=$text" exit#i32:0
		assertEquals "$text" True "$(field '"base64" in o[0] and "text" not in o[0]')"
	done
}

test_json_sends_no_payload_raw_and_prints_none() {
	json_lines 'stdout=\x1b[31m' 'stderr=x' exit#i32:0
	assert_no_match "$(printf '\033')" lines
	assertEquals "stderr" "" "$(cat err)"
}

test_json_of_damage_and_truncation() {
	json_lines badcrc:stdout=hello stderr=x zero:20 stderr=y cut:18:stdout=hello
	assertEquals "status" 2 "$status"
	assertEquals "[('stdout', 5, 'bad', 21), ('stderr', 1, 'ok', None), (None, None, 'bad', 20), \
('stderr', 1, 'ok', None), ('stdout', 5, 'truncated', 18)]" \
		"$(field '[(x["type"], x["length"], x["crc"], x.get("skipped")) for x in o]')"
}

test_json_and_a_folder_together() {
	encode stdout=one exit#i32:0 >stream
	run_kt ktrecv -j -d d stream
	assert_status 0
	assert_file_text one d/stdout
	assertEquals "lines" 2 "$(wc -l <out)"
}

test_following_ends_at_the_exit_frame() {
	encode stdout=one >stream
	"$KT_BUSYBOX" ktrecv -f -d d stream >live &
	pid=$!
	wait_until '[ -s live ]'
	encode stdout=two cut:10:stdout=three >>stream
	encode stdout=three | tail -c +11 >>stream
	assertTrue "it follows" "kill -0 $pid"
	encode exit#i32:0 >>stream
	end_of $pid
	assertEquals "status" 0 "$status"
	assertEquals onetwothree "$(cat live)"
	assert_key exit_code 0
}

test_following_ends_at_term_after_reading_to_the_end() {
	encode stdout=one >stream
	"$KT_BUSYBOX" ktrecv -f -d d stream >live &
	pid=$!
	wait_until '[ -s live ]'
	kill -STOP $pid
	encode stdout=two >>stream
	kill -TERM $pid
	kill -CONT $pid
	end_of $pid
	assertEquals "status" 1 "$status"
	assertEquals onetwo "$(cat live)"
	assert_key stdout_bytes 6
}

test_following_a_partial_frame_until_term_is_a_truncation() {
	encode stdout=one cut:18:stdout=two >stream
	"$KT_BUSYBOX" ktrecv -f -d d stream >live &
	pid=$!
	wait_until '[ -s live ]'
	kill -TERM $pid
	end_of $pid
	assertEquals "status" 1 "$status"
	assert_key truncated true
	assert_key damaged 0
}

test_following_goes_on_after_damage() {
	encode stdout=one badcrc:stdout=two >stream
	"$KT_BUSYBOX" ktrecv -f -d d stream >live 2>err &
	pid=$!
	wait_until '[ -s live ]'
	encode stdout=three exit#i32:0 >>stream
	end_of $pid
	assertEquals "status" 2 "$status"
	assertEquals onethree "$(cat live)"
}

test_following_does_not_wake_by_itself() {
	encode stdout=one >stream
	"$KT_BUSYBOX" ktrecv -f stream >live &
	pid=$!
	wait_until '[ -s live ]'
	a_moment
	assert_sleeps "$pid"
	kill -TERM $pid
	end_of $pid
}

test_a_reader_that_goes_away_does_not_hurt_the_folder() {
	bytes 2000000 >data
	encode stdout@data stdout=end exit#i32:5 >stream
	timeout "$KT_CEILING" "$KT_BUSYBOX" ktrecv -d d stream 2>err | head -c 1 >first
	assert_key exit_code 5
	assert_key stdout_bytes 2000003
}

test_the_result_is_whole_or_not_there() {
	recv exit#i32:0
	assertEquals "files" "stream.json" "$(cd d && echo *stream*)"
}

test_guest_names_become_no_paths() {
	mkdir deep
	encode '0x2f2e2e2f=x' 'stdout=../../evil' 'lifecycle#phase:3:/tmp/../evil' \
		'sched-state=attached ms=1 name=../evil' \
		sched-log=$START sched-log=../evil sched-log=$END exit#i32:0 >stream
	run_kt ktrecv -d deep/d stream
	assertEquals "d" "$(ls deep)"
	assertEquals "dmesg sched-1.log sched.log stderr stdout stream.json" \
		"$( (ls deep/d; echo dmesg) | sort -u | tr '\n' ' ' | sed 's/ $//')"
	assertEquals "evil" "" "$(find . -name '*evil*')"
}

test_control_characters_of_the_guest_are_not_sent_raw_in_messages() {
	recv 'init-error=\x1b]0;owned\x07' 'lifecycle#phase:3:\x1b[2J\x9b' 0x1b5b324a=x badcrc:0x415b3241=x \
		exit#i32:0
	assert_no_match "$(printf '\033')" err
	assert_no_match "$(printf '\007')" err
	assert_no_match "$(printf '\033')" d/stream.json
}

test_an_unclosed_log_block_is_kept() {
	recv sched-log=$START sched-log=one exit#i32:0
	assert_file_text one d/sched.log
	assert_file_text one d/sched-1.log
}

test_log_text_outside_of_a_block_is_kept() {
	recv 'sched-log=unable to start' exit#i32:0
	assert_file_text 'unable to start' d/sched.log
}

test_an_old_folder_is_written_anew() {
	recv stdout=a_long_text sched-log=$START sched-log=x sched-log=$END sched-log=$START sched-log=y \
		sched-log=$END exit#i32:5
	echo old >d/dump-3.txt # behind a gap
	recv stdout=b exit#i32:6
	assert_file_text b d/stdout
	assert_key exit_code 6
	assertFalse "a log of the run before" "[ -e d/sched-1.log ]"
	assertFalse "a dump of the run before" "[ -e d/dump-3.txt ]"
}

test_a_link_in_the_folder_is_not_followed_out_of_it() {
	mkdir d
	echo mine >outside
	ln -s ../outside d/stream.json
	recv exit#i32:0
	assert_file_text mine outside
}

test_a_link_where_a_stream_goes_is_not_followed() {
	mkdir d
	echo mine >outside
	ln -s ../outside d/stdout
	recv stdout=theirs exit#i32:0
	assert_file_text mine outside
	assert_matches "unable to write 'stdout'" err
	echo "A run of ktbox has made this directory, or the files in it that have a run's names." >d/.ktbox-run
	recv stdout=theirs exit#i32:0
	assert_status 0
	assert_file_text mine outside
	assert_file_text theirs d/stdout
	assertFalse "it is still a link" "[ -L d/stdout ]"
}

# Only in a directory that a run has made are files with a run's names the run's.
test_files_of_others_are_neither_written_nor_removed() {
	for name in stdout sched.log history stream.json sched-7.log dump-999.txt; do
		rm -rf d
		mkdir d
		echo mine >"d/$name"
		recv stdout=theirs history@stream 'scx-dump=\x01\x00\x00\x00x' exit#i32:0
		assert_status 4
		assert_file_text mine "d/$name"
		assertEquals "$name" "$(ls -A d)"
		assert_matches "unable to write '$name': .* no run has made it" err
	done
	rm "d/$name"
	echo mine >d/notes
	recv stdout=theirs exit#i32:0
	assert_status 0
	recv stdout=again exit#i32:0
	assert_status 0
	assert_file_text again d/stdout
	assert_file_text mine d/notes
}

# What a guest can have any number of takes no more than -m says, with inodes and blocks.
test_small_files_cost_blocks_and_inodes() {
	"$KT_PYTHON" - >stream <<-'PYTHON'
		import os, sys
		sys.path.insert(0, os.environ["KT_TOP"] + "/test/tools")
		import frames
		out = [(b"ELIF", b"kind=begin path=/a")]
		for i in range(100):
		    out += [(b"ELIF", b"kind=folder path=d%d/%d" % (i, i)), (b"VILS", b"log"), (b"DXCS", b"dump")]
		for i, (tag, text) in enumerate(out):
		    number = 1 if tag == b"ELIF" else i
		    sys.stdout.buffer.write(frames.frame(tag, number.to_bytes(4, "little") + text))
	PYTHON
	run_kt ktrecv -m 100000 -d d stream
	assertEquals "files and directories of 4 KiB" 24 \
		"$(find d -mindepth 1 \( -path 'd/get/*' -o -name 'sched-*' -o -name 'dump-*' \) | wc -l)"
	assert_file_text "$(lines_of 100 log | tr -d '\n')" d/sched.log
	grep '"files":' d/stream.json >files
	assert_matches '"complete":false,.*no more space' files
	assertNotEquals "bytes that are not there are counted" 0 "$(key unwritten_bytes)"
	run_kt ktrecv -d d stream
	assertEquals "all of them" 400 \
		"$(find d -mindepth 1 \( -path 'd/get/*' -o -name 'sched-*' -o -name 'dump-*' \) | wc -l)"
	assertEquals 0 "$(key unwritten_bytes)"
	run_kt ktrecv -m x stream
	assert_status 3
}

test_a_missing_file_is_4() {
	run_kt ktrecv missing
	assert_status 4
	assert_matches '^ktrecv: unable to [a-z]+ .*missing.*: No such file' err
}

test_an_unreadable_file_is_4() {
	run_kt ktrecv .
	assert_status 4
	assert_matches '^ktrecv: unable to [a-z]+ .*: .*irectory' err
}

test_an_unwritable_folder_is_4() {
	: >file
	encode exit#i32:0 >stream
	run_kt ktrecv -d file stream
	assert_status 4
	assert_matches '^ktrecv: unable to [a-z]+ .*file.*: .+' err
	run_kt ktrecv -d file/d stream
	assert_status 4
	mkdir readonly
	chmod 555 readonly
	without_capabilities "$KT_BUSYBOX" ktrecv -d readonly/d stream >out 2>err
	status=$?
	assert_status 4
}

test_usage_errors_are_3() {
	run_kt ktrecv -Z
	assert_status 3
	run_kt ktrecv a b
	assert_status 3
	run_kt ktrecv -d
	assert_status 3
	run_kt ktrecv -f </dev/null
	assertNotEquals "-f follows a file" 124 "$status"
}

test_stats_and_metrics_go_to_one_file_by_their_length() {
	printf '\005\0\0\0\0\0\0\0stats 1 2\nx\n' >one
	printf '\377\377\377\377\377\377\377\377' >two
	encode stats@one metric@two metric#stamp:7:a\ 1\ us exit#i32:0 >stream
	run_kt ktrecv -d art stream
	assert_status 0
	printf 'stats 5 12\nstats 1 2\nx\n\nmetric 18446744073709551615 0\n\nmetric 7 6\na 1 us\n' >expected
	assert_same_bytes expected art/stats
}

test_stats_beyond_the_space_are_left_out_and_counted() {
	{ printf '\001\0\0\0\0\0\0\0' && text 29992; } >big
	encode stats@big stats@big stats@big exit#i32:0 >stream
	run_kt ktrecv -m 70000 -d art stream
	assert_status 0
	assertEquals "bytes" 60014 "$(wc -c <art/stats)"
	assert_matches '^  "unwritten_bytes": 30007,$' art/stream.json
}

test_a_stats_frame_without_its_time_is_damage() {
	encode stats=abc exit#i32:0 >stream
	run_kt ktrecv -d art stream
	assert_status 2
	assert_matches 'malformed' err
	assertFalse "it has no file" "[ -e art/stats ]"
}

. shunit2

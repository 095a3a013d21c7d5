#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Marks and test cases on the wire: who sends them, and what the reader makes of them.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/unit.sh"

# sent ARG...: the frames that ktsend writes, with marks wanted.
sent() {
	KT_MARKS=1
	export KT_MARKS
	run_kt ktsend -p - "$@"
	unset KT_MARKS
	assert_status 0
	decode out >frames
}

test_no_mark_is_sent_where_none_is_wanted() {
	run_kt ktsend -p - lifecycle init-started
	assert_frames out 'lifecycle 1 1'
}

test_a_mark_stands_before_the_frame_of_its_event() {
	sent lifecycle payload-starting
	assert_matches '^mark [0-9]+ [0-9]+ payload-starting$' frames
	assert_matches '^lifecycle 1 2$' frames
	assertEquals 'mark lifecycle' "$(types_in out)"
	sent exec-exit 7
	assert_matches '^mark [0-9]+ [0-9]+ exec-exit$' frames
	assertEquals 'mark exec-exit' "$(types_in out)"
	sent sched-state 'stopped code=0'
	assert_matches '^mark [0-9]+ [0-9]+ stopped$' frames
}

test_nothing_comes_before_fin_and_no_stream_has_a_mark() {
	sent fin 12
	assertEquals fin "$(types_in out)"
	sent stdout hello
	assertEquals stdout "$(types_in out)"
}

test_a_mark_of_ones_own_has_the_time_since_boot() {
	before=$(clock_ms)
	sent mark 'half way'
	after=$(clock_ms)
	ms=$(sed -n 's/^mark [0-9]* \([0-9]*\) half way$/\1/p' frames)
	[ -n "$ms" ] && [ "$ms" -ge "$before" ] && [ "$ms" -le "$after" ]
	kt_verdict $? "mark at $ms, between $before and $after"
	run_kt ktsend -p - mark
	assert_error ktsend
}

test_the_reader_lists_marks_in_the_order_of_arrival() {
	encode 'mark#stamp:5:sys-ready' 'mark#stamp:3:b"c' 'exit#i32:0' >stream
	run_kt ktrecv -d d stream
	assert_matches '^  "marks_sent": 2,$' d/stream.json
	assert_matches '^  "marks": \[\{"ms":5,"what":"sys-ready"\},\{"ms":3,"what":"b\\"c"\}\],$' d/stream.json
}

test_a_mark_without_a_time_is_damage() {
	encode mark=short 'exit#i32:0' >stream
	run_kt ktrecv -d d stream
	assert_status 2
	assert_matches '^  "marks_sent": 0,$' d/stream.json
}

test_marks_of_a_flood_are_counted_and_the_first_are_kept() {
	{
		# shellcheck disable=SC2046  # a list of words
		encode $(lines_of 1500 'mark#stamp:1:x')
		encode 'exit#i32:0'
	} >stream
	run_kt ktrecv -d d stream
	assert_matches '^  "marks_sent": 1500,$' d/stream.json
	assertEquals 1000 "$(grep -o '"ms":1' d/stream.json | wc -l)"
}

test_a_test_case_of_an_unknown_status_has_failed() {
	encode 'test-case=status=passed\x20ms=3\x20file=a_test.sh\x20name=test_a\x20message=' \
		'test-case=status=skipped\x20ms=4\x20file=a_test.sh\x20name=test_b\x20message=no\x20"cpu"' \
		'test-case=status=passedx\x20ms=5\x20file=a_test.sh\x20name=test_c' \
		'test-case=message=status=passed' 'exit#i32:0' >stream
	run_kt ktrecv -d d stream
	assert_status 0
	"$KT_PYTHON" -c 'import json
r = json.load(open("d/stream.json"))
print(r["tests_passed"], r["tests_failed"], r["tests_skipped"])
for t in r["tests"]: print(t["status"], t["ms"], t["file"], t["name"], t["message"])' >got
	assert_file_text '1 2 1
passed 3 a_test.sh test_a 
skipped 4 a_test.sh test_b no "cpu"
failed 5 a_test.sh test_c None
failed 0 None None status=passed' got
}

. shunit2

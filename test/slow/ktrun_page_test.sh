#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --report: the page of a run, as a browser shows it: it loads nothing and runs nothing, fits a phone,
# follows light and dark, and no guest gets an element of its own into it.

# shellcheck disable=SC1091,SC2154,SC2086 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"

MARKS='mark#stamp:1700:sys-ready mark#stamp:2000:scheduler-started mark#stamp:2300:attached
	mark#stamp:2350:scenario-start mark#stamp:2400:wake:0xd1 mark#stamp:2500:dump-start-1
	mark#stamp:2501:dump-end-1 mark#stamp:2600:ejected mark#stamp:2900:scenario-end mark#stamp:3000:exit'

# browse FILE WIDTH SCHEME: leaves seen.json and the page's text.
browse() {
	mkdir "$TMPDIR/b" # a folder with a short path: the browser makes sockets there
	run env HOME="$TMPDIR/b" TMPDIR="$TMPDIR/b" "$KT_PYTHON" "$KT_TOP/test/tools/browser.py" "$@"
	assert_status 0
	rm -rf "$TMPDIR/b"
	mv out seen.json
	seen text >page.text
}

seen() { # KEY
	"$KT_PYTHON" -c 'import json, sys
value = json.load(open("seen.json"))[sys.argv[1]]
print(value if isinstance(value, (str, int)) else "\n".join(value))' "$1"
}

assert_fits() {
	[ "$(seen scroll_width)" -le "$(seen width)" ]
	kt_verdict $? "the page is $(seen scroll_width) wide in a window of $(seen width)"
}

assert_alone() {
	assertEquals "what the page loads" "" "$(seen requests)"
	assertEquals "what the browser complains of" "" "$(seen errors)"
	assertEquals "scripts" 0 "$(seen scripts)"
}

# a_bad_run: with all that a page can have.
a_bad_run() {
	printf '[    1.600000] Run /init as init process\r\n[    2.450000] WARNING: CPU: 0 PID: 1 at x.c:1 y+0x1/0x2\r\n' \
		>stub/console
	encode $READY $MARKS $ATTACHED $STARTED 'sched-live=\x01\0\0\0demo:\x20EXIT:\x20kind\x201025\n' \
		'scx-dump=\x01\0\0\0demo:\x20root\nyes[5]\x20triggered\x20exit\x20kind\x201025\x20on\x20CPU\x200:\n' \
		'scx-dump-end=number=1\x20type=error\x20kind=1025\x20complete=1\x20rule=counter\x20reason=it\x20broke' \
		$DIED $OUT7 $EXIT >stub/stream
	ktrun --report r.html -s "$KT_TOP/build/scx_demo" -- true
	assert_status 202
}

test_the_page_tells_the_run() {
	a_bad_run
	browse r.html 1200 light
	assertEquals 'H1 sched-died code 202
H2 Summary
H2 Timeline
H2 Reports of the kernel
H2 Logs
H2 Run
H2 Machine' "$(seen headings)"
	for words in 'the scheduler died during the run: it broke \(kind 1025\)' '^kernel boots 1.60 s' \
		'^scheduler is attached 0.30 s' '^wake bytes 0xd1 at 2.40 s' '^dump 1 0.00 s' '^ejected by the kernel at 2.60 s' \
		'^payload runs 0.55 s' 'yes\[5\] triggered exit kind 1025' 'demo: EXIT: kind 1025' 'WARNING: CPU: 0'; do
		assert_matches "$words" page.text
	done
	assertEquals "pictures with a title" 1 "$(seen pictures)"
	assert_alone
	assert_fits
}

test_the_page_fits_a_phone_and_follows_light_and_dark() {
	a_bad_run
	browse r.html 360 light
	assert_fits
	light=$(seen background)
	browse r.html 360 dark
	assert_fits
	assert_alone
	assertNotEquals "background" "$light" "$(seen background)"
}

test_the_flight_recorder_fits_a_phone_and_zooms_without_a_script() {
	encode $READY $ATTACHED $STARTED >stub/stream
	"$KT_PYTHON" "$KT_TOP/test/tools/recording.py" stream many >>stub/stream
	encode $OUT7 $EXIT >>stub/stream
	ktrun --trace --report r.html -s "$KT_TOP/build/scx_demo" -- true
	assert_status 7
	browse r.html 360 dark
	assert_fits
	assert_alone
	narrow=$(seen lane_width)
	sed 's/ checked>/>/; s/id="zoom16"/id="zoom16" checked/' r.html >zoomed.html
	browse zoomed.html 360 light
	assert_fits
	assert_alone
	wide=$(seen lane_width)
	assertTrue "at 16 times $narrow is $wide" "[ $wide -ge $((narrow * 16 - 16)) ] && [ $wide -le $((narrow * 16 + 16)) ]"
	assertNotEquals "where the window begins: at the end" 0 "$(seen lane_scroll)"
}

test_the_page_of_a_matrix_fits_a_phone_and_breaks_no_word_of_its_table() {
	streams $READY $STARTED $OUT7 $EXIT
	printf 'payload = a-payload-with-a-long-name true\n' >matrix
	run "$KTRUN" --matrix matrix -o "$PWD/m" --report r.html
	assert_status 1
	for width in 360 1200; do
		browse r.html $width dark
		assert_fits
		assert_alone
		assertEquals "lines in a cell" 1 "$(seen cell_lines)"
	done
}

test_the_look_sees_a_page_that_is_too_wide_and_loads_something() {
	echo '<!DOCTYPE html><p style="width:900px">x<script>0</script><img src="http://127.0.0.1:9/x.png">' >bad.html
	browse bad.html 360 light
	assertEquals http://127.0.0.1:9/x.png "$(seen requests)"
	[ "$(seen scroll_width)" -gt "$(seen width)" ]
	kt_verdict $? "the page is not too wide"
	assertEquals 1 "$(seen scripts)"
}

test_no_guest_gets_an_element_into_the_page() {
	nasty='</span></pre></style><script>document.title=1</script><img\x20src=http://127.0.0.1:9/x\x20onerror=1>"&\x1b\xff'
	streams $READY "mark#stamp:5:</text></svg><script>x</script>" "init-error=$nasty" "stdout=$nasty" "stderr=$nasty" \
		"sched-state=attached\\x20ms=1\\x20name=$nasty" "sched-live=\\x01\\0\\0\\0$nasty" $EXIT
	printf '[    1.0] WARNING: <script>x</script>\n<img src=http://127.0.0.1:9/y>\n' >stub/console
	ktrun --report r.html -- true
	browse r.html 360 light
	assert_alone
	assert_matches 'script>document.title=1</script>' page.text
	assert_fits
	assert_no_match "$(printf '\033')" r.html
}

test_a_page_of_a_guest_that_never_spoke_has_its_console() {
	printf '[    0.5] Kernel panic - not syncing: VFS\r\n' >stub/console
	ktrun --report r.html -- true
	assert_status 206
	assert_matches '<span class="hit">.*Kernel panic - not syncing: VFS' r.html
}

test_big_texts_are_bounded_and_what_is_left_out_is_said() {
	yes '[    0.5] a line of the console' | head -c 3000000 >stub/console
	streams $READY $STARTED stdout*32000 stdout*32000 stdout*32000 $OUT7 $EXIT
	ktrun --report r.html -- true
	assert_matches '\[\.\.\. 2934464 of 3000000 bytes left out \.\.\.\]' r.html
	assert_matches 'bytes of this line left out' r.html
	[ "$(wc -c <r.html)" -lt 400000 ]
	kt_verdict $? "r.html has $(wc -c <r.html) bytes"
}

test_a_replay_makes_the_same_page() {
	a_bad_run
	cp r.html first.html
	run "$KTRUN" --report r.html --replay art
	assert_same_bytes first.html r.html
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What a person and CI see of a dump and of a log (host/launcher/report/excerpts.py): the lines that tell something, a
# dump once, and JUnit's body. The dumps are real ones, of test/data.

# shellcheck disable=SC1091,SC2154,SC2086,SC2016 # what is sourced sets them; items are words; programs are text
. "$KT_TEST_LIB/stub.sh"

excerpt_of() { # FILE
	launcher 'import re
from launcher.report.excerpts import dump_excerpt
lines = (re.sub("^.*sched_ext_dump: ", "", line.rstrip("\n")) for line in open(sys.argv[1]))
print("\n".join(dump_excerpt(lines)))' "$1"
}

test_a_dump_s_excerpt_has_reason_backtrace_the_cpu_and_the_task() {
	excerpt_of "$KT_TOP/test/data/trace-stall1.txt" >lines
	assert_matches 'triggered exit kind 1026 on CPU [0-9]+:' lines
	assert_matches '^Backtrace:' lines
	task=$(sed -n 's/.*runnable task stall (\(.*\[[0-9]*\]\) failed to run.*/\1/p' lines)
	assertNotEquals "the task that was stalled" "" "$task"
	assertEquals "$task has its block" 1 "$(grep -cF " R $task" lines)"
	cpu=$(sed -n 's/.*on CPU \([0-9]*\):.*/\1/p' lines)
	assert_matches "^CPU $cpu +: " lines
	assertEquals "counters that are 0" 0 "$(grep -c ': *0$' lines)"
	[ "$(wc -l <lines)" -le 50 ]
	kt_verdict $? "$(wc -l <lines) lines"
}

test_an_excerpt_of_anything_is_bounded_and_one_of_nothing_is_empty() {
	: >nothing
	assertEquals "" "$(excerpt_of nothing)"
	yes 'CPU 0   : x[1] failed to run for triggered exit kind 1 on CPU 0:' | head -n 200000 >much
	[ "$(excerpt_of much | wc -l)" -le 50 ]
	kt_verdict $? "lines of an endless dump"
}

# died ITEM...: a run whose scheduler dies with this log.
died_with() { # LOG
	log=$(printf '%s\n' "$1" | sed 's/ /\\x20/g; s/$/\\n/' | tr -d '\n')
	streams $READY "sched-live=\\x01\\0\\0\\0$log" $DIED $EXIT
	ktrun --junit r.xml -s "$KT_TOP/build/scx_demo" -- true
}

# The text of a scheduler's error is its own.
test_a_reason_that_looks_like_the_prefix_of_a_dump_s_line_is_whole() {
	for text in 'scx_demo: root' 'x[0] triggered exit kind 1025 on CPU 1:' '  scx_bpf_error (a : sched_ext_dump: b)'; do
		echo "  <idle>-0       [001] dNh2.     3.068004: sched_ext_dump: $text"
	done >stub/console
	streams $READY $DIED $EXIT
	ktrun --report page.html -s "$KT_TOP/build/scx_demo" -- true
	assert_matches '^ *scx_bpf_error \(a : sched_ext_dump: b\)$' err
	assert_matches '>  scx_bpf_error \(a : sched_ext_dump: b\)' page.html
}

test_junit_has_the_verifier_s_words_as_text() {
	{
		cat "$KT_TOP/test/data/verifier.log"
		yes 'libbpf: more of it' | head -n 30
	} >log
	died_with "$(cat log)"
	assert_verdict sched-failed 200
	xmllint --nonet --xpath 'string(//failure)' r.xml >body
	assert_matches "R0 invalid mem access 'scalar'" body
	assert_matches 'libbpf: more of it' body
	assertEquals "sched-failed" "$(xmllint --nonet --xpath 'string(//failure/@type)' r.xml)"
	xmllint --nonet --xpath 'string(//failure/@message)' r.xml >message
	assert_matches "the verifier: R0 invalid mem access 'scalar'" message
}

test_a_dump_that_the_log_repeats_is_shown_once() {
	ruler=$(printf '%80s' '' | tr ' ' =)
	died_with "$(printf 'demo: attached\ndemo: DEBUG DUMP\n%s\nyes[5] of the dump\n%s\nEXIT: it broke' "$ruler" "$ruler")"
	assert_matches '^     demo: attached' err
	assert_matches '^     EXIT: it broke' err
	assert_no_match 'of the dump' err
	ktrun --report r.html -s "$KT_TOP/build/scx_demo" -- true
	assert_matches 'the dump, shown above' r.html
	assert_no_match 'of the dump' r.html
}

test_on_a_pass_nothing_is_marked() {
	streams $READY $ATTACHED 'sched-live=\x01\0\0\0EXIT:\x20kind\x2064\x20unregistered\n' $STARTED $OUT0 $STOPPED $EXIT
	ktrun --report r.html -s "$KT_TOP/build/scx_demo" -- true
	assert_verdict pass 0
	assert_matches 'EXIT: kind 64' r.html
	assert_no_match 'class="hit"' r.html
}

test_a_release_that_the_console_does_not_show_is_in_the_log() {
	streams $READY $STARTED 'kmsg=5,0,0,-;Linux\x20version\x207.2.13-quiet\x20(me)\x20#1\n6,1,0,-;Command\x20line:\x20quiet\n' \
		kmsg= $OUT0 $EXIT
	ktrun --report r.html -- true
	assert_matches '"kernel_release":"7.2.13-quiet"' art/result.json
	assert_matches '<dt>Command line</dt><dd>quiet</dd>' r.html
}

test_marks_that_are_not_kept_are_counted_on_the_page() {
	# shellcheck disable=SC2046 # a list of words
	streams $READY $STARTED $(lines_of 1200 'mark#stamp:5:x') $OUT0 $EXIT
	ktrun --report r.html -- true
	assert_matches '>200 more marks were sent and are not kept' r.html
}

test_the_result_and_the_page_say_what_was_run() {
	streams $READY $ATTACHED $STARTED $OUT0 $STOPPED $EXIT
	printf '[    0.000000] Linux version 7.2.12-test (me) #1\n' >stub/console
	KTRUN_OPTS='-m 256' ktrun --report r.html -s "$KT_TOP/build/scx_demo" -a '--slice 5' -- sh -c 'echo a b'
	assert_verdict pass 0
	"$KT_PYTHON" -c 'import json
run = json.load(open("art/result.json"))["run"]
for key in run: print(f"{key} {run[key]}")' >keys
	assert_matches '^scheduler_args --slice 5$' keys
	assert_matches "^scheduler_sha256 $(sha256sum "$KT_TOP/build/scx_demo" | cut -d ' ' -f 1)$" keys
	assert_matches '^kernel_release 7.2.12-test$' keys
	assert_matches '^qemu QEMU of a test$' keys
	assert_matches "^host $(uname -n)$" keys
	assert_matches '^started 20[0-9-]+T[0-9:]+Z$' keys
	assert_matches '<dt>Again</dt><dd>cd ' r.html
	sed -n 's/^rerun //p' keys | sed "s|&& \(.*\) ktrun|\&\& export \1; $KTRUN|" >again.sh
	rm -r art
	run sh again.sh
	assert_verdict pass 0
}

. shunit2

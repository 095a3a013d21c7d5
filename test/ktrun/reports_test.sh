#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun's reports: --json, --junit, --tap. Each is read by a parser of its format, and no text of a guest can
# leave its place in it.

# shellcheck disable=SC1091,SC2154,SC2086,SC2016 # what is sourced sets them; items are words; scripts are text
. "$KT_TEST_LIB/stub.sh"

PASS="$READY $STARTED $ENDED $OUT0 $EXIT"
# Control characters, markup, broken UTF-8, a character that XML forbids, one that turns the text around
NASTY='\x1b[31m<b>"&\x27]]>\xff\xef\xbf\xbf\xe2\x80\xae\x01#\\\x00'

# xml XPATH FILE: what xmllint finds there.
xml() {
	xmllint --nonet --xpath "string($1)" "$2"
}

assert_well_formed() { # FILE
	xmllint --nonet --noout "$1" >xmllint.out 2>&1
	kt_verdict $? "$1 is no XML: $(kt_head xmllint.out)"
}

# tap_lines FILE: what a TAP reader sees: the plan and the outcomes. Anything else that is no part of a YAML
# block is an error.
tap_lines() {
	awk '
		NR == 1 { if ($0 != "TAP version 13") print "bad: " $0; next }
		/^  ---$/ { inside = 1 }
		inside { if ($0 !~ /^  /) print "bad: " $0; if (/^  \.\.\.$/) inside = 0; next }
		/^(ok|not ok) [0-9]+ - / || /^1\.\.[0-9]+$/ { print; next }
		{ print "bad: " $0 }' "$1"
}

test_json_is_result_json() {
	streams $PASS
	ktrun --json r.json -- true
	assert_status 0
	assert_same_bytes art/result.json r.json
	assertEquals pass "$("$KT_PYTHON" -c 'import json; print(json.load(open("r.json"))["verdict"])')"
}

test_a_pass_is_one_passed_case_in_junit_and_tap() {
	streams $PASS
	ktrun --junit r.xml --tap r.tap -- true
	assert_status 0
	assert_well_formed r.xml
	assertEquals "1 0 0" "$(xml /testsuites/@tests r.xml) $(xml /testsuites/@failures r.xml) $(
		xml /testsuites/@errors r.xml)"
	assertEquals run "$(xml //testcase/@name r.xml)"
	assertEquals "" "$(xml 'name(//testcase/*)' r.xml)"
	tap_lines r.tap >lines
	assert_file_text '1..1
ok 1 - ktrun: run' lines
}

test_a_finding_is_a_failure_and_a_lost_guest_an_error() {
	streams $READY $STARTED $OUT7 $EXIT
	ktrun --junit r.xml --tap r.tap -- true
	assert_status 7
	assertEquals "fail (code 7): the payload ended with 7" "$(xml //failure/@message r.xml)"
	assert_matches '^not ok 1 - ktrun: run$' r.tap
	streams $READY $STARTED
	ktrun --junit r.xml --tap r.tap -- true
	assert_status 203
	assert_well_formed r.xml
	assertEquals lost "$(xml //error/@type r.xml)"
	assert_matches '^  severity: error$' r.tap
}

test_nothing_that_a_guest_writes_breaks_junit_or_tap() {
	streams $READY "init-error=$NASTY\\nnot\\x20ok\\x202\\n\\t</testcase>" "stdout=$NASTY\\n</system-out>" \
		"stderr=ok\\x203\\n$NASTY" $EXIT
	ktrun --junit r.xml --tap r.tap -- true
	assert_status 209
	assert_well_formed r.xml
	assertEquals "elements that are cases" 1 "$(xmllint --xpath 'count(//testcase)' r.xml)"
	assert_matches "␛\\[31m&lt;b&gt;&quot;&amp;']]&gt;(�)+␁#" r.xml
	tap_lines r.tap >lines
	assert_file_text '1..1
not ok 1 - ktrun: run' lines
	assert_no_match "$(printf '\033')" r.tap
}

test_long_output_is_cut_and_says_so() {
	streams $READY $STARTED stdout*30000 stdout*30000 stdout*30000 $OUT0 $EXIT
	ktrun --junit r.xml -- true
	assert_well_formed r.xml
	assert_matches '\[\.\.\. 24464 of 90000 bytes left out \.\.\.\]' r.xml
	[ "$(wc -c <r.xml)" -lt 70000 ]
	kt_verdict $? "r.xml has $(wc -c <r.xml) bytes"
}

test_a_report_on_stdout_is_alone_there() {
	streams $READY $STARTED stdout=hello $OUT0 $EXIT
	ktrun --junit - -- true
	assert_status 0
	assert_well_formed out
	assert_file_text hello art/stdout
	ktrun --json - -- true
	assert_same_bytes art/result.json out
	ktrun -- true
	assert_file_text hello out
}

# As /dev/stdout is one, which is everybody's
test_a_report_through_a_link_leaves_the_link() {
	streams $READY $STARTED $OUT0 $EXIT
	echo old >target
	ln -s target link
	ktrun --json link -- true
	assert_status 0
	assertTrue "still a link" "[ -h link ]"
	assert_same_bytes art/result.json target
}

# Ctrl-\ too: what ktrun has started in the background does not hear it
test_an_interrupted_run_has_its_reports() {
	for signal in TERM QUIT; do
		interrupted_run "$signal"
	done
}

interrupted_run() { # SIGNAL
	rm -rf art r.xml "$KT_RUN_DIR/started"
	streams $READY
	echo 'KT_RUN_DIR=$TEST_RUN_DIR; export KT_RUN_DIR
		"$KT_BUSYBOX" ktlatch set started; "$KT_BUSYBOX" ktlatch wait -t 20 never' >stub/act
	cat >interrupt.sh <<-'END'
		env --default-signal=QUIT "$KTRUN" -o art --junit r.xml -- true &
		pid=$!
		"$KT_BUSYBOX" ktlatch wait -t 20 started
		kill -"$SIGNAL" $pid
		wait $pid
	END
	TEST_RUN_DIR=$KT_RUN_DIR SIGNAL=$1
	export KTRUN TEST_RUN_DIR SIGNAL
	run sh interrupt.sh
	assert_status 130
	assert_well_formed r.xml
	assertEquals interrupted "$(xml //error/@type r.xml)"
}

test_a_replay_makes_the_same_reports() {
	streams $READY $STARTED stdout=hello $OUT7 $EXIT
	ktrun --junit a.xml --tap a.tap -- true
	run "$KTRUN" --junit b.xml --tap b.tap --replay art
	assert_status 7
	assert_same_bytes a.xml b.xml
	assert_same_bytes a.tap b.tap
}

test_a_place_that_cannot_be_written_is_refused_before_anything_starts() {
	for option in --json --junit --tap; do
		ktrun $option nowhere/r -- true
		assert_refused
		assert_matches "^ktrun: $option: no such directory: .*/nowhere\$" err
		ktrun $option . -- true
		assert_refused
		ktrun $option '' -- true
		assert_refused
	done
	ktrun --json - --tap - -- true
	assert_refused
	assert_matches 'both on stdout$' err
}

test_no_report_takes_the_place_of_a_file_of_the_run_or_of_another_report() {
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -- true
	cp art/bulk.bin before
	ln -s art link
	for file in art/bulk.bin art/host.json art/console.log link/bulk.bin; do
		for options in '--replay art' '-o art -- true'; do
			run "$KTRUN" --json $file $options
			assert_status 205
			assert_matches "^ktrun: --json: a file of the run itself: .*/$file\$" err
		done
	done
	assert_same_bytes before art/bulk.bin
	run "$KTRUN" --json both --junit ./both --replay art
	assert_status 205
	assert_matches '^ktrun: --json and --junit both in ' err
	run "$KTRUN" --json art/r.json --junit art/r.xml --replay art
	assert_status 0
}

test_no_report_goes_where_a_shell_has_its_terminal() {
	run "$KT_PYTHON" -c 'import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' "$KTRUN" -o "$PWD/art" --json - --shell
	assert_status 205
	assert_matches "^ktrun: --json: stdout is the shell's" out
	assertFalse "artifacts are there" "[ -e art ]"
}

test_a_failed_test_fails_the_run_whatever_the_payload_says() {
	printf '. shunit2\n' >a_test.sh
	streams $READY $STARTED 'test-case=status=failed\x20ms=2\x20file=a_test.sh\x20name=t\x20message=it\x20broke' $OUT0 $EXIT
	ktrun --junit r.xml --test a_test.sh
	assert_verdict fail 1
	assertEquals "2 1" "$(xml /testsuites/@tests r.xml) $(xml /testsuites/@failures r.xml)"
	assertEquals "it broke" "$(xml //failure/@message r.xml)"
	streams $READY $STARTED 'test-case=status=passed\x20ms=2\x20file=a_test.sh\x20name=t\x20message=' $OUT0 $EXIT
	ktrun --test a_test.sh
	assert_verdict pass 0
}

test_scripts_that_are_none_are_refused() {
	printf '. shunit2\n' >a_test.sh
	printf 'test_a() {\n. shunit2\n' >broken_test.sh
	echo true >plain.sh
	mkdir other
	cp a_test.sh other
	for scripts in '' missing.sh broken_test.sh plain.sh 'a_test.sh other/a_test.sh' 'a_test.sh -- true' other; do
		ktrun --test $scripts
		assert_refused
	done
}

. shunit2

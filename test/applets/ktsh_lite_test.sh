#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktsh-lite: golden pairs of test/data/ktsh-lite (NAME.script, NAME.expect), and what a pair can't say.
# NAME.expect: "status N", "summary OK ok, FAILED failed", "failed line N" for each, "== FILE" and the
# file's text.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/unit.sh"

# what_happened SCRIPT-NAME: in the form of NAME.expect, from status, out, err, and the files in this folder.
what_happened() {
	echo "status $status"
	cat out err | tail -n 1 |
		sed -nE 's/.*[^0-9]([0-9]+)[^0-9]*ok[^0-9]*([0-9]+)[^0-9]*failed.*/summary \1 ok, \2 failed/p'
	sed -nE "s/^ktsh-lite: $1\\.script:([0-9]+):.*/failed line \\1/p" err | sort -u -t ' ' -k 3 -n
	for file in ./*; do
		case ${file#./} in
		out | err | run | expect | got | "$1.script") ;;
		*)
			echo "== ${file#./}"
			cat "$file"
			;;
		esac
	done
}

# golden NAME: the script does what its pair says.
golden() {
	cp "$DATA/ktsh-lite/$1.script" .
	run_kt ktsh-lite "$1.script"
	what_happened "$1" >got
	cp "$DATA/ktsh-lite/$1.expect" expect
	grep -v "$1.script" err | grep -v ' ok' | sed 's/^/also said: /' >>got
	assertEquals "$1" "$(cat expect)" "$(cat got)"
}

test_plain_lines_write_value_and_newline() { golden plain; }
test_comments_and_blank_lines_are_skipped() { golden comments; }
test_two_arrows_append_and_one_replaces() { golden append; }
test_quotes_are_removed() { golden quotes; }
test_nothing_is_expanded_and_nothing_runs() { golden nothing-expanded; }
test_unknown_lines_are_reported_and_the_script_goes_on() { golden unknown-lines; }
test_failing_lines_are_reported_and_the_script_goes_on() { golden failing-lines; }
test_lines_of_a_dos_editor() { golden crlf; }
test_blanks_around_and_a_last_line_without_newline() { golden blanks; }

test_lines_that_may_fail_do_not_fail_the_script() { golden may-fail; }
test_paths_have_blanks_and_values_may_be_empty() { golden blanks-in-paths; }

test_what_was_ignored_is_told() {
	printf -- '-echo 1 > no/such/folder/file\n' >script
	run_kt ktsh-lite script
	assert_status 0
	assert_matches "^ktsh-lite: script:1: ignored: unable to write '1' to 'no/such/folder/file': No such file" err
	assert_matches '0 ok, 0 failed, 1 ignored' err
}

test_a_line_that_may_fail_does_not_hide_one_that_may_not() {
	printf -- '-echo 1 > no/such/folder/file\necho 2 > no/such/folder/file\n' >script
	run_kt ktsh-lite script
	assert_status 1
	assert_matches '0 ok, 1 failed, 1 ignored' err
}

test_every_pair_is_used() {
	for script in "$DATA"/ktsh-lite/*.script; do
		name=$(basename "$script" .script)
		assertTrue "$name" "grep -q 'golden $name;' '$KT_TOP/test/applets/ktsh_lite_test.sh'"
	done
}

test_a_value_with_an_arrow() {
	printf 'echo "a > b" > one\necho a > b > two\n' >script
	run_kt ktsh-lite script
	assert_file_text 'a > b' one
}

test_no_process_is_started() {
	# shellcheck disable=SC2016
	printf 'echo "$(true)" > one\nrm one\necho `true` ; true > two\n' >script
	# In a process namespace of its own: 1 is sh, 2 ktsh-lite, 3 cat.
	# shellcheck disable=SC2016
	run unshare -r --pid --fork --mount-proc \
		sh -c '"$KT_BUSYBOX" ktsh-lite script 2>said; cat /proc/sys/kernel/ns_last_pid'
	assert_file_text 3 out
	assert_matches '2 ok, 1 failed' said
}

test_a_line_is_one_write() {
	# The kernel parses each write to this file: a newline of its own would be an error.
	echo 'echo 500 > /proc/self/oom_score_adj' >script
	run_kt ktsh-lite script
	assert_status 0
}

test_a_path_in_proc_is_written_and_never_made() {
	printf 'echo 500 > /proc/self/oom_score_adj\necho 1 > /proc/kt_not_there\necho 1 > /sys/kt_not_there\n' \
		>script
	run_kt ktsh-lite script
	assert_status 1
	assert_matches 'kt_not_there.*: No such file or directory' err
}

test_several_files_are_run_in_order() {
	echo 'echo 1 > one' >a
	echo 'echo 2 >> one' >b
	run_kt ktsh-lite a b
	assert_status 0
	assertEquals "1 2" "$(tr '\n' ' ' <one | sed 's/ $//')"
}

test_a_failing_file_does_not_stop_the_next() {
	echo 'nonsense' >a
	echo 'echo 2 > two' >b
	run_kt ktsh-lite a b
	assert_status 1
	assert_file_text 2 two
}

test_a_missing_file_is_silent() {
	run_kt ktsh-lite missing
	assert_status 0
	assert_empty out
	assert_empty err
}

test_an_unreadable_file_is_an_error() {
	mkdir folder
	run_kt ktsh-lite folder
	assert_error ktsh-lite
	assert_matches folder err
}

test_dash_n_writes_nothing() {
	printf 'echo 1 > one\necho 2 > no/such/folder/file\n' >script
	run_kt ktsh-lite -n script
	assertFalse "a file was written" "[ -e one ]"
}

test_dash_n_finds_unknown_lines() {
	printf 'echo 1 > one\nnonsense\n' >script
	run_kt ktsh-lite -n script
	assert_status 1
	assert_matches 'script[^0-9]*2' err
	assertFalse "a file was written" "[ -e one ]"
	echo 'echo 1 > one' >script
	run_kt ktsh-lite -n script
	assert_status 0
}

test_a_failing_line_is_reported_with_the_reason() {
	echo 'echo 1 > no/such/folder/file' >script
	run_kt ktsh-lite script
	assert_status 1
	assert_matches '^ktsh-lite: .*script.*1.*no/such/folder/file.*No such file or directory' err
}

test_a_long_line() {
	{ printf 'echo ' && text 100000 && echo ' > one'; } >script
	run_kt ktsh-lite script
	assert_status 0
	assertEquals 100001 "$(wc -c <one)"
}

test_without_a_file_it_is_a_usage_error() {
	run_kt ktsh-lite
	assertNotEquals 0 "$status"
	assert_matches Usage err
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The line of a scheduler's log that says best what was wrong (host/launcher/judge/schedlog.py), and which lines are the
# dump's. The logs have the form of those that libbpf, getopt, scx's C and Rust schedulers write.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/stub.sh"

last_words_are() { # EXPECTED; the log is the file "log"
	assertEquals "$1" "$(launcher 'from launcher.judge.schedlog import last_words; print(last_words("log"))')"
}

ruler() {
	echo ================================================================================
}

dump_of() { # LAST-LINE
	printf 'DEBUG DUMP\n%s\n\nscx_demo: root\n  error in a task\n%s\n\n%s\n' "$(ruler)" "$1" "$(ruler)"
}

test_the_verifier_s_error_stands_before_its_statistics() {
	cp "$KT_TOP/test/data/verifier.log" log
	last_words_are "the verifier: R0 invalid mem access 'scalar'"
	sed '/END PROG LOAD LOG/,$d; s/^processed/verification time 51 usec\nstack depth 0\n&/' log >with_time
	mv with_time log
	last_words_are "the verifier: R0 invalid mem access 'scalar'"
}

test_libbpf_s_first_complaint_is_the_cause_of_the_others() {
	cat >log <<-'END'
		libbpf: extern (func ksym) 'other': not found, which does not matter
		loading
		libbpf: map 'arena': failed to create: -ENOMEM
		libbpf: failed to load object 'scx_qmap'
		libbpf: failed to load BPF skeleton 'scx_qmap': -ENOMEM
		[SCX_BUG] scx_qmap.c:80 (Cannot allocate memory)
		Failed to load skel
	END
	last_words_are "libbpf: map 'arena': failed to create: -ENOMEM"
	printf '%s\n' attached one two 'unable to go on' >>log # the load was not the end
	last_words_are 'unable to go on'
}

test_an_option_s_error_is_found_before_the_help_text() {
	cat >log <<-'END'
		scx_qmap: invalid option -- 'Z'
		A simple five-level FIFO queue sched_ext scheduler.

		Usage: scx_qmap [-s SLICE_US] [-e COUNT] [-t COUNT]

		  -s SLICE_US   Override slice duration
		  -e COUNT      Trigger scx_bpf_error() after COUNT enqueues
		  --missing     An option
		  -h            Display this help and exit
	END
	last_words_are "scx_qmap: invalid option -- 'Z'"
	printf 'error: unexpected argument found\n\n  tip: try --help\n\nUsage: scx_rusty [OPTIONS]\n' >log
	last_words_are 'error: unexpected argument found'
}

test_without_an_error_the_last_line_is_it() {
	printf 'one\n\ntwo  \r\n\n' >log
	last_words_are two
	: >log
	last_words_are None
	rm log
	last_words_are None
}

test_the_dump_in_the_log_does_not_count() {
	{ echo 'unable to do it'; dump_of 'failed to run for 5 s'; echo 'EXIT: scx_bpf_error'; } >log
	last_words_are 'EXIT: scx_bpf_error'
	{ echo 'unable to do it'; echo 'demo: EXIT: unregistered from BPF (enough)'; echo 'demo: invalid'; } >log
	last_words_are 'demo: EXIT: unregistered from BPF (enough)'
	{ echo 'unable to do it'; echo 'EXIT: unregistered from user space'; } >log
	last_words_are 'unable to do it'
	{ echo 'unable to do it'; dump_of 'failed to run for 5 s'; echo 'Bye.'; } >log
	last_words_are 'unable to do it'
	{ echo 'unable to do it'; dump_of 'failed to run for 5 s' | sed '$d'; } >log # cut off
	last_words_are 'unable to do it'
}

test_a_long_dump_and_a_long_log_are_no_matter() {
	{
		head -c 3000000 /dev/zero | tr '\0' 'x' | fold -w 99; echo
		echo 'unable to do it'
		dump_of "$(head -c 3000000 /dev/zero | tr '\0' 'y' | fold -w 99; echo; ruler)"
		echo 'Bye.'
	} >log
	last_words_are 'unable to do it'
	head -c 3000000 /dev/zero >log
	last_words_are "$(printf '%300s' '' | tr ' ' '?')"
}

. shunit2

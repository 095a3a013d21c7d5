#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# kt-scenario runs each step at its time, and ends with its command. On this host, under BusyBox's ash and dash, with
# stubs of ktsend and chrt.
# shellcheck disable=SC2016,SC2317  # text for other shells; shunit2 calls the tests

. "$KT_TEST_LIB/unit.sh"

setUp() {
	mkdir bin
	printf '#!/bin/sh\necho "$2" >>"%s/marks"\n' "$PWD" >bin/ktsend
	printf '#!/bin/sh\n[ "$1" = -o ] || exit 0\nshift 2\nexec "$@"\n' >bin/chrt
	chmod +x bin/ktsend bin/chrt
	ln -s "$KT_BUSYBOX" bin/ktlatch
	KT_RUN_DIR=$PWD/run
	export KT_RUN_DIR
}

# scenario STEP... [-- COMMAND ARG...]: leaves status, out, err and the marks, as FIRST shell wrote them; both must
# agree.
scenario() {
	: >steps
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		printf '%s\n' "$1" >>steps
		shift
	done
	[ $# -eq 0 ] || shift
	for shell in "$KT_BUSYBOX sh" dash; do
		: >marks
		# shellcheck disable=SC2086 # a command of words
		PATH=$PWD/bin:$PATH timeout "$KT_CEILING" $shell "$KT_TOP/rootfs/usr/bin/kt-scenario" steps "$@" >out 2>err </dev/null
		status=$?
		cat out err marks >all
		echo "status $status" >>all
		[ -n "${differs:-}" ] || [ ! -e first ] || assertEquals "$shell as the other shell" "$(cat first)" "$(cat all)"
		mv all first
	done
	rm first
}

test_steps_run_in_order_and_the_end_is_that_of_the_last() {
	scenario '0 echo one' '' '# not this' '0.01 echo two "$((1 + 1))"' '0.2 echo three >&2'
	assert_status 0
	assert_file_text 'one
two 2' out
	assert_file_text three err
	assert_file_text 'step-1 echo one
step-2 echo two "$((1 + 1))"
step-3 echo three >&2' marks
}

test_a_step_does_not_come_before_its_time() {
	read -r from _ </proc/uptime
	differs=1 scenario '0.30 read -r up _ </proc/uptime; echo $up' '1.05 read -r up _ </proc/uptime; echo $up'
	assertTrue "$from $(tr '\n' ' ' <out)" "awk -v from=$from 'NR == 1 && \$1 < from + 0.3 || NR == 2 && \$1 < from + 1.05 { exit 1 }' out"
	awk 'NR == 2 && $1 - before < 0.7 { print "too near" } { before = $1 }' out >wrong
	assert_empty wrong
}

test_the_command_ends_it_and_its_status_counts() {
	scenario '0 echo one' '60 echo never' '70 echo never' -- sh -c 'until grep -q one out; do :; done; exit 7'
	assert_status 7
	assert_file_text 'kt-scenario: 2 of 3 steps did not come before the end' err
}

test_a_failed_step_is_named_and_fails_a_command_that_passed() {
	scenario '0 echo one' '0 (exit 3)' '0 exit 4' '0.01 echo four' -- sh -c 'until grep -q four out; do :; done'
	assert_status 3
	assert_matches '^kt-scenario: step 2 failed with status 3: \(exit 3\)$' err
	assert_matches '^kt-scenario: step 3 failed with status 4: exit 4$' err
	assert_matches '^step-2-failed-3$' marks
	scenario '0 exit 3' -- sh -c 'until grep -q step-1-failed-3 marks; do :; done; exit 5'
	assert_status 5
	scenario '0 exit 3' '0 true'
	assert_status 3
}

test_a_step_that_takes_long_ends_with_the_command() {
	scenario '0 exec sleep 300' '0 echo never' -- sh -c 'while [ ! -s marks ]; do :; done'
	assert_status 0
	assert_file_text 'kt-scenario: 1 of 2 steps did not come before the end' err
	assert_empty out
}

test_steps_do_not_read_each_other_nor_the_input_of_the_command() {
	scenario '0 cat' '0 read -r x; echo "x:$x"; exit 0' -- sh -c 'until grep -q x: out; do :; done; cat'
	assert_file_text 'x:' out
	echo input >in
	printf '0 cat\n' >steps
	PATH=$PWD/bin:$PATH run dash "$KT_TOP/rootfs/usr/bin/kt-scenario" steps cat <in
	assert_file_text input out
}

test_term_ends_it_by_the_command() {
	for shell in "$KT_BUSYBOX sh" dash; do
		: >marks
		printf '0 true\n60 echo never\n' >steps
		# shellcheck disable=SC2086,SC2016
		PATH=$PWD/bin:$PATH setsid $shell "$KT_TOP/rootfs/usr/bin/kt-scenario" steps \
			sh -c 'trap "exit 9" TERM; while :; do echo $$ >alive; sleep 0.01; done' >out 2>err &
		scenario_job=$!
		until [ -s alive ] && [ -s marks ]; do kill -0 $scenario_job || break; done
		kill -TERM -$scenario_job
		wait $scenario_job
		assertEquals "$shell: $(cat err)" 9 $?
		rm alive
	done
}

test_a_command_that_ends_at_once_is_no_failure() {
	for _ in 1 2 3 4 5 6 7 8; do
		scenario '60 echo never' -- true
		assert_status 0
		assert_file_text 'kt-scenario: 1 of 1 steps did not come before the end' err
	done
}

test_bad_usage() {
	run sh "$KT_TOP/rootfs/usr/bin/kt-scenario"
	assert_status 1
	run sh "$KT_TOP/rootfs/usr/bin/kt-scenario" none
	assert_status 1
	assert_matches "^kt-scenario: unable to read 'none'" err
}

. shunit2

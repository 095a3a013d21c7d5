#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# kt status under a folder that stands for /: what it tells of a scheduler, and of a guest that lacks this or that.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/unit.sh"

setUp() {
	mkdir -p root/sys/kernel/sched_ext/root root/run/kt root/tmp root/proc/77
	echo scx_mine >root/sys/kernel/sched_ext/root/ops
	echo enabled >root/sys/kernel/sched_ext/state
	printf 'SCX_EV_SELECT_CPU_FALLBACK 0\nSCX_EV_REFILL_SLICE_DFL 1234\nSCX_EV_BYPASS_ACTIVATE 1\n' >root/sys/kernel/sched_ext/root/events
	echo '10.09 20.00' >root/proc/uptime
	echo 77 >root/run/kt/sched.pid
	: >root/run/kt/sched_attached
	mkfifo root/run/kt/stdin
	printf 'line %s\n' 1 2 3 4 5 6 7 >root/tmp/sched.log
}

# Under both shells that the guest's scripts must work in, and with the same outcome.
kt_status() { # [ARG...]
	run env KTBOX_ROOT="$PWD/root" dash "$KT_TOP/rootfs/usr/bin/kt" "$@"
	mv out out.dash
	run env KTBOX_ROOT="$PWD/root" "$KT_BUSYBOX" ash "$KT_TOP/rootfs/usr/bin/kt" "$@"
	assert_same_bytes out.dash out
}

test_it_reports_an_attached_scheduler() {
	kt_status status
	assert_status 0
	assert_empty err
	assert_file_text 'scheduler:  scx_mine
state:      enabled
events:     SCX_EV_REFILL_SLICE_DFL                  1234
            SCX_EV_BYPASS_ACTIVATE                      1
process:    77
uptime:     10.09 s
latches:    sched_attached
dump:       none
log:        the last lines of /tmp/sched.log
  line 3
  line 4
  line 5
  line 6
  line 7' out
}

test_a_guest_without_a_scheduler_is_no_error() {
	rm -r root/sys/kernel/sched_ext/root root/run/kt/* root/tmp/sched.log
	echo disabled >root/sys/kernel/sched_ext/state
	kt_status status
	assert_status 0
	assert_empty err
	assert_file_text 'scheduler:  none
state:      disabled
process:    none was started
uptime:     10.09 s
latches:    none
dump:       none
log:        none' out
}

test_a_kernel_without_sched_ext_is_said() {
	rm -r root/sys/kernel/sched_ext
	kt_status status
	assert_status 0
	assert_empty err
	assert_matches '^scheduler: *none: this kernel has no sched_ext' out
	assert_no_match '^(state|events):' out
}

test_a_kernel_without_event_counters_is_said() {
	rm root/sys/kernel/sched_ext/root/events
	kt_status status
	assert_matches '^events: *this kernel does not count them' out
}

test_counters_that_are_all_0_are_said_in_one_line() {
	echo 'SCX_EV_SELECT_CPU_FALLBACK 0' >root/sys/kernel/sched_ext/root/events
	kt_status status
	assert_matches '^events: *all 0$' out
}

test_a_process_that_has_ended_and_a_dump_are_reported() {
	rmdir root/proc/77
	: >root/run/kt/dump_started
	kt_status status
	assert_matches '^process: *77 has ended' out
	assert_matches '^dump: *has begun$' out
	: >root/run/kt/dump_complete
	kt_status status
	assert_matches '^dump: *complete; the last lines of /tmp/dump.txt' out
}

test_the_last_lines_of_a_dump_are_shown_without_the_traces_prefix() {
	: >root/run/kt/dump_complete
	printf ' init-1 [001] d..1. 4.6: sched_ext_dump: row %s\n' 1 2 3 4 5 6 >root/tmp/dump.txt
	kt_status status
	assert_status 0
	grep -A 5 '^dump:' out >rows
	assert_file_text 'dump:       complete; the last lines of /tmp/dump.txt
  row 2
  row 3
  row 4
  row 5
  row 6' rows
}

test_anything_but_status_is_a_usage_error() {
	for words in '' stat 'status more'; do
		# shellcheck disable=SC2086
		kt_status $words
		assert_status 1
		assert_empty out
		assert_matches '^usage: kt status$' err
	done
}

. shunit2

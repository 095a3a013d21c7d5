#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The flight recorder of /init: what it sets up before the scheduler, when it stops, and when it sends what it has.
# shellcheck disable=SC2016,SC2317  # the stubs' behaviour is text; shunit2 calls the tests

. "$KT_TEST_LIB/boot.sh"

TRACING=/sys/kernel/tracing
RECORDER=$TRACING/instances/ktbox-recorder

# kernel_has EVENT...: a tracefs whose instances are made as the kernel makes them, with two CPUs.
kernel_has() {
	mkdir -p "root$TRACING/instances"
	for event; do
		mkdir -p "root$TRACING/events/$event"
		echo 'print fmt: "%s"' >"root$TRACING/events/$event/format"
	done
	ln -s "$KT_TEST_LIB/boot-stub.sh" root/stubs/mkdir
	when mkdir '"$KTBOX_ROOT/tools/mkdir" "$@" || exit
		case $1 in
		*/ktbox-recorder) cd "$1" && "$KTBOX_ROOT/tools/mkdir" -p per_cpu/cpu0 per_cpu/cpu1 events/sched_ext/sched_ext_dump ;;
		esac'
}

# sent: the paths of the recording's ktget.
sent() {
	grep "^ktget .*$RECORDER" "journal.$1" | tr ' ' '\n' | sed 1d
}

test_without_the_word_nothing_is_recorded() {
	kernel_has sched/sched_switch
	boot
	for shell in $BOOT_SHELLS; do
		assertFalse "a recorder under $shell" "[ -e $shell$RECORDER ]"
	done
	assert_did_not '^ktget '
	assert_exit 0
}

test_the_recorder_is_set_up_before_the_scheduler() {
	kernel_has sched/sched_switch sched/sched_waking
	cmdline ktbox.record=sched/sched_switch,sched/sched_waking ktbox.record_kb=1000
	when ktexitmon 'read -r on <"$KTBOX_ROOT'$RECORDER'/tracing_on"; note "recorder $on"
		ktlatch set sched_attached; stay'
	boot
	assert_did 'recorder 1'
	assert_content ${RECORDER#/}/set_event 'sched:sched_switch
sched:sched_waking'
	assert_content ${RECORDER#/}/buffer_size_kb 501
	assert_content ${RECORDER#/}/trace_clock mono
	assert_content ${RECORDER#/}/events/sched_ext/sched_ext_dump/trigger 'traceoff if line ~ "*triggered exit kind*"'
	assert_content ${RECORDER#/}/events/sched_ext/sched_ext_dump/filter 'line ~ "*triggered exit kind*"'
	assert_did_not '^ktsend mark recorder:'
}

test_a_run_that_passes_is_stopped_and_not_sent() {
	kernel_has sched/sched_switch
	cmdline ktbox.record=sched/sched_switch
	boot
	assert_content ${RECORDER#/}/tracing_on 0
	assert_did_not '^ktget '
	assert_exit 0
}

test_a_run_that_passes_is_sent_when_that_is_asked_for() {
	kernel_has sched/sched_switch
	cmdline ktbox.record=sched/sched_switch ktbox.record_pass=1
	boot
	for shell in $BOOT_SHELLS; do
		sent "$shell" >paths
		assert_file_text "$TRACING/events/header_page
$TRACING/events/header_event
$TRACING/events/ftrace
$TRACING/saved_cmdlines
$TRACING/printk_formats
$TRACING/events/sched/sched_switch/format
$RECORDER/per_cpu/cpu0/stats
$RECORDER/per_cpu/cpu0/trace_pipe_raw
$RECORDER/per_cpu/cpu1/stats
$RECORDER/per_cpu/cpu1/trace_pipe_raw" paths
	done
	assert_order 'ktexitmon got TERM' 'ktpipe got TERM' "ktget $TRACING" 'ktsend fin ' 'ktsend exit 0'
}

test_it_is_sent_before_the_files_that_were_asked_for() {
	kernel_has sched/sched_switch
	echo /tmp/out >root/.ktbox/get
	cmdline ktbox.record=sched/sched_switch ktbox.record_pass=1
	boot
	assert_order "ktget $TRACING" 'ktget /tmp/out' 'ktsend exit 0'
}

test_a_payload_that_fails_is_kept() {
	kernel_has sched/sched_switch
	cmdline ktbox.record=sched/sched_switch
	when ktexec 'exit 7'
	boot
	assert_times 1 '^ktget '
	assert_exit 7
}

test_a_scheduler_that_ends_badly_when_it_is_asked_to_is_kept() {
	for status in 0 143 1; do
		new_root
		kernel_has sched/sched_switch
		cmdline ktbox.record=sched/sched_switch
		when ktexitmon 'trap "exit '$status'" TERM; ktlatch set sched_attached; stay'
		boot
		assert_did "ktsend sched-state stopped code=$status"
		if [ $status -eq 1 ]; then assert_times 1 '^ktget '; else assert_did_not '^ktget '; fi
		assert_exit 0
	done
}

test_a_death_stops_the_recorder_at_once_and_is_kept() {
	kernel_has sched/sched_switch
	cmdline ktbox.record=sched/sched_switch ktbox.expect_death=1
	when ktexitmon 'trap "" TERM; ktlatch set sched_attached; a_moment; ktlatch set sched_exited; exit 1'
	when ktexec 'ktlatch wait -t 20 death_sent; read -r on <"$KTBOX_ROOT'$RECORDER'/tracing_on"; note "recorder $on"'
	boot
	assert_did 'recorder 0'
	assert_times 1 '^ktget '
	assert_exit 0
}

test_an_event_that_the_kernel_lacks_is_named_and_the_run_goes_on() {
	kernel_has sched/sched_switch
	cmdline 'ktbox.record=sched/none,sched/sched_switch,../../x,*,' ktbox.record_pass=1
	boot
	assert_order 'ktsend mark recorder:this kernel has no event sched/none' \
		'ktsend mark recorder:this kernel has no event ../../x' 'ktsend mark recorder:this kernel has no event *' \
		'ktexec /payload'
	assert_content ${RECORDER#/}/set_event sched:sched_switch
	assert_exit 0
}

test_a_kernel_without_instances_is_told_of_and_the_run_goes_on() {
	cmdline ktbox.record=sched/sched_switch ktbox.record_pass=1
	boot
	assert_order 'ktsend mark recorder:there are no trace instances: does this kernel have CONFIG_FTRACE?' \
		'ktexec /payload'
	assert_did_not '^ktget '
	assert_exit 0
}

test_a_setting_that_fails_is_named_and_the_others_are_made() {
	kernel_has sched/sched_switch
	cmdline ktbox.record=sched/sched_switch
	when mkdir '"$KTBOX_ROOT/tools/mkdir" "$@" || exit
		case $1 in
		*/ktbox-recorder) "$KTBOX_ROOT/tools/mkdir" -p "$1/trace_clock" "$1/events/sched_ext/sched_ext_dump" ;;
		esac'
	boot
	assert_did "ktsend mark recorder:unable to write 'mono' to trace_clock"
	assert_content ${RECORDER#/}/set_event sched:sched_switch
	assert_exit 0
}

test_names_of_functions_are_sent_only_for_an_event_that_prints_them() {
	kernel_has kmem/kfree
	echo 'print fmt: "%pS", REC->call_site' >"root$TRACING/events/kmem/kfree/format"
	cmdline ktbox.record=kmem/kfree ktbox.record_pass=1
	boot
	for shell in $BOOT_SHELLS; do
		assertEquals "kallsyms under $shell" /proc/kallsyms "$(sent "$shell" | grep kallsyms)"
	done
}

test_a_size_that_looks_octal_or_is_none_is_taken() {
	for size in 08 000 09000; do
		new_root
		kernel_has sched/sched_switch
		cmdline ktbox.record=sched/sched_switch ktbox.record_kb=$size
		boot
		assert_in ${RECORDER#/}/buffer_size_kb '^(5|1|4501)$'
		assert_exit 0
	done
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in which nothing attaches, and those without a payload: each way has a verdict of its own.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

NO_SCHED_EXT=initcall_blacklist=scx_init # a kernel without sched_ext, for all that user space can see

# in_files: a scheduler that never attaches, one that is linked dynamically, and the scripts.
in_files() {
	printf '#!/bin/sh\necho waiting for nothing\nexec sleep 600\n' >"$FILES/never"
	printf '#!/bin/sh\nscx_demo &\nwait $!\n' >"$FILES/forks" # another process attaches
	chmod +x "$FILES/never" "$FILES/forks"
	cat >"$FILES/dynamic.c" <<-'END'
		#include <math.h>
		#include <stdio.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			printf("dynamic loader, cos %.4f\n", cos(argc));
			fflush(stdout);
			execvp("scx_demo", argv);
			return 1;
		}
	END
	gcc -o "$FILES/dynamic" "$FILES/dynamic.c" -lm
	printf 'echo 41 > /proc/sys/vm/swappiness\necho 1 > /proc/sys/vm/no_such_file\n' >"$FILES/bad-enable"
}

oneTimeSetUp() {
	in_files
	vm never -s "$FILES/never" --append ktbox.attach_timeout=2 -- echo started
	vm no_sched_ext -s "$DEMO" --append "$NO_SCHED_EXT" -- echo started
	vm no_sched_ext_unused --append "$NO_SCHED_EXT" -- sh -c 'test ! -e /sys/kernel/sched_ext && echo absent'
	vm nothing
	vm dynamic -s "$FILES/dynamic" -i "$DEMO"
	vm forks -s "$FILES/forks" -i "$DEMO" -- sh -c 'cat /sys/kernel/tracing/kprobe_events
		ls /sys/kernel/tracing/instances'
	vm dead_at_once -s "$FILES/dynamic"
	vm bad_enable --enable "$FILES/bad-enable" -- cat /proc/sys/vm/swappiness
}

test_a_scheduler_that_does_not_attach_in_time_is_named_so() {
	look never
	assert_verdict sched-not-attached 201
	assert_value scheduler_attached false
	assert_value scheduler_not_attached true
	assert_value scheduler_not_attached_reason timeout
	assert_value scheduler_died false
	assert_value payload_started false
	assert_empty "$art/stdout"
	assert_file_text 'waiting for nothing' "$art/sched.log"
}

test_a_kernel_without_sched_ext_is_named_as_the_reason() {
	look no_sched_ext
	assert_verdict sched-not-attached 201
	assert_value scheduler_not_attached_reason 'sched_ext sysfs absent: does this kernel have CONFIG_SCHED_CLASS_EXT?'
	assert_value payload_started false
	assert_matches 'sched_ext' "$err"
}

test_without_a_scheduler_a_kernel_without_sched_ext_is_good_enough() {
	look no_sched_ext_unused
	assert_verdict pass 0
	assert_file_text absent "$art/stdout"
	assert_value init_error null
}

test_without_scheduler_and_payload_the_guest_boots_and_ends_in_order() {
	look nothing
	assert_verdict pass 0
	assert_value scheduler_attached false
	assert_value exec_exit_code null
	assert_value exit_code 0
}

# attached_frame: its words, from the frames themselves.
attached_frame() {
	decode "$art/bulk.bin" | sed -n 's/^sched-state [0-9]* attached //p'
}

test_an_attach_tells_its_load_and_its_attach_apart() {
	look dynamic
	attached_frame | tr ' ' '\n' >words
	# shellcheck disable=SC1091
	. ./words
	assertEquals "words" "ms load_ms attach_ms name " "$(sed 's/=.*//' words | tr '\n' ' ')"
	assertEquals "sum of its parts" "$ms" $((load_ms + attach_ms))
	assertTrue "the verifier took $load_ms ms" "[ $load_ms -gt 0 ]"
	assertTrue "the attach took $attach_ms ms" "[ $attach_ms -gt 0 ]"
}

test_where_no_begin_of_an_attach_was_seen_none_is_reported() {
	look forks
	assert_verdict pass 0
	assertEquals "words" "ms name " "$(attached_frame | tr ' ' '\n' | sed 's/=.*//' | tr '\n' ' ')"
}

test_the_developers_tracing_is_left_alone() {
	look forks
	assert_file_text ktbox "$art/stdout" # no kprobe event, and ktpipe's instance only
}

test_without_a_payload_a_run_passes_when_the_scheduler_has_attached() {
	look dynamic
	assert_verdict pass 0
	assert_value scheduler_attached true
	assert_value scheduler_end 'stopped code=0'
	assert_value exec_exit_code null
}

test_a_dynamic_scheduler_brings_its_libraries() {
	look dynamic
	assert_matches '^dynamic loader, cos 0.5403$' "$art/sched.log"
	assert_matches '^scx_demo: attached' "$art/sched.log"
}

test_without_a_payload_a_scheduler_that_ends_before_it_attaches_failed() {
	look dead_at_once
	assert_verdict sched-failed 200
	assert_value sched_exit_code 1
	assert_value scheduler_attached false
	assert_file_text 'dynamic loader, cos 0.5403' "$art/sched.log"
}

test_a_failing_line_of_an_enable_script_is_init_failed_and_named() {
	look bad_enable
	assert_verdict init-failed 209
	assert_value init_error null
	assert_value_matches script_error '^script: /sched_enable:2: '
	assert_matches 'sched_enable:2' "$art/console.log"
}

. shunit2

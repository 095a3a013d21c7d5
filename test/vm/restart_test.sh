#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A scheduler that restarts when a CPU goes, and whose ops.dump() imitates the kernel's lines; one that leaves its
# work to a child; and a script that runs one scheduler after the other.

# shellcheck disable=SC1091,SC2016,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

oneTimeSetUp() {
	cat >"$FILES/words" <<-'END'
		my counters: SCX_EV_SUB_BYPASS_DISPATCH=3

		CPU states
		----------

		Event counters
		--------------
		              SCX_EV_SUB_BYPASS_DISPATCH:                0
		scx_demo: root
		Debug dump triggered by SysRq-D
		sh[1] triggered exit kind 1026 on CPU 0:
		  runnable task stall (x)
		foo: root
		CPU:0 [LOST 12 EVENTS]
	END
	cat >"$FILES/payload.sh" <<-'END'
		for loop in 1 2 3 4; do
			while :; do :; done &
		done
		cat "/proc/$(pidof scx_demo)/comm"
		echo 0 >/sys/devices/system/cpu/cpu1/online
		until [ "$(grep -c attached /tmp/sched.log)" -eq 2 ]; do ktlatch wait -t 0.2 never_set; done
		for dump in 1 2 3; do echo D >/proc/sysrq-trigger; done
		cat /sys/kernel/sched_ext/state
	END
	vm restart -s "$DEMO" -a '--restart --dump-words /include-files/words' -i "$FILES/words" -i "$FILES/payload.sh" -- \
		sh /include-files/payload.sh
	vm dies -s "$DEMO" -a '--error-after 300 --dump-words /include-files/words' -i "$FILES/words" -- \
		ktlatch wait -t 60 sched_exited
	cat >"$FILES/crashes.c" <<-'END'
		#include <signal.h>
		#include <stdio.h>
		int main(void)
		{
			printf("first line\nbefore the crash\n");
			return raise(SIGSEGV);
		}
	END
	gcc -o "$FILES/crashes" "$FILES/crashes.c"
	vm crashes -s "$FILES/crashes" -- true
	sed 's/scx_demo/scx_next/g' "$DEMO" >"$FILES/scx_next"
	cat >"$FILES/one_after_the_other" <<-'END'
		#!/bin/sh
		scx_demo &
		ktlatch wait sched_attached
		kill $!
		wait $!
		exec scx_next "$@"
	END
	chmod +x "$FILES/scx_next" "$FILES/one_after_the_other"
	for run in next next_dies; do
		error=
		[ "$run" = next ] || error='--error-after 1'
		vm "$run" -s "$FILES/one_after_the_other" -a "$error" -i "$DEMO" -i "$FILES/scx_next" -- sh -c '
			until [ "$(cat /sys/kernel/sched_ext/root/ops 2>/dev/null)" = scx_next ]; do ktlatch wait -t 0.2 never_set; done
			[ -z "$1" ] || ktlatch wait -t 60 sched_exited' sh "$error"
	done
	vm background -s "$DEMO" -a --background -- \
		sh -c 'ktlatch wait -t 2 never_set; cat /sys/kernel/sched_ext/state'
}

test_the_last_lines_of_a_c_scheduler_are_there_though_a_signal_ended_it() {
	look crashes
	assert_verdict sched-failed 200
	assert_file_text 'first line
before the crash' "$art/sched.log"
}

test_a_scheduler_that_goes_into_the_background_is_not_dead() {
	look background
	assert_verdict pass 0
	assert_file_text enabled "$art/stdout"
	assert_value scheduler_died false
	assert_value scheduler_end 'stopped code=0'
	assert_matches 'EXIT: kind 64' "$art/sched.log"
}

test_a_restart_that_the_kernel_asks_for_is_no_death() {
	look restart
	assert_verdict pass 0
	assert_value scheduler_restarts 1
	assert_value scheduler_died false
	assert_matches 'EXIT: kind 66, code 281479271677952, ' "$art/sched.log"
	assert_matches '^  scheduler  scx_demo: attached, restarted once, ' "$err"
}

test_a_script_may_run_one_scheduler_after_the_other() {
	look next
	assert_verdict pass 0
	assert_value scheduler_name scx_next
	assert_value scheduler_restarts 1
	look next_dies
	assert_verdict sched-died 202
	assert_value scheduler_ejected true
	assert_value_matches scheduler_ejected_reason '^scx_bpf_error: '
	assert_value_matches reason ': scx_bpf_error \(deliberate error'
}

test_the_scheduler_has_its_own_name() {
	look restart
	assert_file_text 'scx_demo
enabled' "$art/stdout"
}

test_no_words_of_ops_dump_are_structure_of_a_sysrq_dump() {
	look restart
	assert_value_matches dumps '^\[\{"number":1,"complete":true,"type":"sysrq",.*"number":3,"complete":true,[^}]*\}\]$'
	assertEquals 3 "$(value dumps | grep -o '"reason":"","scheduler":"scx_demo","cgroup":null' | grep -c .)"
	for number in 1 2 3; do
		assertEquals "dump $number" 1 "$(grep -c 'my counters: ' "$art/dump-$number.txt")"
	done
}

test_no_words_of_ops_dump_are_structure_of_an_error_dump() {
	look dies
	assert_verdict sched-died 202
	assert_value_matches dumps '^\[\{"number":1,"complete":true,"type":"error","rule":"counter","kind":1025,[^}]*\}\]$'
	assert_value_matches reason ': scx_bpf_error \(deliberate error'
}

. shunit2

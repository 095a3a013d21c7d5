#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own schedulers: one with an arena of BPF, one that stalls, and a sub-scheduler that fails before its root
# is killed. `make test-schedulers` runs it; `make schedulers` builds them.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

SCHEDULERS=$KT_TOP/build/schedulers
VM_CEILING=200

oneTimeSetUp() {
	vm simple -s "$SCHEDULERS/scx_simple" -- sh -c 'pidof scx_simple; echo ran'
	vm qmap -s "$SCHEDULERS/scx_qmap" -- echo ran
	# Each 20th task that is queued stays there.
	cat >"$FILES/sleepers.sh" <<-'END'
		for number in 1 2 3 4; do
			(while :; do sleep 0.01; done) &
		done
		wait
	END
	vm stalled -s "$SCHEDULERS/scx_qmap" -a '-t 20' --trace --report "$VMS/stalled.html" -i "$FILES/sleepers.sh" \
		-- sh /include-files/sleepers.sh
	# What runs in the group is the sub-scheduler's: its 20th enqueue is an error. The root lives on until it is killed.
	cat >"$FILES/sub.sh" <<-'END'
		mkdir /sys/fs/cgroup/a
		sh -c 'echo 0 >/sys/fs/cgroup/a/cgroup.procs; while :; do sleep 0.01; done' &
		scx_qmap -c /sys/fs/cgroup/a -e 20 2>&1 | grep ^EXIT
		echo "then: $(cat /sys/kernel/sched_ext/state), $(cat /sys/kernel/sched_ext/root/ops)"
		sleep 3
		kill -KILL "$(cat /run/kt/sched.pid)"
		sleep 100
	END
	vm sub -s "$SCHEDULERS/scx_qmap" -i "$SCHEDULERS/scx_qmap" -i "$FILES/sub.sh" -- sh /include-files/sub.sh
}

test_a_scheduler_of_the_kernel_runs_under_its_own_name() {
	look simple
	assert_verdict pass 0
	assert_value scheduler_name simple
	assert_matches '^[0-9]+$' "$out"
}

test_an_arena_of_bpf_can_be_made() {
	look qmap
	assert_verdict pass 0
	assert_value scheduler_name qmap
	assert_matches '^ran$' "$out"
}

test_the_recording_of_a_stall_has_the_task_that_waits() {
	look stalled
	assert_verdict sched-died 202
	assert_value scheduler_name qmap
	task=$(value reason | sed -n 's/.*runnable task stall (\([^ ]*\[[0-9]*\]\) failed to run.*/\1/p')
	pid=$(echo "$task" | sed 's/.*\[\(.*\)\]/\1/')
	trace-cmd report -i "$art/trace.dat" >report.txt 2>report.err
	assertEquals "trace-cmd: $(kt_head report.err)" 0 $?
	ready="sched_waking: .* pid=$pid |sched_wakeup_new: +[^ ]*:$pid |sched_switch: +[^ ]*:$pid \\[[0-9]+\\] R "
	ready=$(grep -nE "$ready" report.txt | tail -n 1 | cut -d : -f 1)
	ran=$(grep -nE "==> [^ ]*:$pid " report.txt | tail -n 1 | cut -d : -f 1)
	assertTrue "$task could run from line $ready on, and ran last in line $ran" "[ ${ready:-0} -gt ${ran:-0} ]"
	assert_matches ">stalled: $(echo "$task" | sed 's/[][]/\\&/g')<" "$VMS/stalled.html"
}

test_the_reason_of_a_sub_scheduler_is_not_that_of_its_roots_death() {
	look sub
	assert_matches '^EXIT: scx_bpf_error .*test triggering error' "$out"
	assert_matches '^then: enabled, qmap$' "$out"
	assert_verdict sched-died 202
	assert_value_matches reason '^the scheduler died during the run: killed after [0-9.]+ s by signal 9 \(SIGKILL\)'
	value reason >reason.out
	assert_no_match scx_bpf_error reason.out
	assert_value scheduler_ejected false
	assert_value sub_scheduler_count 1
	assert_value_matches sub_schedulers '"state":"ejected","kind":1025,"name":"qmap","cgroup":"/a","reason":"scx_bpf_error: .*test triggering error"'
	assert_value_matches dumps '"number":1,"complete":true,.*"scheduler":"qmap","cgroup":"/a"'
	assert_matches '^  sub-sched +qmap /a: ejected \(scx_bpf_error: ' "$err"
	assert_matches '^  dump 1 +error 1025 of qmap /a, complete' "$err"
}

. shunit2

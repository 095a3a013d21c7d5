#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --scenario in guests: CPUs that go and come, groups, and a scheduler that does not stand it.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

oneTimeSetUp() {
	cat >"$FILES/steps" <<-'END'
		0    mkdir /sys/fs/cgroup/some; sleep 300 & echo $! >/tmp/pid
		0    echo "$(cat /tmp/pid)" >/sys/fs/cgroup/some/cgroup.procs
		0.3  echo 0 >/sys/devices/system/cpu/cpu1/online; cat /sys/devices/system/cpu/online
		0.5  echo 1 >/sys/fs/cgroup/some/cgroup.freeze
		0.8  grep frozen /sys/fs/cgroup/some/cgroup.events; echo 1 >/sys/devices/system/cpu/cpu1/online
		0.9  cat /sys/devices/system/cpu/online
		1    taskset -p 1 "$(cat /tmp/pid)" | tail -n 1
		1.1  echo 1 >/sys/fs/cgroup/some/cgroup.kill
		1.2  nonsense
	END
	vm alone --scenario "$FILES/steps" --report "$VMS/alone.html"
	printf '0.5 echo 0 >/sys/devices/system/cpu/cpu1/online\n900 true\n' >"$FILES/one"
	vm beside -s "$DEMO" --scenario "$FILES/one" -- sh -c 'until grep -qx 0 /sys/devices/system/cpu/online; do sleep 0.05; done; sleep 9'
}

test_each_step_does_its_work_at_its_time() {
	look alone
	assert_verdict fail 127
	assert_value reason 'step 9 of the scenario failed with 127: nonsense'
	assertEquals "0
frozen 1
0-1
pid's new affinity mask: 1" "$(sed "s/^pid [0-9]*'s/pid's/" "$art/stdout")"
	"$KT_PYTHON" - "$art/stream.json" >wrong <<-'END'
		import json, sys
		times = (0, 0, 0.3, 0.5, 0.8, 0.9, 1, 1.1, 1.2)
		marks = json.load(open(sys.argv[1]))["marks"]
		start = next(mark["ms"] for mark in marks if mark["what"] == "scenario-start")
		steps = [mark["ms"] for mark in marks if mark["what"].startswith("step-") and " " in mark["what"]]
		if len(steps) != len(times):
		    print(len(steps), "steps")
		for at, time in zip(steps, times):
		    if at - start < time * 1000 - 20:
		        print("step of", time, "at", at - start)
	END
	assert_empty wrong
	assert_matches 'step-3 echo 0 &gt;/sys/devices/system/cpu/cpu1/online' "$VMS/alone.html"
}

test_a_scheduler_that_does_not_stand_it_has_died() {
	look beside
	assert_verdict sched-died 202
	assert_value_matches reason 'cpu 1 going offline'
	assert_matches '^kt-scenario: 1 of 2 steps did not come before the end$' "$art/stderr"
}

. shunit2

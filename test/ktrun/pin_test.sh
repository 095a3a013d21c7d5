#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --pin: which CPUs of the host are taken, and what is said where there are too few. test/vm/pin_test.sh reads the
# affinity of a real QEMU's threads.

# shellcheck disable=SC1091,SC2154,SC2086 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"

# The host of these tests: two caches of two cores with two threads each. CPU numbers begin at 1000, which no other
# ktrun locks.
HOST='from launcher.machine.topology import cpu_numbers
from launcher.run.pin import Cpu, CpuLocks
host = [Cpu(1000 + at, "1000-1003" if at < 4 else "1004-1007", f"{1000 + at // 2 * 2}-{1001 + at // 2 * 2}") for at in range(8)]
'

test_one_cache_gives_all_and_cores_come_before_their_second_threads() {
	launcher "$HOST"'
for count in (1, 2, 3, 4): print(count, CpuLocks().take_near(host, count))' >taken
	assert_file_text '1 [1000]
2 [1000, 1002]
3 [1000, 1002, 1001]
4 [1000, 1002, 1001, 1003]' taken
}

test_two_runs_are_apart_and_give_back_what_they_had() {
	launcher "$HOST"'
one, other, third = CpuLocks(), CpuLocks(), CpuLocks()
print(one.take_near(host, 3), other.take_near(host, 2), third.take_near(host, 4))
third.release_all()
one.release_all()
print(third.take_near(host, 4))' >taken
	assert_file_text '[1000, 1002, 1001] [1004, 1006] [1003, 1005, 1007]
[1000, 1002, 1001, 1003]' taken
}

test_a_cpu_that_another_process_has_is_not_taken() {
	launcher "$HOST"'
import os
one = CpuLocks()
one.take_near(host, 1)
if os.fork() == 0:
    print(CpuLocks().take(1000), CpuLocks().take(1001), flush=True)
    os._exit(0)
os.wait()' >taken
	assert_file_text 'False True' taken
}

test_lists_of_the_kernel_are_read() {
	launcher "$HOST"'
print(sorted(cpu_numbers("0-3,8")), sorted(cpu_numbers("")), sorted(cpu_numbers("5")))' >numbers
	assert_file_text '[0, 1, 2, 3, 8] [] [5]' numbers
}

test_a_qemu_that_says_nothing_about_its_threads_is_reported_and_costs_no_verdict() {
	streams $READY $STARTED $OUT0 $EXIT
	ktrun --pin -- true
	assert_verdict pass 0
	assert_matches '^  "pin": \{"cpus":\[\],"warning":"nothing is pinned: QEMU has ended"\}' art/result.json
	assert_matches 'chardev=pin,mode=control' stub/args
	ktrun -- true
	assert_value pin null
	assert_no_match 'chardev=pin' stub/args
}

test_a_replay_keeps_what_was_pinned() {
	streams $READY $STARTED $OUT0 $EXIT
	ktrun --pin -- true
	cp art/result.json before
	run "$KTRUN" -q --replay art
	assert_status 0
	assert_same_bytes before art/result.json
	sed -i 's/"cpus":\[\]/"cpus":[-1]/' art/host.json
	run "$KTRUN" -q --replay art
	assert_status 205
	assert_matches 'pin: a number out of bounds' err
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --pin: the affinity of a real QEMU's threads while the guest runs, and a second run beside it.

# shellcheck disable=SC1091,SC2016,SC2154 # what is sourced sets them; $1 is awk's
. "$KT_TEST_LIB/vm.sh"

# affinities PID: the CPUs that each thread may use, one list per line.
affinities() {
	sed -n 's/^Cpus_allowed_list:\t//p' /proc/"$1"/task/*/status | sort -u
}

# huge_kib PID: what of its memory is in transparent huge pages.
huge_kib() {
	sed -n 's/^AnonHugePages: *\([0-9]*\) kB$/\1/p' /proc/"$1"/smaps_rollup
}

oneTimeSetUp() {
	vm_begin first --pin -m 256 -c 1 -- sh -c 'echo up; exec ktlatch wait -t 1000 never'
	if vm_hears up; then
		affinities "$(vm_qemu)" >"$VMS/threads"
		affinities "$$" >"$VMS/own"
		huge_kib "$(vm_qemu)" >"$VMS/huge"
		vm second --pin -m 256 -c 1 -- true
	fi
	kill -INT "-$vm_pid"
	vm_name=first
	vm_finish
}

test_the_guest_s_memory_has_huge_pages_where_the_host_has_them() {
	if ! grep -qE '\[(always|madvise)\]' /sys/kernel/mm/transparent_hugepage/enabled; then startSkipping; fi
	assertTrue "$(cat "$VMS/huge") KiB of 256 MiB" "[ $(cat "$VMS/huge") -ge 16384 ]"
}

test_the_thread_of_the_cpus_may_use_one_cpu_and_the_others_all() {
	look first
	pinned=$(value pin | sed 's/.*"cpus":\[\([0-9]*\)\].*/\1/')
	assertNotNull "a CPU: $(value pin)" "$pinned"
	assertEquals "$(printf '%s\n' "$pinned" "$(cat "$VMS/own")" | sort -u)" "$(cat "$VMS/threads")"
}

test_a_run_beside_it_gets_another_cpu() {
	look second
	assert_verdict pass 0
	cpu='s/.*"cpus":\[\([0-9]*\)\].*/\1/'
	second=$(value pin | sed "$cpu")
	look first
	if [ "$(nproc)" -gt 1 ]; then
		assertNotNull "$second"
		assertNotEquals "CPU of the second" "$(value pin | sed "$cpu")" "$second"
	else
		assertEquals "none is free" "" "$second"
	fi
}

. shunit2

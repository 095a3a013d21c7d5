#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What a kernel reports that has more checks than Debian's (../kernels): each is provoked in a guest, by the kernel's
# own crash test (LKDTM) or ours (../ktcrash), and must be named. `make test-crash` runs it; `make kernel-checked`
# builds the kernel. A checked kernel under the demo scheduler has nothing to report.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

KERNEL=$KT_TOP/build/kernel-checked/kasan
VM_CEILING=300

# provoke NAME [OPTION...]: the crash, then AFTER; the names of LKDTM, which is built in, are in capital letters.
provoke() {
	crash=$1
	shift
	case $crash in
	[A-Z]*) act="echo $crash >/sys/kernel/debug/provoke-crash/DIRECT" ;;
	*) act="insmod /include-files/ktcrash.ko && echo $crash >/sys/module/ktcrash/parameters/crash" ;;
	esac
	vm "$crash" -k "$KERNEL/image" -m 1024 -t 240 -i "$KERNEL/ktcrash.ko" "$@" -- sh -c "$act
		echo came back; $AFTER"
	look "$crash"
}

setUp() {
	AFTER=''
}

tearDown() {
	[ -z "${crash:-}" ] || rm -rf "${VMS:?}/$crash"
}

# warns NAME KIND ERE [OPTION...]: the guest goes on, and --fail-on-warn counts it.
warns() {
	warn_name=$1
	warn_kind=$2
	warn_reason=$3
	shift 3
	provoke "$warn_name" --fail-on-warn --append quiet "$@"
	assert_verdict kernel-warned 210
	assert_value_matches reason "the first: \\[ *[0-9.]+\\] $warn_reason"
	assert_value_matches kernel_reports "\"kind\":\"$warn_kind\""
	assert_matches 'came back' "$out"
}

test_nothing_is_reported_of_a_scheduler_that_is_as_it_should_be() {
	vm quiet -k "$KERNEL/image" -m 1024 -t 240 --fail-on-warn -s "$DEMO" -- \
		sh -c 'for i in 1 2 3 4; do sh -c : & done; wait'
	look quiet
	assert_verdict pass 0
}

test_kasan_out_of_bounds() { warns SLAB_LINEAR_OVERFLOW kasan 'BUG: KASAN: slab-out-of-bounds in lkdtm_'; }
test_kasan_after_free() { warns READ_AFTER_FREE kasan 'BUG: KASAN: slab-use-after-free in lkdtm_'; }
test_kasan_free_twice() { warns SLAB_FREE_DOUBLE kasan 'BUG: KASAN: double-free in lkdtm_'; }

test_lock_order() { warns lock_order lockdep 'WARNING: possible circular locking dependency detected'; }
test_lock_class() { warns lock_class lockdep 'WARNING: possible recursive locking detected'; }
test_lock_state() { warns lock_state lockdep 'WARNING: inconsistent lock state'; }
test_wait_context() { warns wait_context lockdep '\[ BUG: Invalid wait context \]'; }
test_unlock() { warns unlock lockdep 'WARNING: bad unlock balance detected!'; }
test_keep_lock() { warns keep_lock lockdep 'WARNING: lock held when returning to user space!'; }
test_free_lock() { warns free_lock lockdep 'WARNING: held lock freed!'; }
test_no_lock() { warns no_lock lockdep 'INFO: trying to register non-static key.'; }
test_rcu_usage() { warns rcu_usage lockdep 'WARNING: suspicious RCU usage'; }
test_sleeps() { warns sleeps bug 'BUG: sleeping function called from invalid context at '; }
test_free_timer() { warns free_timer warn 'WARNING: .*: ODEBUG: free active '; }

# An object must be five seconds old, and be missed by two scans.
test_leak() {
	AFTER='sleep 6; for i in 1 2; do echo scan >/sys/kernel/debug/kmemleak; done'
	warns leak kmemleak 'kmemleak: [0-9]+ new suspected memory leaks'
}

test_workqueue_stall() {
	warns workqueue_stall workqueue-lockup 'BUG: workqueue lockup - pool ' --append workqueue.watchdog_thresh=3
}
test_deaf_cpu() { warns deaf_cpu csd-lock 'smp: csd: Detected non-responsive CSD lock' --append csdlock_debug=1; }

test_hard_lockup_that_another_cpu_sees() {
	AFTER='sleep 600'
	provoke HARDLOCKUP -t 60 --append 'watchdog_thresh=4'
	assert_verdict timeout 204
	assert_value_matches kernel_reports '"kind":"hard-lockup"'
	assert_value_matches reason '^not done after 60 s: .*watchdog: .*hard LOCKUP on cpu'
}

test_nothing_is_left() {
	assert_nothing_left
}

. shunit2

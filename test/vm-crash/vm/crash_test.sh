#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own crash test (LKDTM) and ours (../ktcrash), crash by crash: each is provoked in a guest, and must be
# named in the verdict, the reason and the list of reports. `make test-crash` runs it; `make kernel-crash` builds the
# modules.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

MODULES=$KT_TOP/build/kernel-crash
VM_CEILING=90

# provoke NAME [OPTION...]: PREPARE, then the crash; what comes back says so. The names of LKDTM are in capital letters.
provoke() {
	crash=$1
	shift
	case $crash in
	[A-Z]*) module=lkdtm file=/sys/kernel/debug/provoke-crash/DIRECT ;;
	*) module=ktcrash file=/sys/module/ktcrash/parameters/crash ;;
	esac
	vm "$crash" -i "$MODULES/$module.ko" "$@" -- sh -c "$PREPARE
		insmod /include-files/$module.ko && echo $crash >$file
		echo came back; $AFTER"
	look "$crash"
}

setUp() {
	PREPARE='' AFTER=''
}

tearDown() {
	[ -z "${crash:-}" ] || rm -rf "${VMS:?}/$crash"
}

# panics NAME KIND ERE: the guest is lost by a panic, whose reason matches, and a report of this kind is in the list.
panics() {
	provoke "$1"
	assert_verdict lost 203
	assert_value_matches reason "^kernel panic: \\[ *[0-9.]+\\] $3"
	assert_value_matches kernel_reports "\"kind\":\"$2\""
	assert_matches "^ktrun: lost .*$3" "$err"
}

NULL='BUG: kernel NULL pointer dereference, address: .* \(Kernel panic - not syncing: Fatal exception\)'
FAULT='BUG: unable to handle page fault for address: .* \(Kernel panic - not syncing: Fatal exception\)'

test_panic() { panics PANIC panic 'Kernel panic - not syncing: dumptest'; }
test_panic_in_hardirq() { panics PANIC_IN_HARDIRQ panic 'Kernel panic - not syncing: from hard IRQ context'; }
test_bug() { panics BUG bug 'kernel BUG at .*bugs.c:[0-9]+! \(Kernel panic - not syncing: Fatal exception\)'; }
test_bug_in_hardirq() { panics BUG_IN_HARDIRQ bug 'kernel BUG at .*Fatal exception in interrupt'; }
test_exception() { panics EXCEPTION oops "$NULL"; }
test_access_null() { panics ACCESS_NULL oops "$NULL"; }
test_exec_null() { panics EXEC_NULL oops "$NULL"; }
test_access_userspace() { panics ACCESS_USERSPACE oops "$FAULT"; }
test_exec_userspace() { panics EXEC_USERSPACE oops "$FAULT"; }
test_exec_data() { panics EXEC_DATA oops "$FAULT"; }
test_write_ro() { panics WRITE_RO oops "$FAULT"; }
test_exhaust_stack() { panics EXHAUST_STACK oops 'BUG: TASK stack guard page was hit at '; }
test_stack_guard_page() { panics STACK_GUARD_PAGE_LEADING oops 'BUG: TASK stack guard page was hit at '; }
test_corrupt_stack() { panics CORRUPT_STACK_STRONG panic 'Kernel panic - not syncing: stack-protector: '; }
test_corrupt_list_add() { panics CORRUPT_LIST_ADD bug 'kernel BUG at lib/list_debug.c:[0-9]+!: list_add corruption'; }
test_corrupt_list_del() { panics CORRUPT_LIST_DEL bug 'kernel BUG at lib/list_debug.c:[0-9]+!: list_del corruption'; }
test_usercopy() { panics USERCOPY_SLAB_SIZE_TO bug 'kernel BUG at mm/usercopy.c:[0-9]+!: usercopy: Kernel memory exposure'; }
test_fortify() { panics FORTIFY_STR_MEMBER bug 'kernel BUG at lib/string_helpers.c'; }

test_divide() { panics divide oops 'Oops: divide error: 0000 \[#1\].* \(Kernel panic - not syncing: Fatal exception\)'; }
test_non_canonical() {
	panics non_canonical oops 'Oops: general protection fault, .* \(Kernel panic - not syncing: Fatal exception\)'
}

# warns NAME KIND ERE [WORD]: the guest goes on, and --fail-on-warn counts it.
warns() {
	provoke "$1" --fail-on-warn --append quiet ${4:+--append "$4"}
	assert_verdict kernel-warned 210
	assert_value_matches reason "the first: \\[ *[0-9.]+\\] $3"
	assert_value_matches kernel_reports "\"kind\":\"$2\""
	assert_matches 'came back' "$out"
}

test_warning() { warns WARNING warn 'WARNING: .*bugs.c:'; }
test_warning_message() { warns WARNING_MESSAGE warn 'WARNING: .*bugs.c:.*: Warning message trigger count: '; }
test_refcount() { warns REFCOUNT_SUB_AND_TEST_NEGATIVE warn 'WARNING: lib/refcount.c:.*: refcount_t: underflow; use-after-free'; }
test_array_bounds() { warns ARRAY_BOUNDS ubsan 'UBSAN: array-index-out-of-bounds in .*bugs.c'; }

test_shift() { warns shift ubsan 'UBSAN: shift-out-of-bounds in ktcrash.c:'; }
test_duplicate_name() { warns duplicate_name warn 'sysfs: cannot create duplicate filename '; }
test_init_twice() { warns init_twice warn 'kobject: .*something is seriously wrong'; }
test_leaky_work() { warns leaky_work bug 'BUG: workqueue leaked atomic, lock or RCU: kworker/[^ ]*$'; }
test_leaky_softirq() { warns leaky_softirq bug 'softirq: huh, entered softirq 6 TASKLET '; }
test_page_state() { warns page_state bug 'BUG: Bad page state in process sh '; }
test_kfence() {
	warns KFENCE_READ_AFTER_FREE kfence 'BUG: KFENCE: use-after-free read in lkdtm_' kfence.sample_interval=50
}
test_slub_write_after_free() { warns WRITE_AFTER_FREE slub 'BUG kmalloc-.* \(.*\): ' slab_debug=FZPU; }
test_slub_overflow() { warns SLAB_LINEAR_OVERFLOW slub 'BUG kmalloc-.* \(.*\): ' slab_debug=FZPU; }
test_slub_free_twice() { warns SLAB_FREE_DOUBLE slub 'BUG lkdtm-heap-double_free \(.*\): ' slab_debug=FZPU; }
test_slub_free_cross() { warns SLAB_FREE_CROSS warn 'WARNING: mm/slub.c:.*object belongs to different cache'; }

test_scheduling_while_atomic() {
	provoke atomic --fail-on-warn
	assert_verdict kernel-warned 210
	assert_value_matches reason 'the first: \[ *[0-9.]+\] BUG: scheduling while atomic: sh/'
	assert_value_matches kernel_reports '"kind":"bug"'
}

# The payload asked for too much, and the kernel did its part.
test_no_memory_is_a_report_but_no_warning() {
	provoke no_memory --fail-on-warn
	assert_verdict pass 0
	assert_value_matches kernel_reports '"kind":"alloc-failure","line":"[^"]*sh: page allocation failure: order:'
}

# hangs NAME KIND ERE [OPTION...]: the run reaches its limit, and the report is the reason.
hangs() {
	hang_kind=$2
	hang_reason=$3
	hang_name=$1
	shift 3
	AFTER='sleep 600'
	provoke "$hang_name" -t 45 "$@"
	assert_verdict timeout 204
	assert_value_matches reason "^not done after 45 s: \\[ *[0-9.]+\\] $hang_reason"
	assert_value_matches kernel_reports "\"kind\":\"$hang_kind\""
}

test_soft_lockup() {
	PREPARE='echo 4 >/proc/sys/kernel/watchdog_thresh'
	hangs SOFTLOCKUP soft-lockup 'watchdog: BUG: soft lockup - CPU#[0-9] stuck for '
}

test_hard_lockup() {
	PREPARE='echo 4 >/proc/sys/kernel/watchdog_thresh'
	hangs HARDLOCKUP rcu-stall '(watchdog: BUG: soft lockup|rcu: INFO: .* stall)' --append rcupdate.rcu_cpu_stall_timeout=8
}

test_hung_task() {
	PREPARE='echo 3 >/proc/sys/kernel/hung_task_timeout_secs'
	hangs HUNG_TASK hung-task 'INFO: task sh:[0-9]+ blocked for more than 3 seconds'
	assert_matches 'sh\[[0-9]+\] waits, uninterruptible, in lkdtm_HUNG_TASK' "$err"
}

test_io_wait() {
	PREPARE='echo 3 >/proc/sys/kernel/hung_task_timeout_secs'
	hangs io_wait hung-task 'INFO: task sh:[0-9]+ blocked in I/O wait for more than 3 seconds'
}

test_rcu_stall() {
	hangs rcu_stall rcu-stall 'rcu: INFO: rcu_preempt .*stall' --append rcupdate.rcu_cpu_stall_timeout=8
}

test_stall_of_rcu_tasks() {
	hangs tasks_stall rcu-stall 'INFO: rcu_tasks detected stalls on tasks:' --append rcupdate.rcu_task_stall_timeout=5000
}

. shunit2

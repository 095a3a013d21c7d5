#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What the kernel reports: each headline's kind (docs/use/verdicts.md), what counts, and which of it is the reason. The
# lines are as the kernel's source prints them. That a kernel does print them is shown in test/crash.

# shellcheck disable=SC1091,SC2154,SC2086 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"

# kinds: prints "KIND COUNTS" for each line of stdin, as a console with time stamps has them; "-" for none.
kinds() {
	launcher 'import os
from launcher.judge.console import read_console
from launcher.lib.rundir import RunDirectory
os.makedirs("k", exist_ok=True)
for text in sys.stdin.read().splitlines():
    with open("k/console.log", "w") as console:
        console.write("[    1.000000] first\r\n[    2.000000] " + text + "\r\n")
    found = read_console(RunDirectory("k"))
    print(found.reports[0].kind if found.reports else "-", "counts" if found.warned else "-", found.count)'
}

# assert_kinds: each line of stdin is "KIND|TEXT".
assert_kinds() {
	cat >table
	cut -d '|' -f 2- table | kinds | cut -d ' ' -f 1 | paste -d '|' - table | awk -F '|' '$1 != $2' >wrong
	assert_empty wrong
	assertTrue "lines in the table" "[ -s table ]"
}

test_the_kernel_s_headlines_have_their_kinds() {
	assert_kinds <<-'END'
		panic|Kernel panic - not syncing: Fatal exception
		warn|WARNING: kernel/sched/core.c:1234 at set_task_cpu+0x1/0x2, CPU#1: sh/77
		warn|WARNING: CPU: 0 PID: 1 at kernel/never.c:1 f+0x1/0x2
		lockdep|WARNING: possible circular locking dependency detected
		lockdep|WARNING: possible recursive locking detected
		lockdep|WARNING: possible irq lock inversion dependency detected
		lockdep|WARNING: inconsistent lock state
		lockdep|WARNING: suspicious RCU usage
		lockdep|WARNING: bad unlock balance detected!
		lockdep|WARNING: bad contention detected!
		lockdep|WARNING: HARDIRQ-safe -> HARDIRQ-unsafe lock order detected
		lockdep|WARNING: lock held when returning to user space!
		lockdep|WARNING: held lock freed!
		lockdep|WARNING: sh/77 still has locks held!
		lockdep|WARNING: Nested lock was not taken
		lockdep|WARNING: chain_key collision
		lockdep|[ BUG: Invalid wait context ]
		lockdep|INFO: trying to register non-static key.
		lockdep|BUG: MAX_LOCKDEP_CHAINS too low!
		rcu-stall|rcu: INFO: rcu_preempt self-detected stall on CPU
		rcu-stall|rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
		rcu-stall|rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 1-... } 22 jiffies s: 5 root: 0x2/.
		rcu-stall|rcu_tasks_trace: INFO: rcu_tasks_trace detected stalls on tasks:
		rcu-stall|INFO: rcu_tasks detected stalls on tasks:
		rcu-stall|rcu: rcu_preempt kthread starved for 2100 jiffies! g1 f0x0 RCU_GP_WAIT_FQS(5) ->state=0x0 ->cpu=1
		rcu-stall|rcu: rcu_preempt kthread timer wakeup didn't happen for 2099 jiffies! g1 f0x0 RCU_GP_WAIT_FQS(5)
		-|rcu: INFO: Stall ended before state dump start
		soft-lockup|watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [sh:77]
		soft-lockup|sched_ext: Soft lockup - CPU 1 stuck for 12s, disabling BPF scheduler
		hard-lockup|watchdog: CPU1: Watchdog detected hard LOCKUP on cpu 1
		hard-lockup|NMI watchdog: Watchdog detected hard LOCKUP on cpu 0
		hard-lockup|sched_ext: Hard lockup - CPU 1, disabling BPF scheduler
		workqueue-lockup|BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 31s!
		bug|BUG: workqueue leaked atomic, lock or RCU: kworker/0:1[9]
		hung-task|INFO: task sh:77 blocked for more than 122 seconds.
		hung-task|INFO: task sh:77 blocked in I/O wait for more than 6 seconds.
		-|INFO: task sh:77 is blocked on a mutex likely owned by task cat:78.
		hung-task|INFO: The task sh:77 has been waiting for writeback completion for more than 120 seconds.
		csd-lock|smp: csd: Detected non-responsive CSD lock (#1) on CPU#0, waiting 5000 ns for CPU#01 f(0x0).
		kasan|BUG: KASAN: slab-use-after-free in f+0x1/0x2
		kcsan|BUG: KCSAN: data-race in f / g
		kmsan|BUG: KMSAN: uninit-value in f+0x1/0x2
		kfence|BUG: KFENCE: out-of-bounds read in f+0x1/0x2
		ubsan|UBSAN: array-index-out-of-bounds in drivers/misc/lkdtm/bugs.c:411:16
		kmemleak|kmemleak: 2 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
		slub|BUG kmalloc-64 (Not tainted): Poison overwritten
		slub|BUG task_struct(7:user) (Tainted: G        W  ): Object already free
		-|FIX kmalloc-64: Restoring Poison 0x1-0x2=0x6b
		bug|pagealloc: memory corruption
		bug|BUG: Bad page state in process sh  pfn:01234
		bug|BUG: Bad page map in process sh  pte:1 pmd:2
		bug|BUG: Bad rss-counter state mm:0 type:MM_ANONPAGES val:1
		bug|BUG: scheduling while atomic: sh/77/0x00000002
		bug|BUG: sleeping function called from invalid context at kernel/locking/mutex.c:1
		bug|BUG: using smp_processor_id() in preemptible [00000000] code: sh/77
		bug|BUG: spinlock bad magic on CPU#0, sh/77
		bug|BUG: unable to handle page fault for address: ffffffffffffffff
		bug|BUG: kernel NULL pointer dereference, address: 0000000000000000
		bug|BUG: TASK stack guard page was hit at 0 (stack is 1..2)
		bug|kernel BUG at lib/list_debug.c:35!
		bug|CFI failure at f+0x1/0x2 (target: g+0x0/0x3; expected type: 0x12345678)
		bug|huh, entered softirq 3 NET_RX 0 with preempt_count 00000100, exited with 00000101?
		oops|traps: PANIC: double fault, error_code: 0x0
		oops|Oops: 0002 [#1] SMP NOPTI
		oops|Oops: general protection fault, probably for non-canonical address 0x1: 0000 [#1] SMP
		oops|general protection fault, probably for non-canonical address 0x1: 0000 [#1] SMP
		oops|divide error: 0000 [#1] PREEMPT SMP
		oops|stack guard page: 0000 [#1] SMP
		oops|Internal error: Oops: 0000000096000044 [#1] SMP
		oops|Unable to handle kernel NULL pointer dereference at virtual address 0000000000000000
		oops|Insufficient stack space to handle exception!
		oops|SError Interrupt on CPU1, code 0x00000000be000000 -- SError
		oops|Fixing recursive fault but reboot is needed!
		unchecked-msr|unchecked MSR access error: WRMSR to 0x123 (tried to write 0x0) at rIP: 0x0 (f+0x1/0x2)
		irq|irq 9: nobody cared (try booting with the "irqpoll" option)
		nmi|Uhhuh. NMI received for unknown reason 2d on CPU 0.
		warn|sysfs: cannot create duplicate filename '/a/b'
		sched-ejected|sched_ext: BPF scheduler "mine" disabled (runtime error)
		sched-ejected|sched_ext: BPF scheduler "mine" disabled (runnable task stall)
		sched-ejected|sched_ext: BPF sub-scheduler "mine" disabled (scx_bpf_error)
		-|sched_ext: BPF scheduler "mine" disabled (unregistered from user space)
		-|sched_ext: BPF scheduler "mine" disabled (Scheduler unregistered from BPF)
		-|sched_ext: BPF scheduler "mine" disabled (disabled by sysrq-S)
		-|sched_ext: BPF sub-scheduler "mine" disabled (parent exiting)
		-|sched_ext: BPF scheduler "mine" enabled
		oom-kill|Out of memory: Killed process 77 (sh) total-vm:1kB
		oom-kill|Memory cgroup out of memory: Killed process 77 (sh) total-vm:1kB
		alloc-failure|sh: page allocation failure: order:9, mode:0x0(), nodemask=(null)
		-|INFO: lockdep is turned off.
		-|RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable to RETBleed attacks, data leaks possible!
		-|systemd[1]: a BUG of somebody
		-|workqueue: psi_avgs_work hogged CPU for >10000us 4 times, consider switching to WQ_UNBOUND
	END
}

test_what_the_payload_asked_for_does_not_count() {
	printf '%s\n' 'Out of memory: Killed process 7 (sh) total-vm:1kB' \
		'sh: page allocation failure: order:9, mode:0x0(), nodemask=(null)' 'UBSAN: shift-out-of-bounds in a.c:1:2' |
		kinds >out
	assert_file_text 'oom-kill - 1
alloc-failure - 1
ubsan counts 1' out
}

# documented_kinds: those of the table.
test_each_kind_is_in_the_documentation() {
	sed -n '/^## Kernel reports/,/^## /p' "$KT_TOP/docs/use/verdicts.md" | grep '^| `' >documented
	for kind in $(cut -d '|' -f 1 table 2>/dev/null) panic warn lockdep rcu-stall soft-lockup hard-lockup workqueue-lockup hung-task \
		csd-lock kasan kcsan kmsan kfence ubsan kmemleak slub bug oops unchecked-msr irq nmi sched-ejected oom-kill \
		alloc-failure; do
		assert_matches "^\\|[^|]*\`$kind\`" documented
	done
}

# reason_of WORD CODE OPTIONS ITEM...: the reason of such a run; the console is in stub/console.
reason_of() {
	reason_word=$1
	reason_code=$2
	reason_options=$3
	shift 3
	streams "$@"
	ktrun $reason_options
	assert_verdict "$reason_word" "$reason_code"
	value reason >reason.out
}

NULL_POINTER='[    9.100000] BUG: kernel NULL pointer dereference, address: 0000000000000008
[    9.100100] #PF: supervisor write access in kernel mode
[    9.100200] Oops: Oops: 0002 [#1] SMP NOPTI
[    9.100300] RIP: 0010:lkdtm_EXCEPTION+0x1/0x2 [lkdtm]
[    9.200000] ---[ end trace 0000000000000000 ]---
[    9.300000] Kernel panic - not syncing: Fatal exception'

test_what_a_panic_ended_is_its_reason() {
	printf '%s\n' "$NULL_POINTER" >stub/console
	reason_of lost 203 "--junit art.xml -- true" $READY $STARTED
	assert_matches 'kernel panic: \[    9\.100000\] BUG: kernel NULL pointer dereference, address: 0+8 \(Kernel panic - not' \
		reason.out
	assert_matches 'BUG: kernel NULL pointer dereference' err
	assert_matches 'kernel panic: .*BUG: kernel NULL pointer' art.xml
}

test_a_report_that_ended_in_nothing_is_not_the_reason_of_a_later_panic() {
	printf '[    8.%06d] a line\n' $(seq 120) >many
	printf '%s\n' '[    7.000000] BUG: Bad page state in process sh  pfn:1' >stub/console
	cat many >>stub/console
	echo '[    9.300000] Kernel panic - not syncing: Fatal exception' >>stub/console
	reason_of lost 203 "-- true" $READY $STARTED
	assert_matches 'kernel panic: .*Kernel panic - not syncing: Fatal exception$' reason.out
	assert_no_match 'Bad page' reason.out
	printf '%s\n' '[    9.0] WARNING: at somewhere' '[    9.3] Kernel panic - not syncing: sysrq triggered crash' >stub/console
	reason_of lost 203 "-- true" $READY $STARTED
	assert_matches 'kernel panic: \[    9.3\] Kernel panic - not syncing: sysrq triggered crash$' reason.out
}

test_the_last_words_of_a_shell_that_was_init_are_the_reason_of_its_end() {
	panic='[    6.297778] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000200'
	printf '%s\r\n' '[    4.979740] Run /init as init process' "/init: line 21: can't fork: Resource temporarily unavailable" \
		"$panic" '/init: [    6.299144] CPU: 0 UID: 0 PID: 1 Comm: init' "line 83: can't fork" >stub/console
	reason_of lost 203 "-- true" $READY $STARTED
	assertEquals "init died: /init: line 21: can't fork: Resource temporarily unavailable ($(echo "$panic" | cut -c 16-))" \
		"$(cat reason.out)"
	printf '%s\n' "/init: line 21: can't fork" 'text of the payload' "$panic" >stub/console
	reason_of lost 203 "-- true" $READY $STARTED
	assertEquals "init died: $panic" "$(cat reason.out)"
}

test_each_panic_of_a_watchdog_has_its_report_as_reason() {
	while IFS='|' read -r report panic; do
		printf '[    9.100000] %s\n[    9.200000] more\n[    9.300000] Kernel panic - not syncing: %s\n' "$report" \
			"$panic" >stub/console
		reason_of lost 203 "-- true" $READY $STARTED
		assertEquals "$panic" "kernel panic: [    9.100000] $report (Kernel panic - not syncing: $panic)" "$(cat reason.out)"
	done <<-'END'
		watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [sh:77]|softlockup: hung tasks
		INFO: task sh:77 blocked for more than 12 seconds.|hung_task: blocked tasks
		watchdog: CPU1: Watchdog detected hard LOCKUP on cpu 1|Hard LOCKUP
		rcu: INFO: rcu_preempt self-detected stall on CPU|RCU Stall
		WARNING: kernel/a.c:1 at f+0x1/0x2, CPU#1: sh/77|kernel: panic_on_warn set ...
		UBSAN: shift-out-of-bounds in a.c:1:2|UBSAN: panic_on_warn set ...
		traps: PANIC: double fault, error_code: 0x0|Fatal exception in interrupt
		Internal error: Oops: 0000000096000044 [#1] SMP|Oops: Fatal exception
	END
}

test_the_words_of_bug_and_warn_are_in_the_reason() {
	printf '%s\n' '[    9.1] list_add corruption. next->prev should be prev (1), but was 2. (next=3).' \
		'[    9.1] ------------[ cut here ]------------' '[    9.1] kernel BUG at lib/list_debug.c:35!' \
		'[    9.1] Oops: invalid opcode: 0000 [#1] SMP' '[    9.3] Kernel panic - not syncing: Fatal exception' >stub/console
	reason_of lost 203 "-- true" $READY $STARTED
	assert_matches 'kernel BUG at lib/list_debug.c:35!: list_add corruption. next' reason.out
	printf '%s\n' '[    9.1] ------------[ cut here ]------------' '[    9.1] refcount_t: underflow; use-after-free.' \
		'[    9.1] WARNING: lib/refcount.c:28 at f+0x1/0x2, CPU#1: sh/77' >stub/console
	reason_of kernel-warned 210 "--fail-on-warn -- true" $READY $STARTED $OUT0 $EXIT
	assert_matches 'the first: .*WARNING: lib/refcount.c:28 .*: refcount_t: underflow; use-after-free.$' reason.out
}

# A guest that does nothing until the limit.
hang() {
	# shellcheck disable=SC2016
	echo 'exec sleep 1000' >stub/act
}

test_what_holds_up_a_guest_is_the_reason_at_the_limit() {
	hang
	while IFS= read -r report; do
		printf '[    9.100000] %s\n' "INFO: task sh:7 blocked for more than 9 seconds." "$report" >stub/console
		touch -d '1 hour ago' stub/console
		reason_of timeout 204 "-t 1 -- true" $READY $STARTED
		assertEquals "reason" 1 "$(grep -cF "$report" reason.out)"
	done <<-'END'
		watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [sh:77]
		Kernel panic - not syncing: sysrq triggered crash
	END
}

test_a_stall_is_the_reason_unless_the_guest_went_on() {
	mkdir art
	echo '[    9.100000] rcu: INFO: rcu_preempt self-detected stall on CPU' >art/console.log
	launcher 'from dataclasses import replace
from launcher.judge.facts import read_facts
from launcher.judge.reasons import why_not_done
from launcher.run.host import Ending, Host
from launcher.lib.rundir import RunDirectory
from launcher.judge.stream import Mark, Stream
for marks in ((Mark(9000, "payload-starting"), Mark(9998, "wake:0xd1"), Mark(9999, "exec-exit")), (Mark(9500, "payload-starting"),)):
    with RunDirectory("art") as directory:
        host = Host(ending=Ending(console_age_secs=60, frames_age_secs=60))
        facts, _ = read_facts(directory)
        print(why_not_done(replace(facts, host=host, stream=Stream(sys_ready=True, marks=marks))))' >out
	assertEquals "a guest that is held up" \
		'[    9.100000] rcu: INFO: rcu_preempt self-detected stall on CPU; the guest was silent (last frame: 60 s before, last console output: 60 s before)' \
		"$(sed -n 1p out)"
	assert_matches '^the guest was silent .*; the kernel had reported: .*stall on CPU$' out
}

test_a_guest_that_never_spoke_shows_its_last_lines() {
	hang
	printf '[    0.100000] one\r\n[    0.200000] the last\r\n' >stub/console
	reason_of timeout 204 "-t 1 -- true"
	assert_matches 'never reported that it is ready, the console.s last line is: .*the last$' reason.out
	assert_matches '^ *\[    0.100000\] one$' err
}

test_a_kernel_that_can_not_start_init_is_named_by_its_option() {
	echo '[    1.0] Kernel panic - not syncing: Requested init /init failed (error -8).' >stub/console
	reason_of boot-failed 206 "-- true"
	assert_matches 'does this kernel have CONFIG_BINFMT_SCRIPT' reason.out
	echo '[    1.0] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)' >stub/console
	reason_of boot-failed 206 "-- true"
	assert_matches 'CONFIG_BLK_DEV_INITRD' reason.out
	: >stub/console
	reason_of boot-failed 206 "-- true"
	assert_matches 'and nothing is on the console \(does this kernel have CONFIG_TTY, CONFIG_PRINTK and a console' reason.out
	rm stub/console
	reason_of sched-failed 200 "-s $KT_TOP/build/scx_demo -- true" $READY sched-log====SCHED_OUTPUT_START=== \
		"sched-log=extern\\x20(func\\x20ksym)\\x20'scx_bpf_create_dsq':\\x20func_proto\\x20[53]\\x20incompatible\\x20with\\x20kernel\\x20[1]\\n" \
		sched-log====SCHED_OUTPUT_END=== $DIED $EXIT
	assert_matches 'made by a pahole before 1.26' reason.out
}

test_a_warning_of_qemu_is_in_the_result() {
	printf 'qemu: warning: one\nqemu: warning: two\n' >stub/stderr
	reason_of pass 0 "-- true" $READY $STARTED $OUT0 $EXIT
	assert_value qemu_warnings '["qemu: warning: one","qemu: warning: two"]'
	assert_matches '^  qemu       qemu: warning: one$' err
}

# The kernel prints so at SysRq-t.
tasks() {
	printf '[    9.000000] %s\n' 'task:kthreadd        state:S stack:0     pid:2     tgid:2     ppid:0      task_flags:0x208040 flags:0x00080000' \
		'task:kworker/0:0     state:R  running task     stack:0     pid:9     tgid:9     ppid:2      task_flags:0x1 flags:0x00000000' \
		'task:ktexec          state:S stack:0     pid:70    tgid:70    ppid:60     task_flags:0x1 flags:0x00080000' \
		'task:sh              state:S stack:0     pid:71    tgid:71    ppid:70     task_flags:0x1 flags:0x00080000' \
		'Call Trace:' ' <TASK>' ' __schedule+0x4c5/0x1070' ' ? never+0x1/0x2' ' schedule+0x27/0xa0' ' do_wait+0x5e/0xe0' \
		' kernel_wait4+0xb1/0x160' ' </TASK>' \
		'task:dd              state:D stack:0     pid:72    tgid:72    ppid:71     task_flags:0x1 flags:0x00080000' \
		'Call Trace:' ' <TASK>' ' __schedule+0x4c5/0x1070' ' io_schedule+0x46/0x80' ' folio_wait_bit_common+0x1/0x2'
}

test_the_tasks_of_the_payload_come_first_with_what_they_wait_for() {
	# shellcheck disable=SC2016
	echo 'head -c 4 "$hvc.in" >/dev/null; cat "$stub/tasks" >>"$console"' >stub/act
	tasks >stub/tasks
	reason_of timeout 204 "-t 1 -- true" $READY $STARTED
	sed -n '/what its tasks did/,/console before/p' err | sed 's/^ *//' >shown
	assert_in_order_of 'payload: 2' 'dd[72] waits, uninterruptible, in folio_wait_bit_common' 'sh[71] waits in do_wait' \
		'kernel threads that run: 1' 'kworker/0:0[9] runs'
}

assert_in_order_of() { # LINE...: in the file shown
	printf '%s\n' "$@" >wanted
	grep -xF -f wanted shown >found
	assert_same_bytes wanted found
}

# The kernel's own log: records of /dev/kmsg.
record() { # SEQ MICROSECONDS TEXT
	printf 'kmsg=4,%s,%s,-;%s\\n' "$1" "$2" "$3" | sed 's/ /\\x20/g'
}
END_OF_LOG='kmsg='

test_a_record_of_several_lines_is_read_line_by_line() {
	echo '[    1.000000] booted' >stub/console
	reason_of kernel-warned 210 "--fail-on-warn -- true" $READY $STARTED $OUT0 \
		"$(record 0 1000000 'BUG: workqueue leaked atomic: kworker/0:2[53]\x5cx0a  preempt=0x00000001')" \
		"$(record 1 2000000 '\x5cx0aWARNING: suspicious RCU usage')" $END_OF_LOG $EXIT
	assert_matches 'reports: 2, the first: .* BUG: workqueue leaked atomic: kworker/0:2\[53\]$' reason.out
	assert_matches '"kind":"lockdep","line":"[^"]*WARNING: suspicious RCU usage"' art/result.json
}


test_a_warning_that_the_console_does_not_show_counts() {
	echo '[    1.000000] booted' >stub/console
	reason_of kernel-warned 210 "--fail-on-warn -- true" $READY $STARTED $OUT0 "$(record 0 1000000 booted)" \
		"$(record 1 2000000 'WARNING: at somewhere')" $END_OF_LOG $EXIT
	assert_matches 'the first: \[    2.000000\] WARNING: at somewhere' reason.out
	assert_value kernel_report_count 1
	assert_matches 'the first report, kmsg' err
}

test_a_kernel_without_a_log_has_not_reported_nothing() {
	: >stub/console
	set -- $READY mark#stamp:1:without:CONFIG_PRINTK $STARTED $OUT0
	reason_of corrupt 207 "--fail-on-warn -- true" "$@" $EXIT
	assert_matches '^--fail-on-warn: the kernel has no log \(CONFIG_PRINTK\)$' reason.out
	streams "$@" $EXIT
	ktrun -- true
	assert_verdict pass 0
	assert_matches '^  kernel     lacks CONFIG_PRINTK: the run went without$' err
}

# A scheduler and a payload may send marks of their own.
test_a_mark_of_others_than_init_says_nothing_of_the_kernel() {
	: >stub/console
	for first in scheduler-started payload-starting; do
		streams $READY "mark#stamp:1:$first" $STARTED mark#stamp:2:without:CONFIG_PRINTK $OUT0 $EXIT
		ktrun -- true
		assert_verdict pass 0
		assert_no_match 'CONFIG_PRINTK' err
	done
}

test_a_warning_in_log_and_console_counts_once() {
	printf '[    1.000000] booted\n[    2.000000] WARNING: at somewhere\n' >stub/console
	set -- $READY $STARTED $OUT0 "$(record 0 1000000 booted)" "$(record 1 2000000 'WARNING: at somewhere')"
	for end in "$END_OF_LOG" ""; do
		streams "$@" $end $EXIT
		ktrun --fail-on-warn -- true
		assert_verdict kernel-warned 210
		assert_value kernel_report_count 1
	done
}

test_what_the_log_lacks_is_taken_from_the_console() {
	printf '[    %s] WARNING: at somewhere\n' 0.500000 1.000000 2.000000 3.000000 >stub/console
	set -- $READY $STARTED $OUT0
	streams "$@" "$(record 0 1000000 'WARNING: at somewhere')" "$(record 4 2500000 later)" $END_OF_LOG $EXIT
	ktrun -- true
	assert_verdict pass 0
	# the first came before the log began and is a forgery; 2.0 is in the gap, 3.0 after the log's end
	assert_value kernel_report_count 3
}

test_a_whole_log_is_not_forged_by_text_on_the_console() {
	printf '[    1.000000] booted\npayload[    1.500000] WARNING: of a process\n' >stub/console
	streams $READY $STARTED $OUT0 "$(record 0 1000000 booted)" "$(record 1 2000000 more)" $END_OF_LOG $EXIT
	ktrun --fail-on-warn -- true
	assert_verdict pass 0
}

# on_console LINE...: the console of a guest whose log ends at 8 s with the line that /init writes.
UP_TO_HERE='[    8.000000] up to here'
on_console() {
	printf '%s\r\n' '[    1.000000] booted' "$@" >stub/console
}

test_what_a_program_writes_to_the_console_is_no_report_whatever_its_stamp() {
	for stamp in '    0.500000' '    7.000000' '    8.000500' '    9.000000' '  999.999999'; do
		on_console "[$stamp] BUG: forged" "[$stamp] Kernel panic - not syncing: forged" "$UP_TO_HERE" '[    8.100000] reboot: machine restart'
		reason_of pass 0 "--fail-on-warn -- true" $READY $STARTED \
			"$(record 0 1000000 booted)" "$(record 1 8000000 'up to here')" $END_OF_LOG $OUT0 $EXIT
		assert_value kernel_report_count 0
	done
	on_console '[  999.999999] WARNING: forged, and quiet hides the line of /init' '[    8.100000] reboot: machine restart'
	reason_of pass 0 "--fail-on-warn -- true" $READY $STARTED \
			"$(record 0 1000000 booted)" "$(record 1 8000000 'up to here')" $END_OF_LOG $OUT0 $EXIT
}

test_what_the_kernel_says_after_its_log_was_sent_is_a_report() {
	on_console "$UP_TO_HERE" '[    8.050000] WARNING: kernel/a.c:1 at f+0x1/0x2' '[    8.100000] reboot: machine restart'
	reason_of kernel-warned 210 "--fail-on-warn -- true" $READY $STARTED \
			"$(record 0 1000000 booted)" "$(record 1 8000000 'up to here')" $END_OF_LOG $OUT0 $EXIT
	# Two CPUs may print in another order than that of their stamps.
	on_console "$UP_TO_HERE" '[    8.550000] WARNING: kernel/a.c:1 at f+0x1/0x2' '[    8.100000] reboot: machine restart'
	reason_of kernel-warned 210 "--fail-on-warn -- true" $READY $STARTED \
			"$(record 0 1000000 booted)" "$(record 1 8000000 'up to here')" $END_OF_LOG $OUT0 $EXIT
}

test_a_forged_panic_is_not_the_reason_of_a_lost_guest() {
	on_console '[   99.000000] Kernel panic - not syncing: forged' '[    9.000000] sysrq: Resetting'
	reason_of lost 203 "-- true" $READY $STARTED "$(record 0 1000000 booted)" "$(record 1 8000000 'up to here')"
	assert_matches 'silent reset: .*sysrq: Resetting$' reason.out
	on_console '[    7.000000] Kernel panic - not syncing: forged' "$UP_TO_HERE" '[    9.000000] Kernel panic - not syncing: real'
	reason_of lost 203 "-- true" $READY $STARTED "$(record 0 1000000 booted)" "$(record 1 8000000 'up to here')"
	assert_matches 'kernel panic: \[    9.000000\] Kernel panic - not syncing: real$' reason.out
}

test_a_panic_that_another_cpu_still_sent_in_the_log_is_the_reason() {
	on_console '[    8.500000] Kernel panic - not syncing: real'
	reason_of lost 203 "-- true" $READY $STARTED "$(record 0 1000000 booted)" \
		"$(record 1 8500000 'Kernel panic - not syncing: real')"
	assert_matches 'kernel panic: .*not syncing: real$' reason.out
}

test_an_incomplete_log_is_not_none() {
	echo '[    1.000000] booted' >stub/console
	reason_of corrupt 207 "--fail-on-warn -- true" $READY $STARTED $OUT0 "$(record 0 1000000 booted)" $EXIT
	assert_matches 'the kernel.s log was not sent to its end' reason.out
	reason_of corrupt 207 "--fail-on-warn -- true" $READY $STARTED $OUT0 "$(record 0 1000000 booted)" \
		"$(record 8 2000000 more)" $END_OF_LOG $EXIT
	assert_matches '7 records of the kernel.s log were overwritten' reason.out
	reason_of pass 0 "-- true" $READY $STARTED $OUT0 "$(record 0 1000000 booted)" $EXIT
}

test_a_scheduler_of_the_payload_that_was_ejected_is_seen() {
	line='sched_ext: BPF scheduler "mine" disabled (runnable task stall)'
	echo "[    1.000000] $line" >stub/console
	reason_of kernel-warned 210 "--fail-on-warn -- true" $READY $STARTED $OUT0 "$(record 0 1000000 "$line")" $END_OF_LOG $EXIT
	reason_of pass 0 "-- true" $READY $STARTED $OUT0 "$(record 0 1000000 "$line")" $END_OF_LOG $EXIT
	assert_matches '^  ejected    .*BPF scheduler "mine" disabled \(runnable task stall\)' err
	# the scheduler under test has a verdict of its own
	reason_of pass 0 "-s $KT_TOP/build/scx_demo --expect-death --fail-on-warn -- true" $READY \
		'sched-state=attached\x20ms=1\x20name=mine' $STARTED $OUT0 \
		'sched-state=ejected\x20ms=2\x20name=mine\x20kind=1026\x20reason=runnable\x20task\x20stall' \
		"$(record 0 1000000 "$line")" $END_OF_LOG $EXIT
	assert_value kernel_report_count 0
}

test_what_init_said_without_a_port_is_the_reason() {
	# shellcheck disable=SC2016
	echo 'for word; do case $word in *id=com2,path=*) com2=${word##*path=};; esac; done
		echo "ktbox: bulk port: there is no port ktstr-bulk" >"$com2"' >stub/act
	echo '[    1.000000] reboot: machine restart' >stub/console
	reason_of boot-failed 206 "-- true"
	assert_matches '/init: bulk port: there is no port ktstr-bulk$' reason.out
	assert_no_match 'silent reset' reason.out
	# after the guest was ready, anybody may write there
	reason_of lost 203 "-- true" $READY $STARTED
	assert_matches 'silent reset' reason.out
}

. shunit2

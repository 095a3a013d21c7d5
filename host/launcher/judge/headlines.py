# SPDX-License-Identifier: GPL-2.0-only
"""The headlines by which the kernel reports that something is wrong with it.

In:  the text of a line of the kernel's log, without its time stamp. Out: the kind of the report, or nothing.

Each row names the file of Linux that prints the line (7.2; docs/use/verdicts.md has the table for people). A line that
only continues a report (`INFO: lockdep is turned off.`, `FIX kmalloc-64: ...`, `rcu: Possible timer handling issue`) is
no headline.
"""
from __future__ import annotations

import re
from typing import NamedTuple, Optional

# The kinds that count for --fail-on-warn are all but these: the payload asked for too much, the kernel did its part.
NOT_WARNINGS = ("oom-kill", "alloc-failure")
# What holds up the whole guest: at a time limit, the worst of them is the reason. From the worst on.
STUCK = ("panic", "hard-lockup", "soft-lockup", "rcu-stall", "hung-task", "workqueue-lockup", "csd-lock")


class Headline(NamedTuple):
    pattern: "re.Pattern[str]"
    kind: str  # empty: the kind is what the pattern has found, in small letters
    source: str


# The first that matches.
HEADLINES = tuple(Headline(re.compile(pattern), kind, source) for pattern, kind, source in (
    (r"Kernel panic - not syncing", "panic", "kernel/panic.c"),
    (r"WARNING: (possible |inconsistent lock|bad (unlock|contention)|lock held|held lock|suspicious RCU|Nested lock|"
     r"chain_key|\S+-safe -> \S+-unsafe lock|.*still has locks held)", "lockdep", "kernel/locking/lockdep.c"),
    (r"INFO: (possible |trying to register non-static key)", "lockdep", "kernel/locking/lockdep.c"),
    (r"BUG: (MAX_(STACK_TRACE_ENTRIES|LOCKDEP|LOCK_DEPTH)|looking up invalid subclass|key \S+ has not been registered)",
     "lockdep", "kernel/locking/lockdep.c"),
    (r"\[ (BUG|INFO): ", "lockdep", "kernel/locking/lockdep.c"),
    (r"WARNING: ", "warn", "kernel/panic.c"),
    (r"INFO: task .* blocked\b.* for more than", "hung-task", "kernel/hung_task.c"),
    (r"INFO: The task .* has been waiting for writeback", "hung-task", "fs/fs-writeback.c"),
    (r"(\w+: )*INFO: .*\bstalls?\b(?! ended)", "rcu-stall", "kernel/rcu/tree_stall.h, tree_exp.h, tasks.h"),
    (r"(\w+: )?\w+ kthread (starved for|timer wakeup didn't happen)", "rcu-stall", "kernel/rcu/tree_stall.h"),
    (r"(watchdog: BUG|BUG|sched_ext): [Ss]oft lockup", "soft-lockup", "kernel/watchdog.c, kernel/sched/ext/ext.c"),
    (r"(NMI )?watchdog: .*hard LOCKUP|sched_ext: [Hh]ard lockup", "hard-lockup",
     "kernel/watchdog.c, kernel/sched/ext/ext.c"),
    (r"BUG: workqueue lockup", "workqueue-lockup", "kernel/workqueue.c"),
    (r"(smp: )?csd: .*non-responsive CSD lock", "csd-lock", "kernel/smp.c"),
    (r"BUG: (K(?:ASAN|CSAN|MSAN|FENCE)): ", "", "mm/kasan, kernel/kcsan, mm/kmsan, mm/kfence (report.c)"),
    (r"UBSAN: ", "ubsan", "lib/ubsan.c"),
    (r"kmemleak: [0-9]+ new suspected memory leaks", "kmemleak", "mm/kmemleak.c"),
    (r"BUG \S.* \(.+\): |\S*slab error in ", "slub", "mm/slub.c"),
    (r"pagealloc: (single bit error|memory corruption)", "bug", "mm/page_poison.c"),
    (r"([\w-]+: )?BUG: |[Kk]ernel BUG at ", "bug", "the file that the line names; lib/bug.c"),
    (r"(traps: )?PANIC: double fault", "oops", "arch/x86/kernel/traps.c"),
    (r"Oops: |general protection fault|Internal error: |.{1,80}: [0-9a-f]{4,16} \[#[0-9]+\]", "oops",
     "arch/x86/kernel/dumpstack.c, arch/arm64/kernel/traps.c"),
    (r"Unable to handle kernel ", "oops", "arch/arm64/mm/fault.c"),
    (r"Insufficient stack space to handle exception|SError Interrupt on CPU", "oops", "arch/arm64/kernel/traps.c"),
    (r"Fixing recursive fault but reboot is needed", "oops", "kernel/exit.c"),
    (r"CFI failure at ", "bug", "kernel/cfi.c"),
    (r"(softirq: )?huh, entered softirq", "bug", "kernel/softirq.c"),
    (r"unchecked MSR access error: ", "unchecked-msr", "arch/x86/mm/extable.c"),
    (r"irq [0-9]+: nobody cared", "irq", "kernel/irq/spurious.c"),
    (r"(nmi: )?Uhhuh\. NMI received for unknown reason", "nmi", "arch/x86/kernel/nmi.c"),
    (r"kobject: kobject .*something is seriously wrong|sysfs: cannot create duplicate filename", "warn",
     "lib/kobject.c, fs/sysfs/dir.c"),
    (r"(Out of memory|Memory cgroup out of memory): Killed process ", "oom-kill", "mm/oom_kill.c"),
    (r".*: page allocation failure: order:", "alloc-failure", "mm/page_alloc.c"),
))
# A line without one of these words is none of the above: most lines are passed over by one search.
WORDS = re.compile(
    rb"WARNING: |INFO: |BUG|Oops: |LOCKUP|lockup|protection fault|Kernel panic|ut of memory: |UBSAN: |kmemleak: |"
    rb"kthread |CSD lock|pagealloc: |slab error|double fault|Internal error: |\[#|Unable to handle|Insufficient stack"
    rb"|SError |"
    rb"recursive fault|CFI failure|entered softirq|unchecked MSR|nobody cared|Uhhuh|seriously wrong|duplicate filename|"
    rb"allocation failure|cut here|corruption|usercopy: |buffer overflow|sched_ext: BPF ")
WORD_MIN = 2  # [#
CUT_HERE = "[ cut here ]"  # the line after it says why, where WARN() was given a text (kernel/panic.c)
# What stands before the headline of BUG(): include/linux/bug.h, mm/usercopy.c, lib/string_helpers.c
_EXPLAINS = re.compile(r"list_(add|del)\b.* corruption|usercopy: Kernel memory|.*: detected buffer overflow")
# A panic that only ends what a report has said: the kinds of that report. Else the panic's own words are the cause.
_PANICS = tuple((re.compile(pattern), kinds) for pattern, kinds in (
    (r"Fatal exception|Attempted to kill (init|the idle)|Aiee, killing|Oops",
     ("bug", "oops", "kasan", "kfence", "ubsan")),
    (r"softlockup: ", ("soft-lockup",)),
    (r"Hard LOCKUP", ("hard-lockup",)),
    (r"hung_task: ", ("hung-task",)),
    (r"RCU Stall", ("rcu-stall",)),
    (r"workqueue: ", ("workqueue-lockup",)),
    (r"panic_on_warn set|warned too often", tuple({headline.kind for headline in HEADLINES} - {"panic"} |
                                                  {"kasan", "kcsan", "kmsan", "kfence"})),
))


class Ejection(NamedTuple):
    name: str
    reason: str


_DISABLED = re.compile(r'sched_ext: BPF (?:sub-)?scheduler "(.*)" disabled \((.*)\)')
# enum scx_exit_kind, 64 to 67: the scheduler's or the user's own wish, or SysRq-S
_ASKED_FOR = re.compile(r"\bunregistered from |disabled by sysrq|parent exiting")


def kind_of(text: str) -> Optional[str]:
    for headline in HEADLINES:
        found = headline.pattern.match(text)
        if found:
            return headline.kind or found.group(1).lower()
    return None


def ejection_of(text: str) -> Optional[Ejection]:
    """The kernel has disabled a BPF scheduler by itself (kernel/sched/ext/ext.c)."""
    found = _DISABLED.match(text)
    if not found or _ASKED_FOR.search(found.group(2)):
        return None
    return Ejection(found.group(1), found.group(2))


def explains(text: str) -> bool:
    """The line says why the report that follows it was made."""
    return _EXPLAINS.match(text) is not None


def causes_of(panic: str) -> tuple[str, ...]:
    """The kinds of the report that this panic has ended in; none: its own words say why."""
    return next((kinds for pattern, kinds in _PANICS if pattern.search(panic)), ())

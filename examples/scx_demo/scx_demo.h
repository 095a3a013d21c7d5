/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the BPF program and its loader both must know: the two blocks of memory that they share, and the
 * part of the kernel's struct sched_ext_ops that the scheduler uses. Both sides see the same 64-bit layout.
 *
 * struct demo_cfg    loader -> BPF, constant from the load on (map ".rodata.cfg")
 * struct demo_shared both ways, live (map ".bss", mapped by the loader): the times at which the scheduler
 *                    misbehaves, and the record of its end.
 *
 * The record is whole once an event has come through the ring buffer "ended": demo_exit writes it first.
 */
#ifndef SCX_DEMO_H
#define SCX_DEMO_H

#include <linux/types.h>

#define DEMO_NAME "scx_demo"

enum {
	DEMO_REASON_LEN = 128,
	DEMO_MSG_LEN = 1024,
	DEMO_WORDS_LEN = 1024,	/* one line of a dump has at most as many bytes */
	DEMO_DUMP_LEN = 65536,	/* exit_dump_len too: the kernel truncates a longer dump and says so */
	DEMO_WATCHDOG_MAX_MS = 30000,	/* the kernel's own limit, and its default */
	DEMO_DELAY_MAX_US = 100000,
};

struct demo_cfg {
	__u32 reject;	/* not 0: enqueue has an access that the verifier refuses */
	__u32 delay_us;	/* so long enqueue keeps the CPU busy before it queues a task */
};

struct demo_end {
	__s32 kind;	/* 64 asked for by the loader, 67 SysRq-S, 1025 scx_bpf_error, 1026 stall, ... */
	__u32 unused;
	__s64 exit_code;
	char reason[DEMO_REASON_LEN];
	char msg[DEMO_MSG_LEN];
	char dump[DEMO_DUMP_LEN];
};

struct demo_shared {
	/* CLOCK_MONOTONIC, ns, 0: never. The loader sets them after the attach. */
	__u64 error_at_ns;
	__u64 stall_at_ns;
	__u64 error_after_ms;	/* for the message only */
	char dump_words[DEMO_WORDS_LEN];	/* what ops.dump() prints; empty: nothing */
	struct demo_end end;
};

struct task_struct;
struct scx_exit_info;
struct scx_dump_ctx;

/*
 * libbpf matches the members by name and fills the kernel's real struct. In the BPF object the function
 * pointers carry relocations to the programs.
 */
struct sched_ext_ops {
	__s32 (*select_cpu)(struct task_struct *p, __s32 prev_cpu, __u64 wake_flags);
	void (*enqueue)(struct task_struct *p, __u64 enq_flags);
	void (*dispatch)(__s32 cpu, struct task_struct *prev);
	__s32 (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	void (*dump)(struct scx_dump_ctx *ctx);
	__u64 flags;
	__u32 timeout_ms;
	__u32 exit_dump_len;
	char name[128];
};

#endif

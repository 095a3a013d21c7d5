// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's half of scx_demo: a sched_ext scheduler with one first-in-first-out queue for all CPUs,
 * which can fail on purpose.
 *
 * In:  struct demo_cfg (before the load), demo_shared.error_at_ns and .stall_at_ns (at any time).
 * Out: demo_shared.end and one event in the ring buffer "ended" when the kernel has taken the scheduler off.
 *
 * Every runnable task goes through enqueue into the queue and through dispatch out of it; select_cpu only
 * chooses a CPU. So from error_at_ns on the next task to become runnable ends the scheduler by
 * scx_bpf_error, and from stall_at_ns on no waiting task runs any more, until the kernel's watchdog ejects
 * the scheduler.
 *
 * Builds without vmlinux.h: the few kernel types are declared here by name, CO-RE finds the rest.
 * The queue functions have had other names before 6.13: both are weak, and the one that is there is called.
 * The verifier never looks at the other call, since the address it hangs on is a constant.
 */
#include <linux/types.h>
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "scx_demo.h"

#define KERNEL_TYPE __attribute__((preserve_access_index))

enum {
	SHARED_DSQ = 0,
	ANY_NODE = -1,
	SLICE_NS = 20 * 1000 * 1000,
	KICK_IDLE = 1,		/* SCX_KICK_IDLE */
	RING_LEN = 4096,
	LOOKS_MAX = 1 << 20,	/* at the clock, for one delay: more than fit into the longest one */
};

enum scx_enq_flags {
	SCX_ENQ_CPU_SELECTED = 1,	/* any value: CO-RE puts in the kernel's */
};

struct cpumask {
	unsigned long bits[1];
} KERNEL_TYPE;

struct task_struct {
	const void *cpus_ptr;	/* a struct cpumask: named so here, clang would leave out what it holds */
} KERNEL_TYPE;

enum scx_exit_kind {
	SCX_EXIT_NONE = 0,		/* CO-RE wants an enum where the kernel has one */
};

struct scx_exit_info {
	enum scx_exit_kind kind;
	__s64 exit_code;
	const char *reason;
	char *msg;
	char *dump;
} KERNEL_TYPE;

extern __s32 scx_bpf_create_dsq(__u64 dsq_id, __s32 node) __ksym;
extern __s32 scx_bpf_select_cpu_dfl(struct task_struct *p, __s32 prev_cpu, __u64 wake_flags,
				    bool *is_idle) __ksym;
extern __s32 scx_bpf_pick_idle_cpu(const struct cpumask *allowed, __u64 flags) __ksym;
extern void scx_bpf_kick_cpu(__s32 cpu, __u64 flags) __ksym;
extern void scx_bpf_dsq_insert(struct task_struct *p, __u64 dsq_id, __u64 slice,
			       __u64 enq_flags) __ksym __weak;
extern bool scx_bpf_dsq_move_to_local(__u64 dsq_id) __ksym __weak;
/* the same on 6.12 */
extern void scx_bpf_dispatch(struct task_struct *p, __u64 dsq_id, __u64 slice,
			     __u64 enq_flags) __ksym __weak;
extern bool scx_bpf_consume(__u64 dsq_id) __ksym __weak;
extern void scx_bpf_error_bstr(char *fmt, unsigned long long *data, __u32 data_len) __ksym;
extern void scx_bpf_dump_bstr(char *fmt, unsigned long long *data, __u32 data_len) __ksym;

const volatile struct demo_cfg cfg SEC(".rodata.cfg");
struct demo_shared shared;	/* the only object in .bss, so it begins there: the loader relies on it */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_LEN);
} ended SEC(".maps");

char _license[] SEC("license") = "GPL";

/* Not const: the kernel's function wants memory that could be written. */
static char error_fmt[] = "deliberate error, asked for by --error-after %llu";

static char dump_fmt[] = "%s";

static bool is_past(__u64 at_ns)
{
	return at_ns && bpf_ktime_get_ns() >= at_ns;
}

static void fail_on_purpose(void)
{
	unsigned long long arg[1] = { shared.error_after_ms };

	scx_bpf_error_bstr(error_fmt, arg, sizeof(arg));
}

/*
 * For --reject: a number used as a pointer. Without it cfg.reject is a constant 0, and the verifier never
 * looks here.
 */
static void do_what_no_verifier_allows(void)
{
	__u64 *nowhere = (__u64 *)bpf_ktime_get_ns();

	shared.error_at_ns = *nowhere;
}

static long look_at_clock(__u32 index, __u64 *end_ns)
{
	return bpf_ktime_get_ns() >= *end_ns;	/* 1 ends the loop */
}

/* For --delay. A task that became runnable waits as long, and so does the one that woke it. */
static void waste_time(void)
{
	__u64 end_ns = bpf_ktime_get_ns() + cfg.delay_us * 1000ull;

	bpf_loop(LOOKS_MAX, look_at_clock, &end_ns, 0);
}

static void queue_task(struct task_struct *p, __u64 enq_flags)
{
	if (scx_bpf_dsq_insert)
		scx_bpf_dsq_insert(p, SHARED_DSQ, SLICE_NS, enq_flags);
	else
		scx_bpf_dispatch(p, SHARED_DSQ, SLICE_NS, enq_flags);
}

static void run_next_task(void)
{
	if (scx_bpf_dsq_move_to_local)
		scx_bpf_dsq_move_to_local(SHARED_DSQ);
	else
		scx_bpf_consume(SHARED_DSQ);
}

/* 6.12 does not tell: then nothing is known of a CPU, and one kick too many does no harm. */
static bool has_cpu_chosen(__u64 enq_flags)
{
	return bpf_core_enum_value_exists(enum scx_enq_flags, SCX_ENQ_CPU_SELECTED) &&
		enq_flags & bpf_core_enum_value(enum scx_enq_flags, SCX_ENQ_CPU_SELECTED);
}

/* A task that was queued without a wake-up has no CPU chosen for it: an idle CPU must learn of it. */
static void kick_idle_cpu(struct task_struct *p, __u64 enq_flags)
{
	__s32 cpu;

	if (has_cpu_chosen(enq_flags))
		return;
	cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, KICK_IDLE);
}

SEC("struct_ops/demo_select_cpu")
__s32 BPF_PROG(demo_select_cpu, struct task_struct *p, __s32 prev_cpu, __u64 wake_flags)
{
	bool is_idle = false;

	return scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &is_idle);
}

SEC("struct_ops/demo_enqueue")
void BPF_PROG(demo_enqueue, struct task_struct *p, __u64 enq_flags)
{
	if (cfg.reject)
		do_what_no_verifier_allows();
	if (is_past(shared.error_at_ns))
		fail_on_purpose();
	if (cfg.delay_us)
		waste_time();
	queue_task(p, enq_flags);
	kick_idle_cpu(p, enq_flags);
}

SEC("struct_ops/demo_dispatch")
void BPF_PROG(demo_dispatch, __s32 cpu, struct task_struct *prev)
{
	if (is_past(shared.stall_at_ns))
		return;
	run_next_task();
}

/* May sleep: the loader marks init and exit so. */
SEC("struct_ops/demo_init")
__s32 BPF_PROG(demo_init)
{
	return scx_bpf_create_dsq(SHARED_DSQ, ANY_NODE);
}

SEC("struct_ops/demo_exit")
void BPF_PROG(demo_exit, struct scx_exit_info *info)
{
	struct demo_end *end = &shared.end;

	end->exit_code = info->exit_code;
	bpf_probe_read_kernel_str(end->reason, sizeof(end->reason), info->reason);
	bpf_probe_read_kernel_str(end->msg, sizeof(end->msg), info->msg);
	bpf_probe_read_kernel_str(end->dump, sizeof(end->dump), info->dump);
	end->kind = info->kind;
	bpf_ringbuf_output(&ended, &end->kind, sizeof(end->kind), 0);
}

SEC("struct_ops/demo_dump")
void BPF_PROG(demo_dump, struct scx_dump_ctx *dump)
{
	unsigned long long arg[1] = { (unsigned long long)shared.dump_words };

	if (shared.dump_words[0])
		scx_bpf_dump_bstr(dump_fmt, arg, sizeof(arg));
}

/* The casts: BPF_PROG makes each a function of one argument, the context. */
SEC(".struct_ops")
struct sched_ext_ops scx_demo = {
	.select_cpu = (void *)demo_select_cpu,
	.enqueue = (void *)demo_enqueue,
	.dispatch = (void *)demo_dispatch,
	.init = (void *)demo_init,
	.exit = (void *)demo_exit,
	.dump = (void *)demo_dump,
	.timeout_ms = DEMO_WATCHDOG_MAX_MS,	/* the loader writes --watchdog here */
	.exit_dump_len = DEMO_DUMP_LEN,
	.name = DEMO_NAME,
};

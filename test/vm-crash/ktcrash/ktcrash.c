// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that makes a kernel report what LKDTM has no crash for: `echo NAME >/sys/module/ktcrash/parameters/crash`.
 * The names are in the table at the end. The write succeeds when the kernel has survived.
 */
#include <linux/completion.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/kobject.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

/* Nobody wakes the task. */
static void io_wait(void)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	io_schedule();
}

static void atomic(void)
{
	preempt_disable();
	schedule_timeout_uninterruptible(1);
	preempt_enable();
}

static void shift(void)
{
	static volatile int bits = 40;
	static volatile int result;

	result = 1 << bits;
}

static void divide(void)
{
	static volatile int zero;
	static volatile int result;

	result = 100 / zero; /* 1 / n would be no division */
}

static void non_canonical(void)
{
	READ_ONCE(*(int *)0xdead000000000100UL);
}

static void duplicate_name(void)
{
	struct kobject *first = kobject_create_and_add("ktcrash", NULL);
	struct kobject *second = kobject_create_and_add("ktcrash", NULL);

	kobject_put(second);
	kobject_put(first);
}

static struct kobject twice;
static struct kobj_type twice_type;

static void init_twice(void)
{
	kobject_init(&twice, &twice_type);
	kobject_init(&twice, &twice_type);
}

static void leave_atomic(struct work_struct *work)
{
	preempt_disable();
}

static void leaky_work(void)
{
	static DECLARE_WORK(work, leave_atomic);

	schedule_work(&work);
	flush_work(&work);
}

static void leave_softirq_atomic(struct tasklet_struct *tasklet)
{
	preempt_disable();
}

static void leaky_softirq(void)
{
	static DECLARE_TASKLET(tasklet, leave_softirq_atomic);

	tasklet_schedule(&tasklet);
	tasklet_kill(&tasklet);
}

static void page_state(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	page->mapping = (void *)0x1000;
	__free_page(page);
}

/* More than any guest has, asked for in pieces that only an empty memory has. */
static void no_memory(void)
{
	while (alloc_pages(GFP_KERNEL | __GFP_NORETRY, MAX_PAGE_ORDER))
		;
}

static int spin(void *data)
{
	while (!kthread_should_stop())
		cpu_relax();
	return 0;
}

/* A task that runs in the kernel and never sleeps holds up a grace period of RCU tasks. */
static void tasks_stall(void)
{
	kthread_run(spin, NULL, "ktcrash-spins");
	synchronize_rcu_tasks();
}

/* The same for RCU itself, on a CPU that never leaves a section. */
static void rcu_stall(void)
{
	rcu_read_lock();
	preempt_disable();
	for (;;)
		cpu_relax();
}

static const struct {
	const char *name;
	void (*crash)(void);
} crashes[] = {
	{ "io_wait", io_wait },
	{ "atomic", atomic },
	{ "shift", shift },
	{ "divide", divide },
	{ "non_canonical", non_canonical },
	{ "duplicate_name", duplicate_name },
	{ "init_twice", init_twice },
	{ "leaky_work", leaky_work },
	{ "leaky_softirq", leaky_softirq },
	{ "page_state", page_state },
	{ "no_memory", no_memory },
	{ "tasks_stall", tasks_stall },
	{ "rcu_stall", rcu_stall },
};

static int crash(const char *name, const struct kernel_param *param)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(crashes); i++)
		if (sysfs_streq(name, crashes[i].name)) {
			crashes[i].crash();
			return 0;
		}
	return -EINVAL;
}

static const struct kernel_param_ops crash_ops = { .set = crash };
module_param_cb(crash, &crash_ops, NULL, 0200);

static int __init ktcrash_init(void)
{
	return 0;
}
module_init(ktcrash_init);
MODULE_DESCRIPTION("Makes the kernel report what is wrong with it");
MODULE_LICENSE("GPL");

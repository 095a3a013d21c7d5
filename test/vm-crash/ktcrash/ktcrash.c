// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that makes a kernel report what LKDTM has no crash for: `echo NAME >/sys/module/ktcrash/parameters/crash`.
 * The names are in the table at the end. The write succeeds when the kernel has survived.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/kobject.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
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

/* Takes both, the first one first. */
static void take_both(struct mutex *first, struct mutex *second)
{
	mutex_lock(first);
	mutex_lock(second);
	mutex_unlock(second);
	mutex_unlock(first);
}

static DEFINE_MUTEX(one);
static DEFINE_MUTEX(other);

static void lock_order(void)
{
	take_both(&one, &other);
	take_both(&other, &one);
}

/* Two locks that were initialised by the same line have one class. */
static void lock_class(void)
{
	static struct mutex pair[2];
	int i;

	for (i = 0; i < ARRAY_SIZE(pair); i++)
		mutex_init(&pair[i]);
	take_both(&pair[0], &pair[1]);
}

static DEFINE_SPINLOCK(in_softirq);

static void take_in_softirq(struct tasklet_struct *tasklet)
{
	spin_lock(&in_softirq);
	spin_unlock(&in_softirq);
}

static void lock_state(void)
{
	static DECLARE_TASKLET(tasklet, take_in_softirq);

	tasklet_schedule(&tasklet);
	tasklet_kill(&tasklet);
	take_in_softirq(NULL);
}

/* On a real-time kernel the inner lock sleeps. */
static void wait_context(void)
{
	static DEFINE_RAW_SPINLOCK(outer);

	raw_spin_lock(&outer);
	take_in_softirq(NULL);
	raw_spin_unlock(&outer);
}

static void unlock(void)
{
	mutex_unlock(&one);
}

/* The task takes the lock with it, back to the shell. */
static void keep_lock(void)
{
	mutex_lock(&one);
}

static void free_lock(void)
{
	struct mutex *lock = kmalloc(sizeof(*lock), GFP_KERNEL);

	mutex_init(lock);
	mutex_lock(lock);
	kfree(lock);
}

/* Memory of zeros is no lock. */
static void no_lock(void)
{
	spinlock_t *lock = kzalloc(sizeof(*lock), GFP_KERNEL);

	spin_lock(lock);
	spin_unlock(lock);
	kfree(lock);
}

static void rcu_usage(void)
{
	static int __rcu *number;
	int *seen = rcu_dereference(number);

	pr_info("ktcrash: %p\n", seen);
}

static void sleeps(void)
{
	preempt_disable();
	might_sleep();
	preempt_enable();
}

/* The payload scans for it. The allocator's own lists still name some of them. */
static void leak(void)
{
	int i;

	for (i = 0; i < 1000; i++)
		READ_ONCE(*(char *)kmalloc(100, GFP_KERNEL | __GFP_ZERO));
}

static void never(struct timer_list *timer)
{
}

static void free_timer(void)
{
	struct timer_list *timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	timer_setup(timer, never, 0);
	mod_timer(timer, jiffies + 3600 * HZ);
	kfree(timer);
}

static void spin_secs(int secs)
{
	int ms;

	for (ms = 0; ms < secs * 1000; ms++)
		udelay(1000);
}

static void spin_work(struct work_struct *work)
{
	preempt_disable();
	spin_secs(15);
	preempt_enable();
}

static void leave(struct work_struct *work)
{
}

/* A worker that never sleeps, and work for the same CPU that waits for it. */
static void workqueue_stall(void)
{
	static DECLARE_WORK(spins, spin_work);
	static DECLARE_WORK(waits, leave);

	schedule_work_on(1, &spins);
	schedule_work_on(1, &waits);
	flush_work(&waits);
}

static bool is_deaf;

static int spin_deaf(void *data)
{
	local_irq_disable();
	smp_store_release(&is_deaf, true);
	spin_secs(15);
	local_irq_enable();
	return 0;
}

static void answer(void *data)
{
}

/* A CPU that does not hear what another asks of it. On the deaf one, nobody could ask. */
static void deaf_cpu(void)
{
	struct task_struct *task = kthread_create(spin_deaf, NULL, "ktcrash-deaf");

	set_cpus_allowed_ptr(current, cpumask_of(0));
	kthread_bind(task, 1);
	wake_up_process(task);
	while (!smp_load_acquire(&is_deaf))
		msleep(1);
	smp_call_function_single(1, answer, NULL, 1);
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
	{ "lock_order", lock_order },
	{ "lock_class", lock_class },
	{ "lock_state", lock_state },
	{ "wait_context", wait_context },
	{ "unlock", unlock },
	{ "keep_lock", keep_lock },
	{ "free_lock", free_lock },
	{ "no_lock", no_lock },
	{ "rcu_usage", rcu_usage },
	{ "sleeps", sleeps },
	{ "leak", leak },
	{ "free_timer", free_timer },
	{ "workqueue_stall", workqueue_stall },
	{ "deaf_cpu", deaf_cpu },
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

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Histograms of the kernel's own: the time from a task's wakeup to its run, and migrations.
 *
 * In:  sched_waking, sched_switch, sched_migrate_task. Out: two files of tracefs, which the host reads.
 *
 * sched_waking notes the time under the task's id, sched_switch subtracts it and passes the difference to a synthetic
 * event, whose histograms count it (Documentation/trace/histogram.rst). The two triggers cost a good half of a
 * context switch (docs/use/stats.md), even when they are paused: the kernel then still makes the record of each event.
 * So between windows they are not paused but removed. That also forgets the tasks of the window, of which the kernel
 * remembers a fixed number, and wakeups whose run the window did not see.
 */
//kbuild:lib-$(CONFIG_KTWATCH) += wakeup_latency.o

#include "wakeup_latency.h"

#define TRACING "/sys/kernel/tracing"
#define INSTANCE TRACING "/instances/ktstats"
#define WAKING "/events/sched/sched_waking/trigger"
#define SWITCH "/events/sched/sched_switch/trigger"
#define MIGRATE "/events/sched/sched_migrate_task"
#define LATENCY "/events/synthetic/kt_wakeup"

enum { TASKS_PER_WINDOW = 2048, TASKS_PER_RUN = 32768 };
/* host/launcher/figures/histogram.py reads what the kernel prints of these histograms. */
enum { MICROSECONDS_EXACT = 1000, BUCKET_US = 100 };
enum { VALUES_PER_CPU = 1024, VALUES_MIN = 4096, VALUES_MAX = 65536 };

static int try_write(const struct kt_wakeups *wakeups, const char *path, int flags, const char *text)
{
	char name[PATH_MAX];
	int fd, written = -1;

	snprintf(name, sizeof(name), "%s%s", wakeups->root, path);
	fd = open(name, O_WRONLY | O_NOCTTY | O_CLOEXEC | flags);
	if (fd < 0)
		return -1;
	if (!text || full_write(fd, text, strlen(text)) == (ssize_t)strlen(text))
		written = 0;
	close(fd);
	return written;
}

/* A trigger's file: the text adds to it. Opened with O_TRUNC it would lose what it has. */
static bool add(struct kt_wakeups *wakeups, const char *path, const char *text)
{
	if (try_write(wakeups, path, 0, text) == 0)
		return true;
	if (!wakeups->lacks)
		wakeups->lacks = xasprintf("%s: %s", path, strerror(errno));
	return false;
}

static void remove_triggers(struct kt_wakeups *wakeups, const char *path)
{
	try_write(wakeups, path, O_TRUNC, NULL);
}

/* The instance's ring stays empty, so it needs no size; 0 is none that the kernel takes. */
void FAST_FUNC kt_wakeups_arm(struct kt_wakeups *wakeups, const char *root, bool all)
{
	char name[PATH_MAX];

	wakeups->root = root;
	wakeups->tasks_max = all ? TASKS_PER_RUN : TASKS_PER_WINDOW;
	snprintf(name, sizeof(name), "%s" INSTANCE, root);
	if (mkdir(name, 0700) < 0 && errno != EEXIST) {
		wakeups->lacks = xasprintf("%s: %s", INSTANCE, strerror(errno));
		return;
	}
	try_write(wakeups, INSTANCE "/tracing_on", 0, "0");
	try_write(wakeups, INSTANCE "/buffer_size_kb", 0, "4");
	wakeups->is_armed = add(wakeups, TRACING "/synthetic_events", "kt_wakeup u64 lat; pid_t pid\n");
}

/* The newest task: the last field of /proc/loadavg. */
static unsigned newest_pid(const struct kt_wakeups *wakeups)
{
	char name[PATH_MAX], text[256];
	ssize_t len;
	const char *last;

	snprintf(name, sizeof(name), "%s/proc/loadavg", wakeups->root);
	len = open_read_close(name, text, sizeof(text) - 1);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	last = strrchr(text, ' ');
	return last ? strtoul(last + 1, NULL, 10) : 0;
}

static unsigned values_max(void)
{
	unsigned wanted = sysconf(_SC_NPROCESSORS_CONF) * VALUES_PER_CPU, values = VALUES_MIN;

	while (values < wanted && values < VALUES_MAX)
		values *= 2;
	return values;
}

/* Exact below a millisecond, in steps of a tenth of one above it; for the tasks that are there, and for new ones. */
static bool add_latencies(struct kt_wakeups *wakeups, unsigned pid, unsigned values)
{
	static const char *const compare[] = { "<=", ">" };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(compare); i++) {
		char text[256];

		sprintf(text, "hist:keys=common_cpu,lat:size=%u if lat < %d && pid %s %u\n",
			values, MICROSECONDS_EXACT, compare[i], pid);
		if (!add(wakeups, INSTANCE LATENCY "/trigger", text))
			return false;
		sprintf(text, "hist:keys=common_cpu,lat.buckets=%d:size=%u if lat >= %d && pid %s %u\n",
			BUCKET_US, values, MICROSECONDS_EXACT, compare[i], pid);
		if (!add(wakeups, INSTANCE LATENCY "/trigger", text))
			return false;
	}
	return true;
}

void FAST_FUNC kt_wakeups_begin(struct kt_wakeups *wakeups, struct kt_stats *stats)
{
	unsigned pid = newest_pid(wakeups);
	char text[sizeof("4294967295")];

	if (wakeups->is_armed)
		wakeups->is_armed = add_latencies(wakeups, pid, values_max());
	if (wakeups->lacks)
		kt_stats_absent(stats, "wakeup", wakeups->lacks);
	wakeups->has_migrations = try_write(wakeups, INSTANCE MIGRATE "/trigger", 0,
		"hist:keys=orig_cpu,dest_cpu:size=16384\n") == 0;
	if (!wakeups->has_migrations)
		kt_stats_absent(stats, "migrate", strerror(errno));
	sprintf(text, "%u", pid);
	kt_stats_text(stats, "newest_pid", text);
}

void FAST_FUNC kt_wakeups_start(struct kt_wakeups *wakeups)
{
	char text[256];

	if (!wakeups->is_armed || wakeups->is_running)
		return;
	sprintf(text, "hist:keys=pid:ts0=common_timestamp.usecs:size=%u\n", wakeups->tasks_max);
	if (!add(wakeups, INSTANCE WAKING, text))
		return;
	sprintf(text, "hist:keys=next_pid:lat=common_timestamp.usecs-$ts0:size=%u"
		":onmatch(sched.sched_waking).kt_wakeup($lat,next_pid) if next_pid > 0\n", wakeups->tasks_max);
	add(wakeups, INSTANCE SWITCH, text);
	wakeups->is_running = true;
}

/* sched_switch first: its trigger refers to the other, which the kernel would keep. */
void FAST_FUNC kt_wakeups_stop(struct kt_wakeups *wakeups)
{
	if (!wakeups->is_running)
		return;
	remove_triggers(wakeups, INSTANCE SWITCH);
	remove_triggers(wakeups, INSTANCE WAKING);
	wakeups->is_running = false;
}

void FAST_FUNC kt_wakeups_end(struct kt_wakeups *wakeups, struct kt_stats *stats)
{
	kt_stats_open(stats, "histograms");
	if (wakeups->lacks)
		kt_stats_absent(stats, "wakeup", wakeups->lacks);
	if (wakeups->is_armed)
		kt_stats_file(stats, "wakeup", INSTANCE LATENCY "/hist", NULL);
	if (wakeups->has_migrations)
		kt_stats_file(stats, "migrate", INSTANCE MIGRATE "/hist", NULL);
	kt_stats_close(stats);
}

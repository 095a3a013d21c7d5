/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktwatch: measures how well the scheduler does while the payload runs; the kernel counts, ktwatch asks it.
 *
 * In:   files of the kernel below ROOT (/): /proc/stat, /proc/schedstat, /proc/pressure, /sys/kernel/sched_ext, once
 *       per INTERVAL_MS and at each uevent of sched_ext's root; histograms of tracefs (wakeup_latency.c); what the
 *       scheduler itself serves (scx_stats.c).
 *       USR1: the payload is about to start; TERM: it has ended.
 * Out:  stats frames (docs/internals/wire.md, "Figures"): ready, topology, begin, sample, attached, detached, end,
 *       histograms, scheduler. Each has the kernel's (or the scheduler's) text as it is; the host makes figures of it.
 *       Latches stats_ready (it waits for USR1), stats_begun (the first sample is sent).
 *       A second process opens and closes the windows in which wakeups are timed.
 * Ends: TERM, after the last sample and the histograms are sent; before USR1 at once, and then only "ready" is sent.
 * Exit: 0; 1 the port can't be written, or bad usage. A file that the kernel does not have is named in the frame.
 */
//config:config KTWATCH
//config:	bool "ktwatch"
//config:	default y
//config:	help
//config:	Send samples of the kernel's scheduling figures to the host while a
//config:	payload runs, and its histogram of wakeup latencies.

//applet:IF_KTWATCH(APPLET(ktwatch, BB_DIR_USR_BIN, BB_SUID_DROP))

//kbuild:lib-$(CONFIG_KTWATCH) += ktwatch.o

//usage:#define ktwatch_trivial_usage
//usage:       "[-a] [-p PATH] [-r ROOT]"
//usage:#define ktwatch_full_usage "\n\n"
//usage:       "From USR1 to TERM, send the kernel's scheduling figures to the host once per second\n"
//usage:     "\n	-a	Time all wakeups, not only those of a window of 40 ms per second"
//usage:     "\n	-p PATH	Send to PATH (- is stdout), not to the bulk port"
//usage:     "\n	-r ROOT	Read and write the kernel's files below ROOT"

#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include "port_interrupt.h"
#include "process.h"
#include "run_dir.h"
#include "uevent.h"
#include "scx_stats.h"
#include "stats_frame.h"
#include "wakeup_latency.h"

enum { POLL_SIGNALS, POLL_UEVENTS, POLL_SCHEDULER, POLL_COUNT };
/* What a window costs, and what all of them would: docs/use/stats.md. */
enum { INTERVAL_MS = 1000, WINDOW_MS = 40 };
enum { LAST_ANSWER_MS = 500 }; /* of the scheduler, at the end: the run waits for it */

#define SCX "sys/kernel/sched_ext/"

/* The files of a sample. Of the large ones only the lines that begin with one of the words. */
static const struct source {
	const char *name, *path;
	const char *keep[3];
} sources[] = {
	{ "stat", "proc/stat", { "cpu", "ctxt", "procs_running" } },
	{ "schedstat", "proc/schedstat", { "cpu" } },
	{ "psi_cpu", "proc/pressure/cpu" },
	{ "psi_io", "proc/pressure/io" },
	{ "psi_memory", "proc/pressure/memory" },
	{ "scx_state", SCX "state" },
	{ "scx_ops", SCX "root/ops" },
	{ "scx_events", SCX "root/events" },
	{ "scx_nr_rejected", SCX "nr_rejected" },
	{ "scx_hotplug_seq", SCX "hotplug_seq" },
	{ "scx_enable_seq", SCX "enable_seq" },
	{ "scx_switch_all", SCX "switch_all" },
};

struct watch {
	struct kt_stats stats;
	struct kt_wakeups wakeups;
	struct kt_scx_stats scheduler;
	struct pollfd fds[POLL_COUNT];
	bool all_wakeups, begun, term_came;
	int64_t sample_at; /* KT_NEVER: none is due */
	pid_t windows; /* the process that opens and closes them; 0: there is none */
};

static void send_answer(struct watch *w, const char *problem)
{
	kt_stats_open(&w->stats, "scheduler");
	if (problem)
		kt_stats_absent(&w->stats, "scx_stats", problem);
	else
		kt_stats_text(&w->stats, "scx_stats", w->scheduler.answer);
	kt_stats_close(&w->stats);
}

static void send_sample(struct watch *w, const char *kind)
{
	const struct source *source;

	kt_stats_open(&w->stats, kind);
	for (source = sources; source < sources + ARRAY_SIZE(sources); source++)
		kt_stats_file(&w->stats, source->name, source->path, source->keep);
	kt_stats_close(&w->stats);
	kt_scx_stats_ask(&w->scheduler);
	if (w->scheduler.problem)
		send_answer(w, w->scheduler.problem);
}

/* The scheduler may take its time, so its answer is a frame of its own, after the sample that asked for it. */
static void on_scheduler(struct watch *w)
{
	if (kt_scx_stats_read(&w->scheduler))
		send_answer(w, NULL);
	else if (w->scheduler.problem)
		send_answer(w, w->scheduler.problem);
}

static void await_last_answer(struct watch *w)
{
	int64_t deadline = kt_after_ms(LAST_ANSWER_MS);

	while (w->scheduler.asked && kt_now_ms() < deadline) {
		struct pollfd fd = { w->scheduler.fd, POLLIN, 0 };

		if (poll(&fd, 1, kt_poll_timeout(deadline)) > 0)
			on_scheduler(w);
	}
	if (w->scheduler.asked)
		send_answer(w, "the scheduler has not answered");
}

/* Which CPUs share their last cache, and which a node: a line "CPU LIST" or "NODE LIST" each. A cache without a size is
 * one that the kernel only supposes (drivers/base/cacheinfo.c, where the firmware says nothing: aarch64 in QEMU). */
static void send_topology(struct watch *w)
{
	unsigned cpus = sysconf(_SC_NPROCESSORS_CONF), i;
	char path[sizeof("sys/devices/system/cpu/cpu4294967295/cache/index-1/shared_cpu_list")];
	char name[sizeof("node_4294967295")];

	for (i = 0; i < cpus; i++) {
		int level = 9;

		do
			sprintf(path, "sys/devices/system/cpu/cpu%u/cache/index%d/size", i, level);
		while (!kt_stats_has(&w->stats, path) && level-- > 0);
		sprintf(path, "sys/devices/system/cpu/cpu%u/cache/index%d/shared_cpu_list", i, level);
		sprintf(name, "llc_%u", i);
		if (level >= 0)
			kt_stats_file(&w->stats, name, path, NULL);
	}
	for (i = 0; i < cpus; i++) {
		sprintf(path, "sys/devices/system/node/node%u/cpulist", i);
		sprintf(name, "node_%u", i);
		if (kt_stats_has(&w->stats, path))
			kt_stats_file(&w->stats, name, path, NULL);
	}
}

/* The first time after FROM, by whole intervals, that has not passed: one is due after a long stall, not each that was
 * missed. */
static int64_t next_after(int64_t from)
{
	int64_t now = kt_now_ms();

	return from + INTERVAL_MS + (now > from ? (now - from) / INTERVAL_MS * INTERVAL_MS : 0);
}

/* False when TERM comes before the deadline. */
static bool sleep_until(struct pollfd *signals, int64_t deadline)
{
	while (kt_now_ms() < deadline) {
		if (poll(signals, 1, kt_poll_timeout(deadline)) > 0 && kt_signals_next(signals->fd) != 0)
			return false;
	}
	return true;
}

/* The triggers are there when kt_wakeups_start() returns, which may take longer than a window is open. */
static NORETURN void run_windows(struct watch *w)
{
	int64_t due = kt_now_ms(), closes = kt_after_ms(WINDOW_MS);

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	kt_daemon_priority(); /* a fork has reset it */
	while (sleep_until(&w->fds[POLL_SIGNALS], closes)) {
		kt_wakeups_stop(&w->wakeups);
		due = next_after(due);
		if (!sleep_until(&w->fds[POLL_SIGNALS], due))
			break;
		kt_wakeups_start(&w->wakeups);
		closes = kt_after_ms(WINDOW_MS);
	}
	kt_wakeups_stop(&w->wakeups);
	_exit(EXIT_SUCCESS);
}

/* The kernel adds and removes a trigger only after a grace period of RCU, whose threads a stalling scheduler gives no
 * CPU: samples must not wait for that. So a process of its own does it, but for the first window. */
static void open_windows(struct watch *w)
{
	kt_wakeups_start(&w->wakeups);
	if (w->all_wakeups || !w->wakeups.is_running)
		return;
	w->windows = fork();
	if (w->windows == 0)
		run_windows(w);
	if (w->windows > 0)
		w->wakeups.is_running = false; /* that process ends them */
}

static void close_windows(struct watch *w)
{
	if (w->windows > 0) {
		kill(w->windows, SIGTERM);
		safe_waitpid(w->windows, NULL, 0);
	}
	kt_wakeups_stop(&w->wakeups);
}

/* What takes time comes before the first sample. */
static void begin(struct watch *w)
{
	if (w->begun)
		return;
	w->begun = true;
	kt_stats_open(&w->stats, "topology");
	send_topology(w);
	kt_wakeups_begin(&w->wakeups, &w->stats);
	kt_stats_text(&w->stats, "wakeups", w->all_wakeups ? "all" : "windows");
	kt_stats_close(&w->stats);
	open_windows(w);
	send_sample(w, "begin");
	w->sample_at = kt_after_ms(INTERVAL_MS);
	kt_latch_set_or_warn("stats_begun");
}

static void on_time(struct watch *w)
{
	if (kt_now_ms() < w->sample_at)
		return;
	send_sample(w, "sample");
	w->sample_at = next_after(w->sample_at);
}

static void end(struct watch *w)
{
	if (!w->begun)
		return;
	w->stats.finishes = true;
	send_sample(w, "end");
	close_windows(w);
	await_last_answer(w);
	kt_wakeups_end(&w->wakeups, &w->stats);
}

/* The scheduler's counters begin at 0 with it and go with it, so both moments get a sample. */
static void on_uevents(struct watch *w)
{
	char event[KT_UEVENT_MAX];
	ssize_t len;

	while ((len = kt_uevent_next(w->fds[POLL_UEVENTS].fd, event)) > 0) {
		const char *path = kt_uevent_value(event, len, "DEVPATH");
		const char *action = kt_uevent_value(event, len, "ACTION");

		if (!w->begun || !path || !action || strcmp(path, "/kernel/sched_ext/root") != 0)
			continue;
		if (strcmp(action, "add") == 0)
			send_sample(w, "attached");
		else if (strcmp(action, "remove") == 0)
			send_sample(w, "detached");
	}
}

static void on_signals(struct watch *w)
{
	int signo;

	while ((signo = kt_signals_next(w->fds[POLL_SIGNALS].fd)) != 0)
		if (signo == SIGUSR1)
			begin(w);
		else
			w->term_came = true;
}

static void watch(struct watch *w)
{
	while (!w->term_came) {
		w->fds[POLL_SCHEDULER].fd = w->scheduler.fd;
		if (poll(w->fds, POLL_COUNT, kt_poll_timeout(w->sample_at)) < 0 && errno != EINTR)
			bb_simple_perror_msg_and_die("unable to poll");
		if (w->fds[POLL_SCHEDULER].revents)
			on_scheduler(w);
		if (w->fds[POLL_UEVENTS].revents)
			on_uevents(w);
		if (w->fds[POLL_SIGNALS].revents)
			on_signals(w);
		on_time(w);
	}
}

/* What a payload mounts over /proc or /sys must not be what is measured. */
static void keep_own_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0)
		bb_simple_perror_msg("unable to keep its own mounts");
}

/* The first stats frame of all, before any program of the user's runs: the host knows the token from it. */
static void send_ready(struct watch *w)
{
	kt_stats_open(&w->stats, "ready");
	kt_stats_close(&w->stats);
}

int ktwatch_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktwatch_main(int argc UNUSED_PARAM, char **argv)
{
	enum { OPT_ALL = 1 << 0 };
	struct watch *w = kt_zalloc_lazy(sizeof(*w));
	const char *root = "";
	char *path = NULL;

	w->all_wakeups = getopt32(argv, "^ap:r:\0=0", &path, &root) & OPT_ALL;
	kt_stats_init(&w->stats, root, kt_port_open(path), &w->term_came);
	if (!*root)
		keep_own_mounts();
	kt_daemon_priority();
	w->fds[POLL_SIGNALS] = (struct pollfd){ kt_signals_open(SIGUSR1, SIGTERM, SIGINT, 0), POLLIN, 0 };
	w->fds[POLL_UEVENTS] = (struct pollfd){ kt_uevent_open(), POLLIN, 0 };
	w->fds[POLL_SCHEDULER] = (struct pollfd){ -1, POLLIN, 0 };
	w->sample_at = KT_NEVER;
	kt_scx_stats_init(&w->scheduler, root);
	kt_wakeups_arm(&w->wakeups, root, w->all_wakeups);
	send_ready(w);
	kt_latch_set_or_warn("stats_ready");
	watch(w);
	end(w);
	return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktexitmon: watch the scheduler, and report it to the host when it ends unexpectedly.
 *
 * In:   a program to run (its stdout and stderr go to LOG), or the PID of a process that runs already;
 *       the kernel's uevents of sched_ext.
 * Out:  latches sched_attached and sched_detached, with a sched-state frame each; also sched_ejected when the
 *       kernel has ejected the scheduler; sched.pid. At an unexpected end, in this order: latch sched_exited,
 *       the log's block (unless latch sched_log_owned is set), the end of an open dump (at most DUMP_MS), where
 *       /init watches its lifecycle frame, a sched-exit frame, at which ktstr's host ends the VM, and a sched-state
 *       frame.
 * Ends: with the scheduler, or by TERM: then the scheduler gets TERM, KILL after GRACE_MS, and is reaped.
 *       With -P, TERM only ends the watching.
 * Exit: the scheduler's status, 128+N for a signal, 126 or 127 as a shell when it can't run. With -P: 0
 *       after TERM, else the status, 1 when it is lost. 1 for bad usage.
 *
 * A scheduler that puts itself into the background (its process ends with 0, and a child has the link, or is left
 * before the attach) has not ended: the child is watched instead.
 *
 * -P is for a scheduler that something else has started: a developer in the shell, a script that needs to
 * be its parent, or a ktexitmon that was killed (/init). -n is for a second scheduler in the same guest, with a
 * second ktexitmon: its latches are NAME_attached and so on. A scheduler is known by the name with which it has
 * attached. The first one of a run may attach with another name once it is detached (a loader, or a script, that runs
 * one scheduler after the other); other uevents of schedulers with another name are ignored.
 *
 * The commit point: the scheduler ends, or can't but end (it exits, a signal has killed it), and has not been asked to.
 * With TERM before it, the scheduler is stopped and nothing is sent. With TERM after it, everything listed above is
 * finished first. There is no state in which both or neither is done.
 */
//config:config KTEXITMON
//config:	bool "ktexitmon"
//config:	default y
//config:	help
//config:	Run or watch the scheduler, notice its attach, its ejection by the
//config:	kernel and its end; at an end that nobody asked for send its log and
//config:	a sched-exit frame.

//applet:IF_KTEXITMON(APPLET(ktexitmon, BB_DIR_USR_BIN, BB_SUID_DROP))

//kbuild:lib-$(CONFIG_KTEXITMON) += ktexitmon.o

//usage:#define ktexitmon_trivial_usage
//usage:       "[-p PATH] [-n NAME] [-l LOG] PROG [ARG]... | -P PID"
//usage:#define ktexitmon_full_usage "\n\n"
//usage:       "Run the scheduler PROG until it ends, and report an unexpected end to the host\n"
//usage:     "\n	-l LOG	Write its stdout and stderr to LOG (/tmp/sched.log), send that at an unexpected end"
//usage:     "\n	-n NAME	Name its latches and pid file NAME_... (sched)"
//usage:     "\n	-P PID	Watch a process that runs already"
//usage:     "\n	-p PATH	Send to PATH (- is stdout), not to the bulk port"

#include <poll.h>
#include "attach_probe.h"
#include "background.h"
#include "cgroup_path.h"
#include "kmsg.h"
#include "port.h"
#include "port_interrupt.h"
#include "process.h"
#include "run_dir.h"
#include "sched_log.h"
#include "uevent.h"

#define SCX_ROOT "/kernel/sched_ext/root"

enum {
	CORE_DUMPED = 0x80, /* in a status of wait(2), beside the signal */
	GRACE_MS = 3000, /* from TERM to KILL */
	DUMP_MS = 5000, /* for an open dump to end: ktstr's bound */
	OPS_NAME_MAX = 128, /* SCX_OPS_NAME_LEN in kernel/sched/ext_internal.h, with its NUL */
	LIFECYCLE_MS = 2000, /* for /init to send its lifecycle frame */
	PAGE_BYTES = 4096, /* or more */
	STACK_BYTES = 80 * 1024, /* of report_end(): two frames in work, an uevent, a record of the kernel's log */
	READ_MS = 2000, /* for ktpipe to have read the ring, so that an open dump is known to be open */
};

enum { POLL_SIGNALS, POLL_SCHEDULER, POLL_UEVENTS, POLL_KMSG, POLL_CHILDREN, POLL_COUNT };

struct monitor {
	struct pollfd fds[POLL_COUNT];
	pid_t pid;
	pid_t group; /* of the process that was started */
	bool is_child;
	bool term_came;
	int port;
	int64_t start_ms;
	struct kt_attach_probe probe;
	int64_t send_deadline; /* of a state frame: KT_NEVER until the scheduler is being stopped */
	struct kt_kmsg_ends ends; /* why the kernel has disabled the scheduler; no reason: it has not */
	bool ejected; /* by the kernel, rather than unregistered */
	bool detached; /* since it was attached last */
	const char *name; /* of the latches */
	char ops_name[OPS_NAME_MAX]; /* of the scheduler, once it is attached */
	const char *log; /* NULL: none to send */
};

/* The scheduler of the run, rather than a second one (-n) */
static bool is_first(const struct monitor *m)
{
	return strcmp(m->name, "sched") == 0;
}

static int ms_since_start(const struct monitor *m)
{
	return kt_now_ms() - m->start_ms;
}

/* Waits for the host, but no longer than TERM and the deadline allow. Prints a message when the frame was not
 * sent. */
static void send_frame(struct monitor *m, const char *text)
{
	uint32_t len = strlen(text);
	struct kt_out out;

	if (m->term_came && m->send_deadline == KT_NEVER) /* TERM interrupts only the write that it comes into */
		m->send_deadline = kt_after_ms(GRACE_MS);
	memcpy(out.payload, text, len);
	if (kt_port_send_until(m->port, &out, KT_SCHED_STATE, len, m->send_deadline, &m->term_came) < 0)
		bb_perror_msg("unable to send '%s'", text);
}

static void send_state(struct monitor *m, const char *text)
{
	kt_port_mark(m->port, text, m->send_deadline, &m->term_came);
	send_frame(m, text);
}

/* Valid until the next call */
static const char *latch_name(const struct monitor *m, const char *event)
{
	static char name[NAME_MAX + 1];

	snprintf(name, sizeof(name), "%s_%s", m->name, event);
	return name;
}

static void set_latch(const struct monitor *m, const char *event)
{
	kt_latch_set_or_warn(latch_name(m, event));
}

static bool latch_is_set(const struct monitor *m, const char *event)
{
	return kt_latch_is_set(latch_name(m, event));
}

static char *attach_text(struct monitor *m, const char *name)
{
	int ms = ms_since_start(m);
	int64_t began_ms = kt_attach_probe_ms(&m->probe);
	int load_ms = began_ms - m->start_ms;

	if (began_ms < 0)
		return xasprintf("attached ms=%d name=%.127s", ms, name);
	return xasprintf("attached ms=%d load_ms=%d attach_ms=%d name=%.127s", ms, load_ms, ms - load_ms, name);
}

static void on_attach(struct monitor *m, const char *name)
{
	char *text = attach_text(m, name);

	if (strcmp(m->ends.root.name, name) != 0) /* the end of another scheduler, before this one */
		m->ends.root.reason[0] = '\0';
	safe_strncpy(m->ops_name, name, sizeof(m->ops_name));
	m->ejected = false;
	m->detached = false;
	kt_latch_reset_or_warn(latch_name(m, "detached"));
	set_latch(m, "attached");
	send_state(m, text);
	free(text);
}

static char *detach_text(struct monitor *m, const char *what)
{
	return xasprintf("%s ms=%d name=%s kind=%d reason=%s%s%s", what, ms_since_start(m), m->ops_name,
			kt_exit_kind(m->ends.root.reason), m->ends.root.reason, m->ends.root.detail[0] ? ": " : "", m->ends.root.detail);
}

static void send_detach_state(struct monitor *m, const char *what)
{
	char *text = detach_text(m, what);

	send_state(m, text);
	free(text);
}

/* The record with the detail comes after the one that the first frame was sent for. The newest frame counts; the
 * first one has set the mark. */
static void send_ejection_detail(struct monitor *m)
{
	char *text = detach_text(m, "ejected");

	send_frame(m, text);
	free(text);
}

/* A scheduler that unregisters may attach again (many restart that way). One that the kernel ejected counts as
 * dead, even if it attaches again: its latch stays set. */
static void check_ejection(struct monitor *m)
{
	int kind = kt_exit_kind(m->ends.root.reason);

	if (m->ejected || kt_is_unregistered(kind))
		return;
	m->ejected = true;
	set_latch(m, "ejected");
	send_detach_state(m, "ejected");
}

/* With a name that is not the one that it had. No uevent says which process attaches, so a second one (-n), once it
 * was attached, must not take what is the first one's. */
static bool may_attach(const struct monitor *m)
{
	return !m->ops_name[0] || (m->detached && is_first(m));
}

/* The kernel's log has the end first, the uevent comes some milliseconds later. That of one that attaches is kept until
 * its uevents are read. */
static void on_kmsg(struct monitor *m)
{
	const char *name = may_attach(m) ? "" : m->ops_name;

	if (kt_kmsg_read_ends(m->fds[POLL_KMSG].fd, &m->ends, name) && strcmp(m->ends.root.name, m->ops_name) == 0)
		check_ejection(m);
}

static void on_detach(struct monitor *m)
{
	bool was_ejected = m->ejected;

	on_kmsg(m); /* the log has the whole reason before the uevent comes */
	if (m->ends.root.reason[0]) /* it may even have come before the uevent of the attach */
		check_ejection(m);
	m->detached = true;
	set_latch(m, "detached");
	if (!m->ejected)
		send_detach_state(m, "detached");
	else if (was_ejected && m->ends.root.detail[0])
		send_ejection_detail(m);
	m->ejected = false;
	m->ends.root.reason[0] = '\0';
}

/* Reads the state from the kernel's files: when uevents were lost, or came before ktexitmon ran. */
static void look_at_state(struct monitor *m)
{
	char name[OPS_NAME_MAX + 1];
	ssize_t len = open_read_close("/sys" SCX_ROOT "/ops", name, sizeof(name) - 1);

	if (len > 0) {
		name[len] = '\0';
		chomp(name);
		if (!latch_is_set(m, "attached"))
			on_attach(m, name);
		else if (!m->ops_name[0]) /* another ktexitmon has reported the attach */
			safe_strncpy(m->ops_name, name, sizeof(m->ops_name));
	} else if (latch_is_set(m, "attached") && !latch_is_set(m, "detached")) {
		on_detach(m);
	}
}

/* The mark is sub-attached-28: the timeline tells several sub-schedulers apart. */
static void send_sub_state(struct monitor *m, uint64_t sub, const char *text)
{
	char *mark = xasprintf("%.*s-%llu", (int)strcspn(text, " "), text, (unsigned long long)sub);

	kt_port_mark(m->port, mark, m->send_deadline, &m->term_came);
	send_frame(m, text);
	free(mark);
}

static void send_sub_attach(struct monitor *m, uint64_t sub, const char *name)
{
	char *cgroup = kt_cgroup_path(sub);
	char *text = xasprintf("sub-attached ms=%d sub=%llu name=%.127s cgroup=%s", ms_since_start(m),
			(unsigned long long)sub, name, cgroup ? cgroup : "");

	send_sub_state(m, sub, text);
	free(text);
	free(cgroup);
}

static void send_sub_detach(struct monitor *m, uint64_t sub, const char *name)
{
	struct kt_kmsg_end end = { .reason = "" };
	int kind;
	char *text;

	on_kmsg(m);
	kt_kmsg_take_sub(&m->ends, name, &end);
	kind = kt_exit_kind(end.reason);
	text = xasprintf("sub-%s ms=%d sub=%llu name=%.127s kind=%d reason=%s%s%s",
			kt_is_unregistered(kind) ? "detached" : "ejected", ms_since_start(m), (unsigned long long)sub, name,
			kind, end.reason, end.detail[0] ? ": " : "", end.detail);
	send_sub_state(m, sub, text);
	free(text);
}

/* DEVPATH=/kernel/sched_ext/root/sub/sub-28: the scheduler of the cgroup with this id. One monitor reports it. */
static void on_sub_uevent(struct monitor *m, const char *path, const char *action, const char *name)
{
	const char *number = is_prefixed_with(bb_get_last_path_component_nostrip(path), "sub-");

	if (!number || !isdigit(*number) || !is_first(m))
		return;
	if (strcmp(action, "add") == 0)
		send_sub_attach(m, strtoull(number, NULL, 10), name);
	else if (strcmp(action, "remove") == 0)
		send_sub_detach(m, strtoull(number, NULL, 10), name);
}

static void on_uevent(struct monitor *m, const char *event, size_t len)
{
	const char *action = kt_uevent_value(event, len, "ACTION");
	const char *path = kt_uevent_value(event, len, "DEVPATH");
	const char *name = kt_uevent_value(event, len, "SCXOPS");
	bool is_own;

	if (action && path && name && is_prefixed_with(path, SCX_ROOT "/"))
		on_sub_uevent(m, path, action, name);
	if (!action || !path || !name || strcmp(path, SCX_ROOT) != 0)
		return;
	is_own = strcmp(m->ops_name, name) == 0;
	if (strcmp(action, "add") == 0 && (is_own || may_attach(m)))
		on_attach(m, name);
	else if (strcmp(action, "remove") == 0 && is_own)
		on_detach(m);
}

static void on_uevents(struct monitor *m)
{
	char event[KT_UEVENT_MAX];
	ssize_t len;

	while ((len = kt_uevent_next(m->fds[POLL_UEVENTS].fd, event)) > 0)
		on_uevent(m, event, len);
	if (len < 0)
		look_at_state(m);
}

static void handle_kernel_events(struct monitor *m)
{
	if (m->fds[POLL_KMSG].revents)
		on_kmsg(m);
	if (m->fds[POLL_UEVENTS].revents)
		on_uevents(m);
	if (m->fds[POLL_CHILDREN].revents)
		kt_background_reap(m->fds[POLL_CHILDREN].fd, m->pid);
}

static void on_signals(struct monitor *m)
{
	while (kt_signals_next(m->fds[POLL_SIGNALS].fd) != 0)
		m->term_came = true;
}

static NORETURN void run_scheduler(char **argv, int log)
{
	setpgid(0, 0);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	if (isatty(log)) { /* only for its stdio's sake: it is no terminal of colours, and nobody types there */
		setenv("TERM", "dumb", 1);
		setenv("NO_COLOR", "1", 1);
	}
	kt_drop_daemon_privileges();
	kt_exec_or_die(argv);
}

/* The log may be a FIFO. It is opened for reading too: a reader that dies must not kill the scheduler by
 * SIGPIPE. */
static void start_scheduler(struct monitor *m, char **argv)
{
	int log = kt_xopen(m->log, O_RDWR | O_CREAT | O_TRUNC | O_APPEND);

	m->fds[POLL_CHILDREN].fd = kt_background_open();
	m->pid = m->group = xfork();
	if (m->pid == 0)
		run_scheduler(argv, log);
	close(log);
	setpgid(m->pid, m->pid);
	m->is_child = true;
	kt_attach_probe_open(&m->probe, m->pid); /* while the scheduler loads: its first attach comes later */
}

/* A death is reported at once, where memory is short, too: what report_end() needs of the stack is there before. A fork
 * shares it again, so it is touched after each. */
static NOINLINE void touch_stack(void)
{
	volatile char bytes[STACK_BYTES];
	size_t at;

	for (at = 0; at < sizeof(bytes); at += PAGE_BYTES)
		bytes[at] = 0;
}

static void watch(struct monitor *m)
{
	int i;

	m->fds[POLL_SCHEDULER].fd = kt_pidfd_open(m->pid);
	if (m->fds[POLL_SCHEDULER].fd < 0 && errno != ESRCH)
		bb_perror_msg_and_die("unable to watch process %d", (int)m->pid);
	for (i = 0; i < POLL_COUNT; i++)
		m->fds[i].events = POLLIN;
	kt_pid_file_write_or_warn(auto_string(xasprintf("%s.pid", m->name)), m->pid);
	touch_stack();
	if (!m->is_child)
		look_at_state(m);
}

/* A process that had ended before it could be watched has no pidfd. */
static bool has_ended(const struct monitor *m)
{
	return m->fds[POLL_SCHEDULER].fd < 0 || m->fds[POLL_SCHEDULER].revents != 0;
}

/* True when another process goes on for the scheduler's, which put itself into the background. That is watched now. */
static bool follow(struct monitor *m)
{
	bool is_attached;
	char *text;
	pid_t child;

	if (!m->is_child || m->fds[POLL_SCHEDULER].fd < 0)
		return false;
	on_uevents(m);
	if (!kt_has_ended_well(m->pid))
		return false;
	is_attached = latch_is_set(m, "attached") && !latch_is_set(m, "detached");
	child = kt_background_child(m->pid, m->probe.pid, is_attached);
	if (child == 0)
		return false;
	waitpid(m->pid, NULL, 0);
	close(m->fds[POLL_SCHEDULER].fd);
	m->fds[POLL_SCHEDULER].revents = 0;
	m->pid = child;
	watch(m);
	text = xasprintf("background ms=%d pid=%d", ms_since_start(m), (int)child);
	send_state(m, text);
	free(text);
	return true;
}

/* Returns at the commit point (true), or when TERM came before it (false). */
static bool wait_for_end(struct monitor *m)
{
	for (;;) {
		if (poll(m->fds, POLL_COUNT, has_ended(m) ? 0 : -1) < 0 && errno != EINTR)
			bb_simple_perror_msg_and_die("unable to poll");
		handle_kernel_events(m);
		on_signals(m); /* after all that takes time: a TERM from here on comes after the commit point */
		if (m->term_came)
			return false;
		if (has_ended(m) && !follow(m))
			return true;
	}
}

/* Handles uevents meanwhile: a detach at the end is a change of state like any other. */
static bool wait_scheduler_exit(struct monitor *m, int64_t deadline)
{
	while (!has_ended(m)) {
		if (poll(m->fds + POLL_SCHEDULER, POLL_COUNT - POLL_SCHEDULER, kt_poll_timeout(deadline)) == 0)
			return false;
		handle_kernel_events(m);
	}
	return true;
}

/* TERM has come, and the scheduler has not got it yet. One that ends all the same has died: a payload may have killed it
 * as its last act, and a scheduler takes time to detach. */
static bool ends_by_itself(struct monitor *m)
{
	return m->is_child && kt_is_ending(m->pid) && wait_scheduler_exit(m, kt_after_ms(GRACE_MS)) && !follow(m);
}

/* The wait(2) status of a child that has ended. It stays a zombie: to reap it takes 0.15 ms under TCG, which a frame would
 * wait for. PID 1 does it when this process has ended. */
static int zombie_status(pid_t pid)
{
	siginfo_t info;

	while (waitid(P_PID, pid, &info, WEXITED | WNOWAIT) < 0)
		if (errno != EINTR)
			bb_perror_msg_and_die("unable to wait for process %d", (int)pid);
	if (info.si_code == CLD_EXITED)
		return info.si_status << 8;
	return info.si_status | (info.si_code == CLD_DUMPED ? CORE_DUMPED : 0);
}

/* The wait(2) status, or -1 when it is lost. */
static int end_status(struct monitor *m)
{
	if (!m->is_child)
		return m->fds[POLL_SCHEDULER].fd < 0 ? -1 : kt_exit_status_of(m->fds[POLL_SCHEDULER].fd, m->pid);
	return zombie_status(m->pid);
}

static bool wait_for_latch(const char *name, int64_t ms)
{
	char *names[] = { (char *)name, NULL };

	return kt_latch_wait(names, false, kt_after_ms(ms), -1) == 0;
}

/* The kernel had written the whole dump into the ring before the scheduler ended. Only when ktpipe has read the
 * ring is it known whether a dump is open; without ktpipe there is none. */
static void wait_for_dump(void)
{
	pid_t ktpipe = kt_pid_file_read("ktpipe.pid");

	if (ktpipe == 0)
		return;
	kt_latch_reset_or_warn("trace_read");
	if (kill(ktpipe, SIGUSR1) < 0)
		return;
	if (!wait_for_latch("trace_read", READ_MS))
		bb_simple_error_msg("unable to wait for ktpipe: it has not read the trace in time");
	if (kt_latch_is_set("dump_started") && !wait_for_latch("dump_complete", DUMP_MS))
		bb_simple_error_msg("unable to wait for the dump: it has no end");
}

/* /init reports the death too, once the latch has woken it. ktstr's host reads nothing after the sched-exit frame. TERM
 * ends the waiting: then /init waits for this process. */
static void wait_for_lifecycle(const struct monitor *m)
{
	char *names[] = { (char *)"death_sent", NULL };

	if (is_first(m) && !m->term_came && kt_latch_is_set("init_watches"))
		kt_latch_wait(names, false, kt_after_ms(LIFECYCLE_MS), m->fds[POLL_SIGNALS].fd);
}

static void send_log(const struct monitor *m)
{
	if (!m->log || latch_is_set(m, "log_owned"))
		return;
	kt_sched_log_send(m->port, m->log);
	set_latch(m, "log_owned");
}

static char *end_text(const struct monitor *m, int status)
{
	if (m->fds[POLL_SCHEDULER].fd < 0) /* before it could be watched: nobody knows when */
		return xstrdup("exited code=unknown");
	if (status < 0)
		return xasprintf("exited ms=%d code=unknown", ms_since_start(m));
	if (WIFSIGNALED(status))
		return xasprintf("killed ms=%d signal=%d core=%d",
			ms_since_start(m), WTERMSIG(status), !!WCOREDUMP(status));
	return xasprintf("exited ms=%d code=%d", ms_since_start(m), WEXITSTATUS(status));
}

/* After the commit point: TERM stays blocked and pending, and everything is sent. What is for ktrun alone comes last:
 * ktstr's host acts on the sched-exit frame, and each frame before it delays that. */
static int report_end(struct monitor *m)
{
	const int64_t ended_ms = kt_now_ms();
	int status = end_status(m);
	int code = status < 0 ? EXIT_FAILURE : kt_shell_status(status);
	char *text = end_text(m, status);
	uint8_t wire_code[4];

	set_latch(m, "exited");
	send_log(m);
	wait_for_dump();
	wait_for_lifecycle(m);
	kt_put_u32(wire_code, code);
	kt_port_xsend(m->port, KT_SCHED_EXIT, wire_code, sizeof(wire_code));
	kt_port_mark_at(m->port, ended_ms, text, KT_NEVER, NULL);
	kt_port_xsend(m->port, KT_SCHED_STATE, text, strlen(text));
	return code;
}

/* One that went into the background may have left the group. */
static void kill_group(struct monitor *m, int signo)
{
	kill(-m->group, signo);
	if (m->pid == m->group)
		return;
	kill(m->pid, signo);
	kill(-m->pid, signo);
}

/* A script's child may be the one that is attached. It is detached when it is gone, and an ejection that was under way
 * has come to its end. */
static void wait_for_group(struct monitor *m)
{
	int64_t deadline = kt_after_ms(GRACE_MS);

	for (;;) {
		kt_background_reap(m->fds[POLL_CHILDREN].fd, m->pid);
		if (kill(-m->group, 0) < 0 || poll(&m->fds[POLL_CHILDREN], 1, kt_poll_timeout(deadline)) == 0)
			return;
	}
}

static int stop_scheduler(struct monitor *m)
{
	int code;

	if (!m->is_child)
		return EXIT_SUCCESS;
	m->send_deadline = kt_after_ms(GRACE_MS);
	kill_group(m, SIGTERM);
	if (!wait_scheduler_exit(m, m->send_deadline)) {
		kill_group(m, SIGKILL);
		kt_port_mark(m->port, "scheduler-kill", kt_after_ms(GRACE_MS), &m->term_came);
	}
	code = kt_shell_status(end_status(m));
	waitpid(m->pid, NULL, 0);
	kill_group(m, SIGKILL); /* what a script left behind */
	wait_for_group(m);
	on_uevents(m);
	return code;
}

int ktexitmon_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktexitmon_main(int argc UNUSED_PARAM, char **argv)
{
	struct monitor *m = xzalloc(sizeof(*m));
	char *path = NULL, *log = NULL, *pid = NULL;

	m->name = "sched";
	getopt32(argv, "+p:n:l:P:", &path, &m->name, &log, &pid);
	argv += optind;
	if (!pid == !argv[0])
		bb_show_usage();
	if (!kt_latch_name_is_valid(m->name))
		bb_error_msg_and_die("unable to use name '%s' for latches: only a-z, 0-9, _ and - make one", m->name);
	m->port = kt_port_open(path);
	kt_daemon_priority();
	m->fds[POLL_SIGNALS].fd = kt_signals_open(SIGTERM, SIGALRM, 0);
	m->fds[POLL_UEVENTS].fd = kt_uevent_open();
	m->fds[POLL_KMSG].fd = kt_kmsg_open();
	m->fds[POLL_CHILDREN].fd = -1;
	m->start_ms = kt_now_ms();
	m->send_deadline = KT_NEVER;
	m->log = log;
	if (pid) {
		m->pid = xatoi_positive(pid);
		m->start_ms = kt_process_start_ms(m->pid);
	} else {
		if (!log)
			m->log = "/tmp/sched.log";
		kt_port_mark(m->port, "scheduler-started", KT_NEVER, &m->term_came);
		start_scheduler(m, argv);
	}
	watch(m);
	return wait_for_end(m) || ends_by_itself(m) ? report_end(m) : stop_scheduler(m);
}

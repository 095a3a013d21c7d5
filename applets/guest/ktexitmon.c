/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktexitmon: watch the scheduler, and tell the host when it ends although nobody asked it to.
 *
 * In:   a program to run (its stdout and stderr go to LOG), or the PID of a process that runs already;
 *       the kernel's uevents of sched_ext.
 * Out:  latches sched_attached and sched_detached, with a sched-state frame each; sched_ejected as well,
 *       when it was the kernel that threw the scheduler out; sched.pid. At an unexpected end, in this
 *       order: latch sched_exited, the log's block (once a run: latch sched_log_owned), the end of an open
 *       dump (at most DUMP_MS), a sched-state frame, a sched-exit frame. A reference host ends the VM at
 *       the last one.
 * Ends: with the scheduler, or by TERM: then the scheduler gets TERM, KILL after GRACE_MS, and is reaped.
 *       With -P, TERM only ends the watching.
 * Exit: the scheduler's status, 128+N for a signal, 126 or 127 as a shell when it can't run. With -P: 0
 *       after TERM, else the status, 1 when nobody knows it any more. 1 for bad usage.
 *
 * A second scheduler of a run has a monitor of its own, with -n NAME: its latches are NAME_attached and
 * so on. Uevents of a scheduler with another name than the one that attached first are not its business.
 *
 * The commit point: the scheduler's end is seen and no TERM is pending. TERM before it: stopped, nothing
 * is sent. TERM after it: all that is listed above is finished first. There is no state in which both or
 * neither is done.
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
//usage:       "Watch the scheduler PROG until it ends, and tell the host of an unexpected end\n"
//usage:     "\n	-l LOG	Its stdout and stderr (/tmp/sched.log), sent at an unexpected end"
//usage:     "\n	-n NAME	Of its latches and pid file (sched)"
//usage:     "\n	-P PID	Watch a process that runs already"
//usage:     "\n	-p PATH	Send to PATH (- is stdout), not to the bulk port"

#include <poll.h>
#include "attach_probe.h"
#include "kmsg.h"
#include "port.h"
#include "port_interrupt.h"
#include "process.h"
#include "run_dir.h"
#include "sched_log.h"
#include "uevent.h"

#define SCX_ROOT "/kernel/sched_ext/root"

enum {
	GRACE_MS = 3000, /* from TERM to KILL */
	DUMP_MS = 5000, /* for an open dump to end: the reference's bound */
	OPS_NAME_MAX = 128, /* SCX_OPS_NAME_LEN in kernel/sched/ext_internal.h, with its NUL */
	READ_MS = 2000, /* for ktpipe to have read the ring, so that an open dump is known to be open */
};

enum { POLL_SIGNALS, POLL_SCHEDULER, POLL_UEVENTS, POLL_KMSG, POLL_COUNT };

struct monitor {
	struct pollfd fds[POLL_COUNT];
	pid_t pid;
	bool is_child;
	bool term_came;
	int port;
	int64_t start_ms;
	struct kt_attach_probe probe;
	int64_t send_deadline; /* of a state frame: none until the scheduler is being stopped */
	char reason[KT_KMSG_REASON_MAX]; /* why the kernel has disabled the scheduler; empty as long as it has not */
	bool ejected; /* and that was the kernel's own doing */
	const char *name; /* of the latches */
	char ops_name[OPS_NAME_MAX]; /* of the scheduler, once it is attached */
	const char *log; /* NULL: none to send */
};

static int ms_since_start(const struct monitor *m)
{
	return kt_now_ms() - m->start_ms;
}

/* A frame that may wait for the host, but no longer than TERM and the deadline allow; what is not sent
 * then is said. */
static void send_state(struct monitor *m, const char *text)
{
	uint32_t len = strlen(text);
	struct kt_out out;

	kt_port_mark(m->port, text, m->send_deadline, &m->term_came);
	if (m->term_came && m->send_deadline == KT_NEVER) /* it interrupts only what it comes into */
		m->send_deadline = kt_after_ms(GRACE_MS);
	memcpy(out.payload, text, len);
	if (kt_port_send_until(m->port, &out, KT_SCHED_STATE, len, m->send_deadline, &m->term_came) < 0)
		bb_perror_msg("unable to send '%s'", text);
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

	safe_strncpy(m->ops_name, name, sizeof(m->ops_name));
	m->ejected = false;
	kt_latch_reset_or_warn(latch_name(m, "detached"));
	set_latch(m, "attached");
	send_state(m, text);
	free(text);
}

static void send_detach_state(struct monitor *m, const char *what)
{
	char *text = xasprintf("%s ms=%d name=%s kind=%d reason=%s", what, ms_since_start(m), m->ops_name,
			kt_exit_kind(m->reason), m->reason);

	send_state(m, text);
	free(text);
}

/* Who unregisters a scheduler may register it again (many restart themselves so); whom the kernel throws
 * out is dead, and its latch stays set if it attaches once more. */
static void check_ejection(struct monitor *m)
{
	int kind = kt_exit_kind(m->reason);

	if (m->ejected || (kind > 0 && kind <= KT_KIND_UNREGISTERED_LAST))
		return;
	m->ejected = true;
	set_latch(m, "ejected");
	send_detach_state(m, "ejected");
}

/* The kernel's log tells of the end first, the uevent some milliseconds later. */
static void on_kmsg(struct monitor *m)
{
	if (kt_kmsg_disable_reason(m->fds[POLL_KMSG].fd, m->reason) && m->ops_name[0])
		check_ejection(m);
}

static void on_detach(struct monitor *m)
{
	on_kmsg(m); /* the reason is there before the uevent is */
	if (m->reason[0]) /* it may even have been there before the uevent of the attach */
		check_ejection(m);
	set_latch(m, "detached");
	if (!m->ejected)
		send_detach_state(m, "detached");
	m->ejected = false;
	m->reason[0] = '\0';
}

/* When uevents were lost, or before there were any: what the kernel's files say. */
static void look_at_state(struct monitor *m)
{
	char name[OPS_NAME_MAX + 1];
	ssize_t len = open_read_close("/sys" SCX_ROOT "/ops", name, sizeof(name) - 1);

	if (len > 0) {
		name[len] = '\0';
		chomp(name);
		if (!latch_is_set(m, "attached"))
			on_attach(m, name);
	} else if (latch_is_set(m, "attached") && !latch_is_set(m, "detached")) {
		on_detach(m);
	}
}

static void on_uevent(struct monitor *m, const char *event, size_t len)
{
	const char *action = kt_uevent_value(event, len, "ACTION");
	const char *path = kt_uevent_value(event, len, "DEVPATH");
	const char *name = kt_uevent_value(event, len, "SCXOPS");

	if (!action || !path || !name || strcmp(path, SCX_ROOT) != 0)
		return;
	if (m->ops_name[0] && strcmp(m->ops_name, name) != 0)
		return;
	if (strcmp(action, "add") == 0)
		on_attach(m, name);
	else if (strcmp(action, "remove") == 0 && m->ops_name[0])
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
	kt_drop_daemon_privileges();
	kt_exec_or_die(argv);
}

/* Its log may be a FIFO: opened for reading too, since a reader that dies must not take the scheduler with
 * it by SIGPIPE. */
static void start_scheduler(struct monitor *m, char **argv)
{
	int log = kt_xopen(m->log, O_RDWR | O_CREAT | O_TRUNC | O_APPEND);

	m->pid = xfork();
	if (m->pid == 0)
		run_scheduler(argv, log);
	close(log);
	setpgid(m->pid, m->pid);
	m->is_child = true;
	kt_attach_probe_open(&m->probe, m->pid); /* while it loads: the first attach comes later */
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
	if (!m->is_child)
		look_at_state(m);
}

/* A process that was gone before it could be watched has ended all the same. */
static bool has_ended(const struct monitor *m)
{
	return m->fds[POLL_SCHEDULER].fd < 0 || m->fds[POLL_SCHEDULER].revents != 0;
}

/* Returns at the commit point (true), or when TERM came before it (false). */
static bool wait_for_end(struct monitor *m)
{
	for (;;) {
		if (poll(m->fds, POLL_COUNT, has_ended(m) ? 0 : -1) < 0 && errno != EINTR)
			bb_simple_perror_msg_and_die("unable to poll");
		handle_kernel_events(m);
		on_signals(m); /* after all that takes time: what comes from here on comes after the commit */
		if (m->term_came)
			return false;
		if (has_ended(m))
			return true;
	}
}

/* The wait(2) status, or -1 when nobody knows it. */
static int end_status(struct monitor *m)
{
	int status;

	if (!m->is_child)
		return m->fds[POLL_SCHEDULER].fd < 0 ? -1 : kt_exit_status_of(m->fds[POLL_SCHEDULER].fd, m->pid);
	if (safe_waitpid(m->pid, &status, 0) < 0)
		bb_perror_msg_and_die("unable to wait for process %d", (int)m->pid);
	return status;
}

static bool wait_for_latch(const char *name, int64_t ms)
{
	char *names[] = { (char *)name, NULL };

	return kt_latch_wait(names, false, kt_after_ms(ms), -1) == 0;
}

/* The scheduler's end came after the kernel had written the whole dump into the ring. Whether a dump is
 * open is known when ktpipe has read what was there; without a ktpipe there is none. */
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

static void send_log(const struct monitor *m)
{
	if (!m->log || latch_is_set(m, "log_owned"))
		return;
	kt_sched_log_send(m->port, m->log);
	set_latch(m, "log_owned");
}

static char *end_text(const struct monitor *m, int status)
{
	if (status < 0)
		return xasprintf("exited ms=%d code=unknown", ms_since_start(m));
	if (WIFSIGNALED(status))
		return xasprintf("killed ms=%d signal=%d core=%d",
			ms_since_start(m), WTERMSIG(status), !!WCOREDUMP(status));
	return xasprintf("exited ms=%d code=%d", ms_since_start(m), WEXITSTATUS(status));
}

/* Behind the commit point: TERM stays blocked and pending, and all of it is sent. */
static int report_end(struct monitor *m)
{
	int status = end_status(m);
	int code = status < 0 ? EXIT_FAILURE : kt_shell_status(status);
	char *text = end_text(m, status);
	uint8_t wire_code[4];

	set_latch(m, "exited");
	kt_port_mark(m->port, text, KT_NEVER, NULL);
	send_log(m);
	wait_for_dump();
	kt_port_xsend(m->port, KT_SCHED_STATE, text, strlen(text));
	kt_put_u32(wire_code, code);
	kt_port_xsend(m->port, KT_SCHED_EXIT, wire_code, sizeof(wire_code));
	return code;
}

static void kill_group(struct monitor *m, int signo)
{
	kill(-m->pid, signo);
}

/* Uevents go on being heard: a detach at the end is a change of state like any other. */
static bool wait_scheduler_exit(struct monitor *m, int64_t deadline)
{
	while (!has_ended(m)) {
		if (poll(m->fds + POLL_SCHEDULER, POLL_COUNT - POLL_SCHEDULER, kt_poll_timeout(deadline)) == 0)
			return false;
		handle_kernel_events(m);
	}
	return true;
}

static int stop_scheduler(struct monitor *m)
{
	int code;

	if (!m->is_child)
		return EXIT_SUCCESS;
	m->send_deadline = kt_after_ms(GRACE_MS);
	kill_group(m, SIGTERM);
	if (!wait_scheduler_exit(m, m->send_deadline))
		kill_group(m, SIGKILL);
	code = kt_shell_status(end_status(m));
	kill_group(m, SIGKILL); /* what a script left behind */
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
	m->start_ms = kt_now_ms();
	m->send_deadline = KT_NEVER;
	m->log = log;
	if (pid) {
		m->pid = xatoi_positive(pid);
	} else {
		if (!log)
			m->log = "/tmp/sched.log";
		kt_port_mark(m->port, "scheduler-started", KT_NEVER, &m->term_came);
		start_scheduler(m, argv);
	}
	watch(m);
	return wait_for_end(m) ? report_end(m) : stop_scheduler(m);
}

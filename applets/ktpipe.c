/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktpipe: forward the trace of sched_ext dumps, and know where each dump starts and ends.
 *
 * In:   TRACE_PIPE, read without blocking; KT_TRACE_KB, the ring's size per CPU. By default it makes a trace instance
 *       of its own (instances/ktbox), so that the global trace_pipe stays free for whoever debugs.
 * Out:  every byte to CONSOLE. Latches: trace_armed once the tracepoint is on (trace_absent where there is none),
 *       dump_started at a dump's first line (dump_complete is reset before), dump_complete when the line with its end
 *       marker has been read. USR1: latch trace_read, when all that was in the ring by then has been scanned.
 * Ends: end or error of TRACE_PIPE. TERM: at once, or with -d when the ring is empty, an open dump has ended and
 *       CONSOLE has it all, after SECS at the latest.
 * Exit: 0; 1 a file can't be opened, read or written, or bad usage.
 *
 * CONSOLE is a UART of 0.6 MB/s, a dump is written at 30 MB/s: so the reading runs ahead into a queue of at most
 * QUEUE_MAX bytes, and the ring does not overrun. What finds no room is counted and told of at the end.
 */
//applet:IF_KTPIPE(APPLET(ktpipe, BB_DIR_USR_BIN, BB_SUID_DROP))

//usage:#define ktpipe_trivial_usage
//usage:       "[-i TRACE_PIPE] [-e ENABLE_FILE] [-o CONSOLE] [-d SECS]"
//usage:#define ktpipe_full_usage "\n\n"
//usage:       "Forward the trace of sched_ext dumps to a console until TERM\n"
//usage:     "\n	-i FILE	Read FILE, not a trace instance of its own"
//usage:     "\n	-e FILE	Write 1 to FILE first (the instance's sched_ext_dump tracepoint)"
//usage:     "\n	-o FILE	Forward to FILE (/dev/ttyS0)"
//usage:     "\n	-d SECS	At TERM, read on until the ring is empty and an open dump has ended"

#include <poll.h>
#include <sys/sysinfo.h>
#include "byte_queue.h"
#include "daemon.h"
#include "dump_scan.h"
#include "kt_open.h"
#include "latch.h"
#include "pid_file.h"

#define TRACEFS "/sys/kernel/tracing"
#define TRACEPOINT "/events/sched_ext/sched_ext_dump"
#define INSTANCE TRACEFS "/instances/ktbox"

enum {
	READ_SIZE = 8192, /* trace_pipe gives at most 8150 bytes a read */
	READS_A_TURN = 256, /* before the other descriptors get their turn */
	QUEUE_MAX = 32 * 1024 * 1024, /* seven dumps of 4 000 tasks */
	/* Per CPU, since a dump is written by one. 4 000 runnable tasks make 44 000 lines and 4.3 MB of text. */
	RING_KB = 8192,
	/* All rings together get at most this part of the memory. */
	RING_MEMORY_SHARE = 4,
};

enum { POLL_SIGNALS, POLL_TRACE, POLL_CONSOLE, POLL_COUNT };

struct forwarder {
	struct pollfd fds[POLL_COUNT];
	const char *trace_name, *console_name;
	int console; /* -1 after a write error: what remains to be done is the scanning */
	int64_t drain_ms; /* -1: TERM ends it at once */
	int64_t deadline; /* of draining */
	bool draining;
	bool stopped;
	bool failed;
	bool read_asked; /* by USR1 */
	struct kt_byte_queue queue;
	struct kt_dump_scan scan;
};

/* -1 and errno */
static int write_text(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_NOCTTY | O_TRUNC | O_CLOEXEC);
	ssize_t written;

	if (fd < 0)
		return -1;
	written = safe_write(fd, text, strlen(text));
	close(fd);
	return written < 0 ? -1 : 0;
}

static unsigned ring_kb(void)
{
	const char *asked = getenv("KT_TRACE_KB");
	struct sysinfo info;
	uint64_t share;

	if (asked)
		return xatou_range(asked, 4, INT_MAX);
	sysinfo(&info);
	share = (uint64_t)info.totalram * info.mem_unit / 1024 / RING_MEMORY_SHARE / get_nprocs();
	return MIN(share, RING_KB);
}

static void make_instance(void)
{
	char *kb = utoa(ring_kb());

	if (mkdir(INSTANCE, 0755) < 0 && errno != EEXIST)
		bb_simple_perror_msg_and_die("unable to make '"INSTANCE"'");
	if (write_text(INSTANCE"/buffer_size_kb", kb) < 0)
		bb_perror_msg("unable to size the trace ring to %s KB a CPU", kb);
}

/* Ends the process where the kernel has no such tracepoint: that is no error. */
static void enable_tracepoint(const char *file)
{
	if (access(file, F_OK) < 0) {
		bb_error_msg("no tracepoint '%s': this kernel has no sched_ext, nothing to forward", file);
		kt_latch_set_or_warn("trace_absent");
		exit(EXIT_SUCCESS);
	}
	if (write_text(file, "1") < 0)
		bb_perror_msg_and_die("unable to write '%s'", file);
}

static void arm(const char **trace, const char **enable)
{
	if (!*trace) {
		*trace = INSTANCE"/trace_pipe";
		if (!*enable) {
			*enable = INSTANCE TRACEPOINT"/enable";
			if (access(TRACEFS TRACEPOINT, F_OK) == 0)
				make_instance();
		}
	}
	if (*enable)
		enable_tracepoint(*enable);
}

static void stop_reading(struct forwarder *f)
{
	if (f->fds[POLL_TRACE].fd >= 0)
		close(f->fds[POLL_TRACE].fd);
	f->fds[POLL_TRACE].fd = -1;
}

static void answer_reader(struct forwarder *f)
{
	if (f->read_asked)
		kt_latch_set_or_warn("trace_read");
	f->read_asked = false;
}

static void on_signals(struct forwarder *f)
{
	int signo;

	while ((signo = kt_signals_next(f->fds[POLL_SIGNALS].fd)) != 0) {
		if (signo == SIGUSR1) {
			f->read_asked = true;
		} else if (f->drain_ms < 0) {
			f->stopped = true;
		} else if (!f->draining) {
			f->draining = true;
			f->deadline = kt_after_ms(f->drain_ms);
		}
	}
	if (f->fds[POLL_TRACE].fd < 0)
		answer_reader(f);
}

static void scan(struct forwarder *f, const char *bytes, size_t len)
{
	enum kt_dump_event event;
	size_t at;

	for (at = 0; at < len;) {
		at += kt_dump_scan(&f->scan, bytes + at, len - at, &event);
		if (event == KT_DUMP_STARTED) {
			kt_latch_reset_or_warn("dump_complete");
			kt_latch_set_or_warn("dump_started");
		} else if (event == KT_DUMP_COMPLETE) {
			kt_latch_set_or_warn("dump_complete");
		}
	}
}

/* The ring is empty: what waited for that happens now. */
static void on_ring_empty(struct forwarder *f)
{
	answer_reader(f);
	if (f->draining && !f->scan.open)
		stop_reading(f);
}

static void on_trace_end(struct forwarder *f, bool failed)
{
	if (failed) {
		bb_perror_msg("unable to read '%s'", f->trace_name);
		f->failed = true;
	}
	answer_reader(f);
	stop_reading(f);
}

static void on_trace(struct forwarder *f)
{
	char bytes[READ_SIZE];
	unsigned turn;

	for (turn = 0; turn < READS_A_TURN; turn++) {
		ssize_t len = safe_read(f->fds[POLL_TRACE].fd, bytes, sizeof(bytes));

		if (len < 0 && errno == EAGAIN) {
			on_ring_empty(f);
			return;
		}
		if (len <= 0) {
			on_trace_end(f, len < 0);
			return;
		}
		if (f->console >= 0)
			kt_queue_add(&f->queue, bytes, len);
		scan(f, bytes, len);
	}
}

static void on_console(struct forwarder *f)
{
	if (kt_queue_write(&f->queue, f->console) == 0)
		return;
	bb_perror_msg("unable to write '%s'", f->console_name);
	f->failed = true;
	kt_queue_drop(&f->queue);
	close(f->console);
	f->console = -1;
}

static bool is_done(const struct forwarder *f)
{
	if (f->stopped || (f->draining && kt_now_ms() >= f->deadline))
		return true;
	return f->fds[POLL_TRACE].fd < 0 && f->queue.len == 0;
}

static void step(struct forwarder *f)
{
	int timeout = kt_poll_timeout(f->draining ? f->deadline : KT_NEVER);
	bool signalled;

	f->fds[POLL_CONSOLE].fd = f->queue.len ? f->console : -1;
	if (poll(f->fds, POLL_COUNT, timeout) < 0 && errno != EINTR)
		bb_simple_perror_msg_and_die("unable to poll");
	signalled = f->fds[POLL_SIGNALS].revents != 0;
	if (signalled)
		on_signals(f);
	/* after a signal in any case: whether the ring is empty is seen by reading it, not by poll(2) */
	if (f->fds[POLL_TRACE].fd >= 0 && (signalled || f->fds[POLL_TRACE].revents))
		on_trace(f);
	if (f->fds[POLL_CONSOLE].fd >= 0 && f->fds[POLL_CONSOLE].revents)
		on_console(f);
}

static void report(const struct forwarder *f)
{
	uint64_t unsent = f->queue.dropped + f->queue.len;

	if (unsent)
		bb_error_msg("%llu bytes of the trace are missing on '%s'", (unsigned long long)unsent, f->console_name);
	if (f->scan.open)
		bb_simple_error_msg("the last dump has no end");
}

int ktpipe_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktpipe_main(int argc UNUSED_PARAM, char **argv)
{
	struct forwarder *f = xzalloc(sizeof(*f));
	const char *enable = NULL;
	char *secs = NULL;

	f->console_name = "/dev/ttyS0";
	getopt32(argv, "^i:e:o:d:\0=0", &f->trace_name, &enable, &f->console_name, &secs);
	f->drain_ms = secs ? (int64_t)(parse_duration_str(secs) * 1000) : -1;
	f->queue.max = QUEUE_MAX;
	kt_daemon_priority();
	f->fds[POLL_SIGNALS] = (struct pollfd){ kt_signals_open(SIGTERM, SIGUSR1, 0), POLLIN, 0 };
	arm(&f->trace_name, &enable);
	f->fds[POLL_TRACE] = (struct pollfd){ kt_xopen(f->trace_name, O_RDONLY | O_NONBLOCK), POLLIN, 0 };
	f->console = kt_xopen(f->console_name, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK);
	f->fds[POLL_CONSOLE].events = POLLOUT;
	signal(SIGPIPE, SIG_IGN);
	kt_pid_file_write_or_warn("ktpipe.pid", getpid());
	kt_latch_set_or_warn("trace_armed");
	while (!is_done(f))
		step(f);
	report(f);
	return f->failed;
}

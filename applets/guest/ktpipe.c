/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktpipe: forward the trace of sched_ext dumps, and find where each dump starts and ends.
 *
 * In:   TRACE_PIPE, read without blocking. By default ktpipe makes a trace instance (instances/ktbox), so that
 *       the global trace_pipe stays free for the developer. KT_TRACE_KB, the ring's size per CPU; else
 *       RING_KB, or less where the memory is small.
 * Out:  every byte to CONSOLE. If there is a port (-p PATH, else KT_PORT_FD), each dump as scx-dump frames, and
 *       a scx-dump-end frame with its type and whether it is complete. Latches: trace_armed once the
 *       tracepoint is on (trace_absent where there is none), dump_started at a dump's first line (dump_complete
 *       is reset before), dump_complete at its end. With -t the end of the newest dump in a file, before that
 *       latch. USR1: latch trace_read, when all that was in the ring by then has been scanned.
 * Ends: end or error of TRACE_PIPE. TERM: at once, or with -d when the ring is empty, an open dump has
 *       ended and CONSOLE and the port have taken everything, after SECS at the latest.
 * Exit: 0; 1 a file can't be opened, read or written, or bad usage.
 *
 * A dump ends with the line of its last event counter, whose name ktpipe learns from root/events while a
 * scheduler is attached. Without that name (a kernel before 6.15 has no counters; a scheduler whose init fails
 * never attaches) a dump also ends when nothing comes for QUIET_MS after its CPU section. The scheduler's end
 * (uevent) ends a dump in any case, once the ring is empty.
 *
 * CONSOLE is a UART of 0.6 MB/s, the kernel writes a dump at 30 MB/s: so ktpipe reads ahead into a queue of at
 * most QUEUE_MAX bytes, and the ring does not overrun. Bytes that do not fit are counted, and reported at the
 * end. A UART costs a virtual CPU more than the port does: CONSOLE waits as long as frames move.
 */
//config:config KTPIPE
//config:	bool "ktpipe"
//config:	default y
//config:	help
//config:	Forward the trace of sched_ext dumps to a console, and find where
//config:	each dump starts and ends.

//applet:IF_KTPIPE(APPLET(ktpipe, BB_DIR_USR_BIN, BB_SUID_DROP))

//kbuild:lib-$(CONFIG_KTPIPE) += ktpipe.o

//usage:#define ktpipe_trivial_usage
//usage:       "[-p PATH] [-i TRACE_PIPE] [-e ENABLE_FILE] [-o CONSOLE] [-t TAIL] [-d SECS]"
//usage:#define ktpipe_full_usage "\n\n"
//usage:       "Forward the trace of sched_ext dumps to a console until TERM\n"
//usage:     "\n	-i FILE	Read FILE, and make no trace instance"
//usage:     "\n	-e FILE	Write 1 to FILE first (the instance's sched_ext_dump tracepoint)"
//usage:     "\n	-o FILE	Forward to FILE (/dev/ttyS0)"
//usage:     "\n	-t FILE	Keep the last 64 KiB of the newest dump in FILE"
//usage:     "\n	-p PATH	Send dumps to PATH (- is stdout), not to KT_PORT_FD"
//usage:     "\n	-d SECS	At TERM, read on until the ring is empty and an open dump has ended"

#include <poll.h>
#include <sys/sysinfo.h>
#include "byte_queue.h"
#include "port.h"
#include "process.h"
#include "run_dir.h"
#include "scx_dump_sender.h"
#include "uevent.h"

#define TRACEFS "/sys/kernel/tracing"
#define TRACEPOINT "/events/sched_ext/sched_ext_dump"
#define INSTANCE TRACEFS "/instances/ktbox"
#define SCX_ROOT "/kernel/sched_ext/root"

enum {
	READ_SIZE = 8192, /* a read of trace_pipe returns at most 8150 bytes */
	READS_A_TURN = 256, /* before the other descriptors get their turn */
	QUEUE_MAX = 32 * 1024 * 1024, /* eight dumps of 4 000 tasks */
	/* Bounds how long one write delays the reading of the trace: 7 ms at a UART's 0.6 MB/s. */
	CONSOLE_WRITE_MAX = 4096,
	/* Frames that have not moved for this long may be waiting for a host that stalls: CONSOLE continues. */
	PORT_FIRST_MS = 100,
	/* Per CPU, since one CPU writes a dump. 4 000 runnable tasks make 40 000 lines and 4 MB of text, which
	 * fit (test/vm/dump_size_test.sh). */
	RING_KB = 8192,
	/* All rings together get at most this part of the memory. */
	RING_MEMORY_SHARE = 4,
	/* The kernel writes a dump without a pause, and ktpipe reads it within 6 ms. */
	QUIET_MS = 500,
	EVENTS_MAX = 4096, /* of root/events: 13 counters on 7.2 */
	DUMP_FILE_MAX = 64 * 1024, /* of -t: a dump of a few tasks fits */
	DUMP_FILE_BUFFER = 2 * DUMP_FILE_MAX, /* so that old bytes are rarely moved out */
};

enum { POLL_SIGNALS, POLL_UEVENTS, POLL_TRACE, POLL_CONSOLE, POLL_SENDER, POLL_WRITER, POLL_COUNT };

/* The end of the newest dump, for a file of the guest, which `kt status` shows: the ring is empty once it was
 * read, and only the host has the whole dump. */
struct dump_tail {
	const char *path; /* NULL: none is kept */
	size_t len;
	char *bytes; /* none before the first dump */
};

/* The source: the ring of the trace, and the dumps in it */
struct trace {
	const char *name;
	int fd; /* -1 when the reading is over */
	bool read_asked; /* by USR1 */
	bool unread; /* a turn has ended before the ring was found empty */
	bool scheduler_gone; /* by a uevent; the rest of the ring is read first */
	int64_t quiet_deadline; /* of an open dump without counters */
	struct kt_dump_scan scan;
	char *end; /* the text of the newest dump's end, until it is known to be no imitation; NULL: none waits */
	struct dump_tail tail;
};

/* The slow destination of all of it */
struct console {
	const char *name;
	int fd; /* -1 after a write error: only the scanning continues */
	int64_t deadline; /* until when it waits for frames to move */
	struct kt_byte_queue queue;
};

struct forwarder {
	struct pollfd fds[POLL_COUNT];
	struct trace trace;
	struct console console;
	struct kt_dump_sender sender; /* of each dump, to the host */
	int64_t drain_ms; /* -1: TERM ends ktpipe at once */
	int64_t deadline; /* of draining */
	bool draining;
	bool stopped;
	bool failed;
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

/* Ends the process, without an error, when the kernel has no such tracepoint. */
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

static void start_tail(struct dump_tail *tail)
{
	tail->len = 0;
	if (tail->path && !tail->bytes)
		tail->bytes = malloc(DUMP_FILE_BUFFER);
	if (!tail->bytes)
		tail->path = NULL; /* without memory ktpipe continues */
}

static void add_tail(struct dump_tail *tail, const char *bytes, size_t len)
{
	if (!tail->path)
		return;
	if (len > DUMP_FILE_MAX) {
		bytes += len - DUMP_FILE_MAX;
		len = DUMP_FILE_MAX;
	}
	if (tail->len + len > DUMP_FILE_BUFFER) {
		memmove(tail->bytes, tail->bytes + tail->len - DUMP_FILE_MAX, DUMP_FILE_MAX);
		tail->len = DUMP_FILE_MAX;
	}
	memcpy(tail->bytes + tail->len, bytes, len);
	tail->len += len;
}

/* Where the first whole line of what is kept begins */
static size_t first_kept(const struct dump_tail *tail)
{
	size_t start = tail->len - DUMP_FILE_MAX;
	const char *end_of_line;

	if (tail->len <= DUMP_FILE_MAX)
		return 0;
	end_of_line = memchr(tail->bytes + start, '\n', DUMP_FILE_MAX);
	return end_of_line ? (size_t)(end_of_line + 1 - tail->bytes) : start;
}

/* Writes the last DUMP_FILE_MAX bytes of a dump that has ended, in whole lines. (To write them while the dump
 * comes would take longer than a dump of thousands of tasks leaves to its reader.) Warns once when it fails. */
static void write_tail(struct dump_tail *tail)
{
	size_t start = first_kept(tail);
	ssize_t len = tail->len - start;
	int fd;

	if (!tail->path)
		return;
	fd = open(tail->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || full_write(fd, tail->bytes + start, len) != len) {
		bb_perror_msg("unable to write '%s'", tail->path);
		tail->path = NULL;
	}
	if (fd >= 0)
		close(fd);
}

static void stop_reading(struct forwarder *f)
{
	if (f->trace.fd >= 0)
		close(f->trace.fd);
	f->trace.fd = -1;
}

static void answer_reader(struct forwarder *f)
{
	if (f->trace.read_asked)
		kt_latch_set_or_warn("trace_read");
	f->trace.read_asked = false;
}

static void on_signals(struct forwarder *f)
{
	int signo;

	while ((signo = kt_signals_next(f->fds[POLL_SIGNALS].fd)) != 0) {
		if (signo == SIGUSR1) {
			f->trace.read_asked = true;
		} else if (f->drain_ms < 0) {
			f->stopped = true;
		} else if (!f->draining) {
			f->draining = true;
			f->deadline = kt_after_ms(f->drain_ms);
		}
	}
	if (f->trace.fd < 0)
		answer_reader(f);
}

static void on_dump_bytes(struct forwarder *f, const char *bytes, size_t len)
{
	kt_dump_sender_bytes(&f->sender, f->trace.scan.number, bytes, len);
	add_tail(&f->trace.tail, bytes, len);
}

/* The newest dump is over: another has started, or nothing more is in the ring. */
static void announce_end(struct forwarder *f, unsigned number)
{
	if (!f->trace.end)
		return;
	kt_dump_sender_end(&f->sender, number, f->trace.end);
	free(f->trace.end);
	f->trace.end = NULL;
	write_tail(&f->trace.tail);
	if (f->trace.scan.open || f->trace.scan.rule != KT_RULE_NONE)
		kt_latch_set_or_warn("dump_complete");
}

static void on_dump_start(struct forwarder *f)
{
	announce_end(f, f->trace.scan.number - 1);
	kt_latch_reset_or_warn("dump_complete");
	kt_latch_set_or_warn("dump_started");
	kt_dump_sender_start(&f->sender, f->trace.scan.number);
	start_tail(&f->trace.tail);
	on_dump_bytes(f, f->trace.scan.line, f->trace.scan.len);
}

/* The end was an imitation. If it has been announced, the host takes the second for the better one. */
static void on_dump_resume(struct forwarder *f)
{
	free(f->trace.end);
	f->trace.end = NULL;
	kt_latch_reset_or_warn("dump_complete");
	on_dump_bytes(f, f->trace.scan.line, f->trace.scan.len);
}

static void on_dump_end(struct forwarder *f)
{
	f->trace.end = kt_dump_sender_end_text(&f->sender, &f->trace.scan);
}

static void scan(struct forwarder *f, const char *bytes, size_t len)
{
	enum kt_dump_event event;
	size_t taken;

	for (; len > 0; bytes += taken, len -= taken) {
		bool was_open = f->trace.scan.open;

		taken = kt_dump_scan(&f->trace.scan, bytes, len, &event);
		if (event == KT_DUMP_STARTED)
			on_dump_start(f);
		else if (event == KT_DUMP_RESUMED)
			on_dump_resume(f);
		else if (was_open)
			on_dump_bytes(f, bytes, taken);
		if (event == KT_DUMP_ENDED)
			on_dump_end(f);
	}
}

static void end_dump(struct forwarder *f, enum kt_dump_rule rule)
{
	if (!f->trace.scan.open)
		return;
	kt_dump_end(&f->trace.scan, rule);
	on_dump_end(f);
	announce_end(f, f->trace.scan.number);
}

/* The counters exist while a scheduler is attached; the name of the last one stays the same during a boot. */
static void learn_counters(struct forwarder *f)
{
	char events[EVENTS_MAX];
	ssize_t len = open_read_close("/sys" SCX_ROOT "/events", events, sizeof(events) - 1);

	if (len <= 0)
		return;
	events[len] = '\0';
	kt_dump_learn(&f->trace.scan, events);
}

/* ".../sub/sub-28": a sub-scheduler for the cgroup with this id */
static void learn_sub(struct forwarder *f, const char *path)
{
	const char *name = bb_get_last_path_component_nostrip(path);

	if (is_prefixed_with(name, "sub-") && isdigit(name[4]))
		kt_dump_learn_sub(&f->trace.scan, strtoull(name + 4, NULL, 10));
}

static void on_uevent(struct forwarder *f, const char *path, const char *action)
{
	bool is_add = strcmp(action, "add") == 0;

	if (is_add && is_prefixed_with(path, SCX_ROOT "/"))
		learn_sub(f, path);
	if (strcmp(path, SCX_ROOT) != 0)
		return;
	if (is_add)
		learn_counters(f);
	else if (strcmp(action, "remove") == 0)
		f->trace.scheduler_gone = true;
}

static void on_uevents(struct forwarder *f)
{
	char event[KT_UEVENT_MAX];
	ssize_t len;

	while ((len = kt_uevent_next(f->fds[POLL_UEVENTS].fd, event)) != 0) {
		const char *path = len > 0 ? kt_uevent_value(event, len, "DEVPATH") : SCX_ROOT;
		const char *action = len > 0 ? kt_uevent_value(event, len, "ACTION") : "add";

		if (len < 0) /* that of a sub-scheduler may be among what is lost */
			kt_dump_learn_sub(&f->trace.scan, 0);
		if (path && action)
			on_uevent(f, path, action);
	}
}

/* Does what waited for the ring to be empty. */
static void on_ring_empty(struct forwarder *f)
{
	kt_dump_sender_flush(&f->sender, f->trace.scan.number);
	announce_end(f, f->trace.scan.number);
	if (f->trace.scheduler_gone)
		end_dump(f, KT_RULE_STATE);
	f->trace.scheduler_gone = false;
	answer_reader(f);
	if (f->draining && !f->trace.scan.open)
		stop_reading(f);
}

static void on_trace_end(struct forwarder *f, bool failed)
{
	if (failed) {
		bb_perror_msg("unable to read '%s'", f->trace.name);
		f->failed = true;
	}
	announce_end(f, f->trace.scan.number);
	answer_reader(f);
	end_dump(f, KT_RULE_NONE);
	stop_reading(f);
}

static void on_trace(struct forwarder *f)
{
	char bytes[READ_SIZE];
	unsigned turn;

	f->trace.unread = false;
	for (turn = 0; turn < READS_A_TURN; turn++) {
		ssize_t len = safe_read(f->trace.fd, bytes, sizeof(bytes));

		if (len < 0 && errno == EAGAIN) {
			on_ring_empty(f);
			return;
		}
		if (len <= 0) {
			on_trace_end(f, len < 0);
			return;
		}
		if (f->console.fd >= 0)
			kt_queue_add(&f->console.queue, bytes, len);
		scan(f, bytes, len);
		f->trace.quiet_deadline = kt_after_ms(QUIET_MS);
	}
	f->trace.unread = true; /* poll(2) does not report that a ring has become empty */
}

static void on_console(struct forwarder *f)
{
	if (kt_queue_write(&f->console.queue, f->console.fd, CONSOLE_WRITE_MAX) == 0)
		return;
	bb_perror_msg("unable to write '%s'", f->console.name);
	f->failed = true;
	kt_queue_drop(&f->console.queue);
	close(f->console.fd);
	f->console.fd = -1;
}

static void on_sender(struct forwarder *f)
{
	f->console.deadline = kt_after_ms(PORT_FIRST_MS);
	if (kt_dump_sender_write(&f->sender) == 0)
		return;
	bb_simple_perror_msg("unable to send dumps: their writer is gone");
	f->failed = true;
	kt_dump_sender_close(&f->sender);
	kt_queue_drop(&f->sender.queue);
}

static void on_writer_end(struct forwarder *f)
{
	int status = 0;

	safe_waitpid(f->sender.writer, &status, 0);
	f->failed |= status != 0;
	close(f->sender.writer_end);
	f->sender.writer_end = -1;
}

static bool trace_is_over(const struct forwarder *f)
{
	return f->trace.fd < 0;
}

static bool is_done(const struct forwarder *f)
{
	if (f->stopped || (f->draining && kt_now_ms() >= f->deadline))
		return true;
	return trace_is_over(f) && f->console.queue.len == 0 && f->sender.writer_end < 0;
}

/* When quiet ends an open dump; KT_NEVER when it can't */
static int64_t quiet_deadline(const struct forwarder *f)
{
	return kt_dump_may_end_quietly(&f->trace.scan) ? f->trace.quiet_deadline : KT_NEVER;
}

/* Until when CONSOLE waits although there are bytes for it; KT_NEVER when it need not wait */
static int64_t console_deadline(const struct forwarder *f)
{
	return f->console.queue.len && f->sender.queue.len && kt_now_ms() < f->console.deadline
		? f->console.deadline : KT_NEVER;
}

/* Sets the descriptors that have something to do now; the others are -1, which poll(2) skips. */
static void choose_fds(struct forwarder *f)
{
	bool to_send = f->sender.queue.len > 0;

	if (trace_is_over(f) && !to_send)
		kt_dump_sender_close(&f->sender);
	f->fds[POLL_TRACE].fd = f->trace.fd;
	f->fds[POLL_CONSOLE].fd = f->console.queue.len && console_deadline(f) == KT_NEVER ? f->console.fd : -1;
	f->fds[POLL_SENDER].fd = to_send ? f->sender.pipe : -1;
	f->fds[POLL_WRITER].fd = f->sender.writer_end;
}

static void step(struct forwarder *f)
{
	int64_t deadline = kt_earlier(kt_earlier(f->draining ? f->deadline : KT_NEVER, quiet_deadline(f)),
		console_deadline(f));
	bool must_read;

	choose_fds(f);
	if (poll(f->fds, POLL_COUNT, f->trace.unread ? 0 : kt_poll_timeout(deadline)) < 0 && errno != EINTR)
		bb_simple_perror_msg_and_die("unable to poll");
	must_read = f->trace.unread || f->fds[POLL_SIGNALS].revents || f->fds[POLL_UEVENTS].revents;
	if (f->fds[POLL_SIGNALS].revents)
		on_signals(f);
	if (f->fds[POLL_UEVENTS].revents)
		on_uevents(f);
	/* After a signal or uevent always read: only EAGAIN proves that the ring is empty; poll(2) does not. */
	if (!trace_is_over(f) && (must_read || f->fds[POLL_TRACE].revents))
		on_trace(f);
	if (kt_now_ms() >= quiet_deadline(f)) {
		end_dump(f, KT_RULE_QUIET);
		on_ring_empty(f);
	}
	if (f->fds[POLL_CONSOLE].revents)
		on_console(f);
	if (f->fds[POLL_SENDER].revents)
		on_sender(f);
	if (f->fds[POLL_WRITER].revents)
		on_writer_end(f);
}

static void report(const struct forwarder *f)
{
	uint64_t unsent = f->console.queue.dropped + f->console.queue.len;

	if (unsent)
		bb_error_msg("%llu bytes of the trace are missing on '%s'", (unsigned long long)unsent, f->console.name);
	if (f->trace.scan.open)
		bb_simple_error_msg("the last dump has no end");
	if (f->sender.writer_end >= 0)
		bb_error_msg("%llu bytes of frames are left with the writer", (unsigned long long)f->sender.queue.len);
}

static void open_all(struct forwarder *f, const char *port)
{
	int i;

	for (i = 0; i < POLL_COUNT; i++)
		f->fds[i] = (struct pollfd){ -1, POLLIN, 0 };
	f->fds[POLL_CONSOLE].events = f->fds[POLL_SENDER].events = POLLOUT;
	f->fds[POLL_SIGNALS].fd = kt_signals_open(SIGTERM, SIGUSR1, 0);
	f->sender.pipe = f->sender.writer_end = -1;
	if (port || getenv("KT_PORT_FD")) /* first: the writer inherits nothing but the port */
		kt_dump_sender_open(&f->sender, kt_port_open(port), QUEUE_MAX);
	f->fds[POLL_UEVENTS].fd = kt_uevent_open();
}

int ktpipe_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktpipe_main(int argc UNUSED_PARAM, char **argv)
{
	struct forwarder *f = kt_zalloc_lazy(sizeof(*f));
	const char *enable = NULL;
	char *secs = NULL, *port = NULL;

	f->console.name = "/dev/ttyS0";
	getopt32(argv, "^p:i:e:o:t:d:\0=0", &port, &f->trace.name, &enable, &f->console.name, &f->trace.tail.path,
		&secs);
	f->drain_ms = secs ? kt_seconds_to_ms(parse_duration_str(secs)) : -1;
	f->console.queue.max = QUEUE_MAX;
	kt_daemon_priority();
	signal(SIGPIPE, SIG_IGN); /* CONSOLE may be a pipe, and without a port kt_port_open() is not called */
	open_all(f, port);
	arm(&f->trace.name, &enable);
	f->trace.fd = kt_xopen(f->trace.name, O_RDONLY | O_NONBLOCK);
	f->console.fd = kt_xopen(f->console.name, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK);
	learn_counters(f);
	kt_pid_file_write_or_warn("ktpipe.pid", getpid());
	kt_latch_set_or_warn("trace_armed");
	while (!is_done(f))
		step(f);
	report(f);
	return f->failed;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sends a log to the host while it is being written.
 *
 * In:  a growing file, watched by inotify; or a FIFO that the log is written to.
 * Out: frames of one type (u32 log number, bytes), each as soon as the bytes have come; the newest bytes in a
 *      file, for a user who reads the log in the guest. The log number is the sender's pid, which is unique to a
 *      log of a boot.
 *
 * A FIFO limits what a kernel panic can lose: its writer waits as soon as one page is unread. A file takes
 * all that its writer has at once.
 */
//kbuild:lib-$(CONFIG_KTDUMP) += log_follower.o

#include <poll.h>
#include <sys/inotify.h>
#include "log_follower.h"
#include "port.h"
#include "process.h"
#include "run_dir.h"

enum {
	FIFO_BYTES = 4096, /* the smallest capacity of a pipe, pipe(7) */
	COPY_BYTES = 4 * 1024 * 1024, /* of /tmp, which is the guest's memory; then the copy starts again */
};

enum { POLL_SIGNALS, POLL_LOG, POLL_PROCESS, POLL_COUNT };

struct follower {
	struct pollfd fds[POLL_COUNT];
	const char *path;
	int port;
	uint32_t type;
	int log;
	bool is_fifo;
	off_t sent;
	const char *copy_path;
	int copy; /* -1: none is kept */
	off_t copied;
	struct kt_out out;
};

static void give_up_copy(struct follower *f)
{
	bb_perror_msg("unable to write '%s'", f->copy_path);
	close(f->copy);
	f->copy = -1;
}

/* Called after the port's write: the host gets all that is in the copy. */
static void copy_bytes(struct follower *f, const uint8_t *bytes, size_t len)
{
	if (f->copy < 0)
		return;
	if (f->copied + len > COPY_BYTES) {
		if (ftruncate(f->copy, 0) < 0) {
			give_up_copy(f);
			return;
		}
		f->copied = dprintf(f->copy, "[ktdump: the host has what was written before this]\n");
	}
	if (full_write(f->copy, bytes, len) != (ssize_t)len)
		give_up_copy(f);
	f->copied += len;
}

static void send_bytes(struct follower *f, size_t len)
{
	kt_put_u32(f->out.payload, getpid());
	if (kt_port_send(f->port, &f->out, f->type, KT_NUMBER_LEN + len) < 0)
		bb_simple_perror_msg_and_die("unable to write frame");
	copy_bytes(f, f->out.payload + KT_NUMBER_LEN, len);
}

static void report_truncation(struct follower *f)
{
	char *text = (char *)f->out.payload + KT_NUMBER_LEN;

	bb_error_msg("'%s' was truncated after %lld bytes", f->path, (long long)f->sent);
	send_bytes(f, sprintf(text, "\n[ktdump: the log was truncated here, after %lld bytes]\n",
			(long long)f->sent));
	f->sent = 0;
	xlseek(f->log, 0, SEEK_SET);
}

/* 0, or -1 when the log can't be read. */
static int send_new(struct follower *f)
{
	struct stat st;
	ssize_t len;

	if (!f->is_fifo && fstat(f->log, &st) == 0 && st.st_size < f->sent)
		report_truncation(f);
	while ((len = safe_read(f->log, f->out.payload + KT_NUMBER_LEN, KT_PAYLOAD_MAX - KT_NUMBER_LEN)) > 0) {
		send_bytes(f, len);
		f->sent += len;
	}
	if (len == 0 || errno == EAGAIN)
		return 0;
	bb_perror_msg("unable to read '%s'", f->path);
	return -1;
}

/* True when a signal or the end of the process ends the following. */
static bool wait_for_growth(struct follower *f)
{
	char events[4096] ALIGNED(sizeof(struct inotify_event));

	if (poll(f->fds, POLL_COUNT, -1) < 0 && errno != EINTR)
		bb_simple_perror_msg_and_die("unable to poll");
	while (!f->is_fifo && read(f->fds[POLL_LOG].fd, events, sizeof(events)) > 0)
		continue;
	return f->fds[POLL_SIGNALS].revents || f->fds[POLL_PROCESS].revents;
}

/* Opened for writing too: a FIFO without a writer would always be readable. */
static void open_fifo(struct follower *f)
{
	f->log = kt_xopen(f->path, O_RDWR | O_NONBLOCK);
	if (fcntl(f->log, F_SETPIPE_SZ, FIFO_BYTES) < 0)
		bb_perror_msg("unable to make '%s' small", f->path);
	f->fds[POLL_LOG].fd = f->log;
}

/* Bytes pass a raw terminal as they are, but its writer's stdio sees a terminal and writes line by line. The other end
 * is held open: without a writer, reads would fail. */
static void open_terminal(struct follower *f)
{
	struct termios raw;
	const char *name;
	int slave;

	f->is_fifo = true;
	f->log = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (f->log < 0 || grantpt(f->log) < 0 || unlockpt(f->log) < 0 || !(name = ptsname(f->log)))
		bb_simple_perror_msg_and_die("unable to make a terminal");
	slave = kt_xopen(name, O_RDWR | O_NOCTTY);
	tcgetattr(slave, &raw);
	cfmakeraw(&raw);
	tcsetattr(slave, TCSANOW, &raw);
	unlink(f->path);
	if (symlink(name, f->path) < 0)
		bb_perror_msg_and_die("unable to make '%s'", f->path);
	f->fds[POLL_LOG].fd = f->log;
	kt_latch_set_or_warn("log_ready");
}

/* Watched before it is read, so that nothing that is written between the two is missed. */
static void open_file(struct follower *f)
{
	f->log = kt_xopen(f->path, O_RDONLY);
	f->fds[POLL_LOG].fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (f->fds[POLL_LOG].fd < 0 || inotify_add_watch(f->fds[POLL_LOG].fd, f->path, IN_MODIFY) < 0)
		bb_perror_msg_and_die("unable to watch '%s'", f->path);
}

static void open_all(struct follower *f, bool on_terminal, pid_t pid)
{
	struct stat st;
	int i;

	for (i = 0; i < POLL_COUNT; i++)
		f->fds[i] = (struct pollfd){ -1, POLLIN, 0 };
	f->fds[POLL_SIGNALS].fd = kt_signals_open(SIGTERM, SIGINT, 0);
	f->copy = f->copy_path ? kt_xopen(f->copy_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND) : -1;
	f->is_fifo = stat(f->path, &st) == 0 && S_ISFIFO(st.st_mode);
	if (on_terminal)
		open_terminal(f);
	else if (f->is_fifo)
		open_fifo(f);
	else
		open_file(f);
	if (pid == 0)
		return;
	f->fds[POLL_PROCESS].fd = kt_pidfd_open(pid);
	if (f->fds[POLL_PROCESS].fd < 0 && errno != ESRCH)
		bb_perror_msg_and_die("unable to watch process %d", (int)pid);
}

int FAST_FUNC kt_log_follow(int port, uint32_t type, const char *path, bool on_terminal,
		const char *copy_path, pid_t pid)
{
	struct follower *f = kt_zalloc_lazy(sizeof(*f));
	bool last;

	f->port = port;
	f->type = type;
	f->path = path;
	f->copy_path = copy_path;
	kt_daemon_priority();
	open_all(f, on_terminal, pid);
	last = pid != 0 && f->fds[POLL_PROCESS].fd < 0; /* it had ended before it could be watched */
	for (;;) {
		if (send_new(f) < 0)
			return -1;
		if (last)
			return 0;
		last = wait_for_growth(f);
	}
}

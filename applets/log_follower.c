/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A log, to the host while it is being written.
 *
 * In:  a growing file, watched by inotify. Out: sched-live frames (u32 log number, bytes), each as soon
 *      as the bytes
 * are there, so that a kernel panic loses only what the scheduler had not written. The log number is the
 * pid of who sends it: no two logs of a boot share it.
 */
#include <poll.h>
#include <sys/inotify.h>
#include "daemon.h"
#include "kt_open.h"
#include "log_follower.h"
#include "port.h"

enum { POLL_SIGNALS, POLL_LOG, POLL_PROCESS, POLL_COUNT };

struct follower {
	struct pollfd fds[POLL_COUNT];
	int port;
	int log;
	off_t sent;
	struct kt_out out;
};

static void send_bytes(struct follower *f, size_t len)
{
	kt_put_u32(f->out.payload, getpid());
	if (kt_port_send(f->port, &f->out, KT_SCHED_LIVE, KT_NUMBER_LEN + len) < 0)
		bb_simple_perror_msg_and_die("unable to write sched-live frame");
}

static void say_truncated(struct follower *f, const char *path)
{
	char *text = (char *)f->out.payload + KT_NUMBER_LEN;

	bb_error_msg("'%s' was truncated after %lld bytes", path, (long long)f->sent);
	send_bytes(f, sprintf(text, "\n[ktdump: the log was truncated here, after %lld bytes]\n",
			(long long)f->sent));
	f->sent = 0;
	xlseek(f->log, 0, SEEK_SET);
}

/* 0, or -1 when the log can't be read. */
static int send_new(struct follower *f, const char *path)
{
	struct stat st;
	ssize_t len;

	if (fstat(f->log, &st) == 0 && st.st_size < f->sent)
		say_truncated(f, path);
	while ((len = safe_read(f->log, f->out.payload + KT_NUMBER_LEN, KT_PAYLOAD_MAX - KT_NUMBER_LEN)) > 0) {
		send_bytes(f, len);
		f->sent += len;
	}
	if (len < 0)
		bb_perror_msg("unable to read '%s'", path);
	return len;
}

/* True when something else than growth ends the following. */
static bool wait_for_growth(struct follower *f)
{
	char events[4096] ALIGNED(sizeof(struct inotify_event));

	if (poll(f->fds, POLL_COUNT, -1) < 0 && errno != EINTR)
		bb_simple_perror_msg_and_die("unable to poll");
	while (read(f->fds[POLL_LOG].fd, events, sizeof(events)) > 0)
		continue;
	return f->fds[POLL_SIGNALS].revents || f->fds[POLL_PROCESS].revents;
}

/* Watched before it is read: what is written in between is in one of the two. */
static void open_all(struct follower *f, const char *path, pid_t pid)
{
	int i;

	for (i = 0; i < POLL_COUNT; i++)
		f->fds[i] = (struct pollfd){ -1, POLLIN, 0 };
	f->fds[POLL_SIGNALS].fd = kt_signals_open(SIGTERM, SIGINT, 0);
	f->log = kt_xopen(path, O_RDONLY);
	f->fds[POLL_LOG].fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (f->fds[POLL_LOG].fd < 0 || inotify_add_watch(f->fds[POLL_LOG].fd, path, IN_MODIFY) < 0)
		bb_perror_msg_and_die("unable to watch '%s'", path);
	if (pid == 0)
		return;
	f->fds[POLL_PROCESS].fd = kt_pidfd_open(pid);
	if (f->fds[POLL_PROCESS].fd < 0 && errno != ESRCH)
		bb_perror_msg_and_die("unable to watch process %d", (int)pid);
}

int FAST_FUNC kt_log_follow(int port, const char *path, pid_t pid)
{
	struct follower *f = xzalloc(sizeof(*f));
	bool last;

	f->port = port;
	kt_daemon_priority();
	open_all(f, path, pid);
	last = pid != 0 && f->fds[POLL_PROCESS].fd < 0; /* it had ended before we came */
	for (;;) {
		if (send_new(f, path) < 0)
			return -1;
		if (last)
			return 0;
		last = wait_for_growth(f);
	}
}

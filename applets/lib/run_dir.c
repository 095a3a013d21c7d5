/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The run directory: latches and pid files.
 *
 * In:  names. Out: files, and wakeups of waiting processes.
 *
 * A latch only wakes. A process that must be sure of a state reads that state (docs/architecture.md, rule 8).
 */
//kbuild:lib-y += run_dir.o

#include <poll.h>
#include <sys/inotify.h>
#include "run_dir.h"

const char* FAST_FUNC kt_run_dir(void)
{
	const char *dir = getenv("KT_RUN_DIR");

	return dir && dir[0] ? dir : KT_RUN_DIR_DEFAULT;
}

static bool make_run_dir(void)
{
	return mkdir(kt_run_dir(), 0755) == 0 || errno == EEXIST;
}

/* "DIR/NAME", malloc'ed */
static char *run_path(const char *name)
{
	return concat_path_file(kt_run_dir(), name);
}

int FAST_FUNC kt_run_open(const char *name, int flags)
{
	char *path = run_path(name);
	int fd = open(path, flags | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 && errno == ENOENT && make_run_dir())
		fd = open(path, flags | O_CREAT | O_CLOEXEC, 0644);
	free(path);
	return fd;
}

bool FAST_FUNC kt_latch_name_is_valid(const char *name)
{
	return name[0] && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")] == '\0';
}

bool FAST_FUNC kt_latch_set_or_warn(const char *name)
{
	int fd = kt_run_open(name, O_WRONLY);

	if (fd < 0)
		bb_perror_msg("unable to set latch '%s'", name);
	else
		close(fd);
	return fd >= 0;
}

bool FAST_FUNC kt_latch_reset_or_warn(const char *name)
{
	char *path = run_path(name);
	bool gone = unlink(path) == 0 || errno == ENOENT;

	if (!gone)
		bb_perror_msg("unable to reset latch '%s'", name);
	free(path);
	return gone;
}

bool FAST_FUNC kt_latch_is_set(const char *name)
{
	char *path = concat_path_file(kt_run_dir(), name);
	bool set = access(path, F_OK) == 0;

	free(path);
	return set;
}

/* The index of the first latch that is set; with !any, 0 when all are. -1: wait. */
static int first_set(char *const *names, bool any)
{
	int i;

	for (i = 0; names[i]; i++)
		if (kt_latch_is_set(names[i]) == any)
			return any ? i : -1;
	return any ? -1 : 0;
}

static int watch_run_dir(void)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (!make_run_dir() || fd < 0 || inotify_add_watch(fd, kt_run_dir(), IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF) < 0)
		bb_perror_msg_and_die("unable to watch '%s'", kt_run_dir());
	return fd;
}

/* Empties the queue; dies when the directory was removed, since no latch can be set there any more. */
static void read_events(int fd)
{
	char buf[4096] ALIGNED(sizeof(struct inotify_event));
	ssize_t len, at;

	while ((len = read(fd, buf, sizeof(buf))) > 0)
		for (at = 0; at < len; at += sizeof(struct inotify_event) + ((struct inotify_event *)(buf + at))->len)
			if (((struct inotify_event *)(buf + at))->mask & (IN_DELETE_SELF | IN_IGNORED))
				bb_error_msg_and_die("unable to wait in '%s': the directory was removed", kt_run_dir());
}

int FAST_FUNC kt_latch_wait(char *const *names, bool any, int64_t deadline, int pidfd)
{
	enum { LATCHES, PROCESS, COUNT };
	struct pollfd fds[COUNT] = { { watch_run_dir(), POLLIN, 0 }, { pidfd, POLLIN, 0 } };
	int index;

	/* the latches after the process: what it set before its end counts */
	while ((index = first_set(names, any)) < 0 && !fds[PROCESS].revents
	    && poll(fds, COUNT, kt_poll_timeout(deadline)) != 0)
		read_events(fds[LATCHES].fd);
	close(fds[LATCHES].fd);
	return index < 0 && fds[PROCESS].revents ? KT_LATCH_ENDED : index;
}

void FAST_FUNC kt_pid_file_write_or_warn(const char *name, pid_t pid)
{
	char *text = xasprintf("%d\n", (int)pid);
	ssize_t len = strlen(text);
	int fd = kt_run_open(name, O_WRONLY | O_TRUNC);

	if (fd < 0 || full_write(fd, text, len) != len)
		bb_perror_msg("unable to write '%s/%s'", kt_run_dir(), name);
	if (fd >= 0)
		close(fd);
	free(text);
}

pid_t FAST_FUNC kt_pid_file_read(const char *name)
{
	char text[sizeof("2147483647\n")];
	char *path = concat_path_file(kt_run_dir(), name);
	ssize_t len = open_read_close(path, text, sizeof(text) - 1);
	int pid;

	free(path);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	chomp(text);
	pid = bb_strtou(text, NULL, 10);
	return errno == 0 && pid > 0 ? pid : 0;
}

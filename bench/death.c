/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * death N [GROUP]: how long a death takes to become a frame, N times by ktexitmon and N times by a program
 * that does nothing but poll a pidfd and write 20 bytes, in turns, all at the same real-time priority.
 * In: N; ktexitmon in PATH; GROUP, a process group that stands still but when a death is measured: the one
 *     that dies is started at ordinary priority, and would take a minute for it among 2 000 others.
 * Out: N lines of microseconds, "KTEXITMON BARE". Exit: 0; 1.
 * death target FD: the one that dies: says its pid on FD, and waits. At real-time priority, since it is
 * its death that is measured, not its own wait for a CPU to die on.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FRAME = 20, SETTLE_NS = 30 * 1000 * 1000 };

static const char *self;
static pid_t crowd; /* the process group, 0 without one */

static long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

static void first_in_line(void)
{
	struct sched_param param = { .sched_priority = 50 };

	syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param);
}

static int target(int fd)
{
	pid_t pid = getpid();

	first_in_line();
	if (write(fd, &pid, sizeof(pid)) != sizeof(pid))
		return 1;
	close(fd);
	pause();
	return 0;
}

static void run_ktexitmon(int out, int tell)
{
	char number[16], run_dir[64];

	sprintf(number, "%d", tell);
	sprintf(run_dir, "/tmp/death.%d", getpid());
	setenv("KT_RUN_DIR", run_dir, 1);
	dup2(out, STDOUT_FILENO);
	execlp("ktexitmon", "ktexitmon", "-p", "-", "-l", "/tmp/death.log", self, "target", number, NULL);
	_exit(1);
}

static void run_bare(int out, int tell)
{
	struct pollfd death = { .events = POLLIN };
	char frame[FRAME] = "XDCS";
	pid_t pid = fork();

	if (pid == 0)
		_exit(target(tell));
	death.fd = syscall(SYS_pidfd_open, pid, 0);
	poll(&death, 1, -1);
	_exit(write(out, frame, FRAME) != FRAME);
}

static void crowd_gets(int signo)
{
	if (crowd)
		kill(-crowd, signo);
}

/* Microseconds from the kill to the frame; -1 when none came. */
static long measure(void (*run)(int, int))
{
	struct timespec settle = { 0, SETTLE_NS };
	int out[2], tell[2];
	char bytes[65536];
	size_t have = 0;
	ssize_t len;
	pid_t watcher, pid;
	long from, to = -1;

	if (pipe(out) < 0 || pipe(tell) < 0)
		return -1;
	fcntl(out[0], F_SETFD, FD_CLOEXEC);
	fcntl(out[1], F_SETFD, FD_CLOEXEC);
	watcher = fork();
	if (watcher == 0)
		run(out[1], tell[1]);
	close(out[1]);
	close(tell[1]);
	if (read(tell[0], &pid, sizeof(pid)) != sizeof(pid))
		return -1;
	crowd_gets(SIGCONT);
	nanosleep(&settle, NULL);
	from = now_us();
	kill(pid, SIGKILL);
	while (to < 0 && have < sizeof(bytes) && (len = read(out[0], bytes + have, sizeof(bytes) - have)) > 0) {
		have += len;
		if (memmem(bytes, have, "XDCS", 4))
			to = now_us();
	}
	crowd_gets(SIGSTOP);
	close(out[0]);
	close(tell[0]);
	waitpid(watcher, NULL, 0);
	return to < 0 ? -1 : to - from;
}

int main(int argc, char **argv)
{
	int i;

	self = argv[0];
	if (argc < 2)
		return 1;
	if (strcmp(argv[1], "target") == 0)
		return target(atoi(argv[2]));
	first_in_line();
	crowd = argc > 2 ? atoi(argv[2]) : 0;
	crowd_gets(SIGSTOP);
	for (i = 0; i < atoi(argv[1]); i++) {
		long ours = measure(run_ktexitmon), bare = measure(run_bare);

		if (ours < 0 || bare < 0)
			return 1;
		printf("%ld %ld\n", ours, bare);
	}
	return 0;
}

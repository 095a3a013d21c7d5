/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spinners N: N processes of ordinary priority that will keep the CPUs busy, for dumps of many runnable
 * tasks. They sleep until SIGUSR1, so that a scheduler can attach in peace, and end by SIGKILL only.
 *
 * Out:  the process group of the N, when all are there. Ends when all of them have ended.
 * Exit: 0; 1 something can't be done (no process is left then); 2 bad usage.
 *
 * Some care keeps the cost of a task's birth and death from growing with N: they share their memory, nobody
 * waits for them, and their parent is in another process group than they are (Linux looks at all members of a
 * group otherwise).
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACK_LEN = 4096 };

static pid_t group; /* of the spinners: the first one's PID */

static void die(const char *what)
{
	perror(what);
	if (group)
		kill(-group, SIGKILL);
	exit(1);
}

/* SIGUSR1 is blocked, so that it is not lost when it comes before the wait. */
static int __attribute__((noreturn)) sleep_then_spin(void *go)
{
	int signo;

	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	sigwait(go, &signo);
	for (;;)
		continue;
}

static void start_spinner(char *stack_end, sigset_t *go)
{
	struct sched_param param = { 0 };
	pid_t pid = clone(sleep_then_spin, stack_end, CLONE_VM | SIGCHLD, go);

	if (pid < 0)
		die("unable to clone");
	if (!group)
		group = pid;
	if (setpgid(pid, group))
		die("unable to set the process group");
	/* musl's sched_setscheduler() answers ENOSYS on purpose */
	if (syscall(SYS_sched_setscheduler, pid, SCHED_OTHER, &param))
		die("unable to set the priority");
}

int main(int argc, char **argv)
{
	int count = argc == 2 ? atoi(argv[1]) : 0;
	char *stacks = malloc((size_t)count * STACK_LEN);
	int alive[2], i; /* the pipe that every spinner holds open */
	sigset_t go;

	if (count < 1 || !stacks) {
		fputs("usage: spinners N\n", stderr);
		return 2;
	}
	signal(SIGCHLD, SIG_IGN);
	sigemptyset(&go);
	sigaddset(&go, SIGUSR1);
	sigprocmask(SIG_BLOCK, &go, NULL);
	if (pipe(alive))
		die("unable to make a pipe");
	for (i = 0; i < count; i++)
		start_spinner(stacks + (i + 1) * STACK_LEN, &go);
	printf("%d\n", (int)group);
	fclose(stdout);
	close(alive[1]);
	return read(alive[0], &i, 1) != 0;
}

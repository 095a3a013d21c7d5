/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spin N: N tasks that are always runnable, at ordinary priority but nice 19, so that others can be started.
 * In: N. Out: a line with their process group, which is its own, when all are there. Ends: with its parent.
 * Exit: 1 when it can't fork.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static void as_first(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	syscall(SYS_sched_setscheduler, 0, policy, &param);
}

int main(int argc, char **argv)
{
	int i, count = argc > 1 ? atoi(argv[1]) : 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	as_first(SCHED_FIFO, 60);
	for (i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			setpriority(PRIO_PROCESS, 0, 19);
			as_first(SCHED_OTHER, 0);
			for (;;)
				continue;
		}
	}
	printf("%d\n", getpid());
	fflush(stdout);
	pause();
	return 0;
}

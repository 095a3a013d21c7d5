/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the process that goes on when a scheduler has put itself into the background.
 *
 * In:  /proc. Out: a pid.
 *
 * A scheduler is attached as long as a process has the struct_ops link open that attached it (or forever, without a
 * link). So the process with the link is the scheduler, whatever it was forked from. Before the attach nothing tells
 * which child will attach: then any that is left is followed, and the limit of the attach holds for it.
 */
//kbuild:lib-$(CONFIG_KTEXITMON) += background.o

#include <sys/prctl.h>
#include "background.h"
#include "process.h"

enum { FDINFO_MAX = 512 };

int FAST_FUNC kt_background_open(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	return kt_signals_open(SIGCHLD, 0);
}

void FAST_FUNC kt_background_reap(int fd, pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	while (kt_signals_next(fd) != 0)
		continue;
	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0 && info.si_pid != pid) {
		waitpid(info.si_pid, NULL, WNOHANG);
		info.si_pid = 0;
	}
}

static bool is_scheduler_link(pid_t pid, const char *fd)
{
	char path[sizeof("/proc/4294967295/fdinfo/") + NAME_MAX], text[FDINFO_MAX];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", (int)pid, fd);
	len = open_read_close(path, text, sizeof(text) - 1);
	if (len <= 0)
		return false;
	text[len] = '\0';
	return strstr(text, "link_type:\tstruct_ops") != NULL;
}

static bool has_scheduler_link(pid_t pid)
{
	char path[sizeof("/proc/4294967295/fdinfo")];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	sprintf(path, "/proc/%d/fdinfo", (int)pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir)) != NULL)
		found = isdigit(entry->d_name[0]) && is_scheduler_link(pid, entry->d_name);
	if (dir)
		closedir(dir);
	return found;
}

bool FAST_FUNC kt_has_ended_well(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid
		&& info.si_code == CLD_EXITED && info.si_status == 0;
}

pid_t FAST_FUNC kt_background_child(pid_t pid, pid_t helper, bool is_attached)
{
	procps_status_t *process = NULL;
	pid_t found = 0, self = getpid();

	while ((process = procps_scan(process, PSSCAN_PID | PSSCAN_PPID | PSSCAN_STATE)) != NULL) {
		pid_t child = process->pid;

		if ((pid_t)process->ppid != self || child == pid || child == helper || process->state[0] == 'Z')
			continue;
		if (has_scheduler_link(child)) {
			free_procps_scan(process);
			return child;
		}
		if (!is_attached)
			found = child;
	}
	return found;
}

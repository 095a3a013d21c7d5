/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a process that is no child of ours has ended.
 *
 * In:  its pidfd and pid. Out: its wait(2) status, from where the kernel keeps it: /proc/PID/stat while
 *      it is a
 * zombie, the pidfd itself (PIDFD_GET_INFO, since 6.15) after it was reaped.
 */
//kbuild:lib-y += exit_status.o

#include <sys/ioctl.h>
#include "exit_status.h"

/* include/uapi/linux/pidfd.h of 6.15; older headers have neither the struct nor the numbers */
enum {
	PIDFD_INFO_SIZE = 64,
	PIDFD_INFO_EXIT_CODE_AT = 60,
	PIDFD_INFO_HAS_EXIT = 1 << 3,
};
#define PIDFD_GET_INFO _IOWR(0xff, 11, char[PIDFD_INFO_SIZE])

static int status_of_reaped(int pidfd)
{
	union {
		uint64_t mask;
		char bytes[PIDFD_INFO_SIZE];
	} info;
	int32_t status;

	memset(&info, 0, sizeof(info));
	info.mask = PIDFD_INFO_HAS_EXIT;
	if (ioctl(pidfd, PIDFD_GET_INFO, &info) < 0 || !(info.mask & PIDFD_INFO_HAS_EXIT))
		return -1;
	memcpy(&status, info.bytes + PIDFD_INFO_EXIT_CODE_AT, sizeof(status));
	return status;
}

/* The name in the second field may hold blanks and parentheses, so fields are counted from its last one. */
static int status_of_zombie(pid_t pid)
{
	char path[sizeof("/proc/2147483647/stat")];
	char stat[1024];
	const char *state, *last;
	ssize_t len;

	sprintf(path, "/proc/%d/stat", (int)pid);
	len = open_read_close(path, stat, sizeof(stat) - 1);
	if (len <= 0)
		return -1;
	stat[len] = '\0';
	state = strrchr(stat, ')');
	last = strrchr(stat, ' ');
	if (!state || !is_prefixed_with(state, ") Z") || !last)
		return -1;
	return (int)strtol(last + 1, NULL, 10);
}

int FAST_FUNC kt_exit_status_of(int pidfd, pid_t pid)
{
	int status = status_of_zombie(pid);

	/* second: a parent that reaps between the two moves the status from the first place to this one */
	return status >= 0 ? status : status_of_reaped(pidfd);
}

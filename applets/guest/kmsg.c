/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why the kernel has disabled a scheduler.
 *
 * In:  /dev/kmsg, a record a read. Out: the reason, in the kernel's words, and its exit kind.
 * The kernel logs the reason before it removes root/ and sends the uevent (scx_disable in
 * kernel/sched/ext.c), so at the uevent the record is there. The uevent itself tells no reason.
 */
//kbuild:lib-$(CONFIG_KTEXITMON) += kmsg.o

#include "kmsg.h"

enum { RECORD_MAX = 8192 }; /* PRINTK_MESSAGE_MAX is 2048 and a dictionary; a shorter buffer gives EINVAL */

static const struct {
	int kind;
	const char *reason;
} kinds[] = {
	{ 64, "unregistered from user space" },
	{ 65, "unregistered from BPF" },
	{ 66, "unregistered from the main kernel" },
	{ 67, "disabled by sysrq-S" },
	{ 1024, "runtime error" },
	{ 1025, "scx_bpf_error" },
	{ 1026, "runnable task stall" },
};

int FAST_FUNC kt_kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

static bool find_reason(const char *record, char reason[KT_KMSG_REASON_MAX])
{
	const char *name = strstr(record, "sched_ext: BPF scheduler \"");
	const char *from = name ? strstr(name, "\" disabled (") : NULL;
	size_t len;

	if (!from)
		return false;
	from += sizeof("\" disabled (") - 1;
	len = strcspn(from, ")\n");
	safe_strncpy(reason, from, MIN(len + 1, (size_t)KT_KMSG_REASON_MAX));
	return true;
}

bool FAST_FUNC kt_kmsg_disable_reason(int fd, char reason[KT_KMSG_REASON_MAX])
{
	char record[RECORD_MAX];
	bool found = false;
	ssize_t len;

	/* EPIPE: records were overwritten before they were read; the next read goes on behind them */
	while ((len = read(fd, record, sizeof(record) - 1)) > 0 || (len < 0 && (errno == EPIPE || errno == EINTR))) {
		if (len <= 0)
			continue;
		record[len] = '\0';
		found |= find_reason(record, reason);
	}
	return found;
}

int FAST_FUNC kt_exit_kind(const char *reason)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].reason, reason) == 0)
			return kinds[i].kind;
	return 0;
}

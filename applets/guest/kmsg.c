/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why the kernel has disabled a scheduler.
 *
 * In:  /dev/kmsg, one record per read. Out: the reason and its detail, in the kernel's words, and its exit kind.
 * Records that a process has written to /dev/kmsg do not count: the kernel gives them another facility than its own
 * (devkmsg_write in kernel/printk/printk.c).
 *
 * The kernel logs the reason before it removes root/ and sends the uevent (scx_disable in
 * kernel/sched/ext.c), so at the uevent the record is there. The uevent itself has no reason.
 */
//kbuild:lib-$(CONFIG_KTEXITMON) += kmsg.o

#include <syslog.h>
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

/* The text of a record "PRIORITY,SEQUENCE,TIME,FLAGS;TEXT" of the kernel's own; else NULL. */
static const char *kernel_text(const char *record)
{
	char *end;
	unsigned long priority = strtoul(record, &end, 10);
	const char *text = strchr(record, ';');

	return *end == ',' && LOG_FAC(priority) == LOG_FAC(LOG_KERN) && text ? text + 1 : NULL;
}

/* Copies the text between FROM and END. */
static void copy_part(char *to, size_t size, const char *from, const char *end)
{
	safe_strncpy(to, from, MIN((size_t)(end - from) + 1, size));
}

/* sched_ext: BPF scheduler "NAME" disabled (REASON) */
static bool find_reason(const char *text, struct kt_kmsg_end *end)
{
	static const char head[] ALIGN1 = "sched_ext: BPF scheduler \"";
	static const char middle[] ALIGN1 = "\" disabled (";
	const char *name, *name_end, *reason;

	if (!is_prefixed_with(text, head))
		return false;
	name = text + sizeof(head) - 1;
	name_end = strstr(name, middle);
	if (!name_end)
		return false;
	reason = name_end + sizeof(middle) - 1;
	copy_part(end->name, sizeof(end->name), name, name_end);
	copy_part(end->reason, sizeof(end->reason), reason, reason + strcspn(reason, ")\n"));
	end->detail[0] = '\0';
	return true;
}

/* sched_ext: NAME: DETAIL, the record after that one */
static void find_detail(const char *text, struct kt_kmsg_end *end)
{
	const char *detail = is_prefixed_with(text, "sched_ext: ");

	if (!end->reason[0] || end->detail[0] || !detail)
		return;
	detail = is_prefixed_with(detail, end->name);
	if (detail && is_prefixed_with(detail, ": "))
		copy_part(end->detail, sizeof(end->detail), detail + 2, strchrnul(detail, '\n'));
}

bool FAST_FUNC kt_kmsg_read_end(int fd, struct kt_kmsg_end *end)
{
	char record[RECORD_MAX];
	bool found = false;
	ssize_t len;

	/* EPIPE: the kernel overwrote records before they were read; the next read continues after them */
	while ((len = read(fd, record, sizeof(record) - 1)) > 0 || (len < 0 && (errno == EPIPE || errno == EINTR))) {
		const char *text;

		if (len <= 0)
			continue;
		record[len] = '\0';
		text = kernel_text(record);
		if (!text)
			continue;
		if (find_reason(text, end))
			found = true;
		else
			find_detail(text, end);
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

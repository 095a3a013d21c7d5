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
	{ 68, "parent exiting" },
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

/* Where the end of a scheduler of this kind goes; NULL: nowhere. */
static struct kt_kmsg_end *place_for(struct kt_kmsg_ends *ends, bool is_sub, const char *name, const char *wanted)
{
	if (!is_sub)
		return wanted[0] && strcmp(name, wanted) != 0 ? NULL : &ends->root;
	return ends->sub_count < KT_KMSG_SUBS_MAX ? &ends->subs[ends->sub_count++] : NULL;
}

/* sched_ext: BPF scheduler "NAME" disabled (REASON), or sub-scheduler. True for the root's. */
static bool find_reason(const char *text, struct kt_kmsg_ends *ends, const char *wanted)
{
	static const char middle[] ALIGN1 = "\" disabled (";
	const char *head = is_prefixed_with(text, "sched_ext: BPF ");
	const char *sub = head ? is_prefixed_with(head, "sub-scheduler \"") : NULL;
	const char *name = sub ? sub : head ? is_prefixed_with(head, "scheduler \"") : NULL;
	const char *name_end = name ? strstr(name, middle) : NULL;
	char its_name[KT_KMSG_NAME_MAX];
	const char *reason;

	if (!name_end)
		return false;
	reason = name_end + sizeof(middle) - 1;
	copy_part(its_name, sizeof(its_name), name, name_end);
	ends->newest = place_for(ends, sub != NULL, its_name, wanted);
	if (!ends->newest)
		return false;
	safe_strncpy(ends->newest->name, its_name, sizeof(ends->newest->name));
	copy_part(ends->newest->reason, sizeof(ends->newest->reason), reason, reason + strcspn(reason, ")\n"));
	ends->newest->detail[0] = '\0';
	return !sub;
}

/* sched_ext: NAME: DETAIL, the record after that one */
static void find_detail(const char *text, struct kt_kmsg_end *end)
{
	const char *detail = is_prefixed_with(text, "sched_ext: ");

	if (!end || !end->reason[0] || end->detail[0] || !detail)
		return;
	detail = is_prefixed_with(detail, end->name);
	if (detail && is_prefixed_with(detail, ": "))
		copy_part(end->detail, sizeof(end->detail), detail + 2, strchrnul(detail, '\n'));
}

bool FAST_FUNC kt_kmsg_read_ends(int fd, struct kt_kmsg_ends *ends, const char *name)
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
		find_detail(text, ends->newest);
		found |= find_reason(text, ends, name);
	}
	return found;
}

bool FAST_FUNC kt_kmsg_take_sub(struct kt_kmsg_ends *ends, const char *name, struct kt_kmsg_end *end)
{
	unsigned i;

	for (i = 0; i < ends->sub_count; i++) {
		if (strcmp(ends->subs[i].name, name) != 0)
			continue;
		*end = ends->subs[i];
		ends->sub_count--;
		memmove(&ends->subs[i], &ends->subs[i + 1], (ends->sub_count - i) * sizeof(ends->subs[0]));
		ends->newest = NULL;
		return true;
	}
	return false;
}

bool FAST_FUNC kt_is_unregistered(int kind)
{
	return (kind >= 64 && kind <= 66) || kind == 68;
}

int FAST_FUNC kt_exit_kind(const char *reason)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].reason, reason) == 0)
			return kinds[i].kind;
	return 0;
}

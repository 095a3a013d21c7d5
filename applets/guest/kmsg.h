/* SPDX-License-Identifier: GPL-2.0-only */
/* Why the kernel has disabled a scheduler, from the kernel's log. */
#ifndef KT_KMSG_H
#define KT_KMSG_H 1

#include "libbb.h"

enum {
	KT_KMSG_REASON_MAX = 128,
	KT_KMSG_DETAIL_MAX = 512, /* the kernel's message has up to 1024 bytes (SCX_EXIT_MSG_LEN): its head is enough */
	KT_KMSG_SUBS_MAX = 16,
	KT_KMSG_NAME_MAX = 128, /* SCX_OPS_NAME_LEN in kernel/sched/ext_internal.h, with its NUL */
};

/* The end of a scheduler. An empty text: not known. */
struct kt_kmsg_end {
	char name[KT_KMSG_NAME_MAX];
	char reason[KT_KMSG_REASON_MAX]; /* the kind of end in the kernel's words */
	char detail[KT_KMSG_DETAIL_MAX]; /* the message of this end: which task, which call, or the scheduler's own text */
};

/* Opens the kernel's log at its end, non-blocking; -1 when it can't be read. */
int kt_kmsg_open(void) FAST_FUNC;

/* Starts as zero. */
struct kt_kmsg_ends {
	struct kt_kmsg_end root; /* the newest one */
	/* Of sub-schedulers, until kt_kmsg_take_sub(); the oldest first. Of more than fit, the newest are lost. */
	struct kt_kmsg_end subs[KT_KMSG_SUBS_MAX];
	unsigned sub_count;
	struct kt_kmsg_end *newest; /* which a detail may follow; NULL: none */
};

/* Reads what is new in the log. True: the root scheduler was disabled since the last call. NAME: what it is called, and
 * those with another name do not count; empty: any. The detail is in a record of its own after that one, and may come
 * with a later call. */
bool kt_kmsg_read_ends(int fd, struct kt_kmsg_ends *ends, const char *name) FAST_FUNC;

/* Moves the oldest end of a sub-scheduler of this name to *end; false: there is none. */
bool kt_kmsg_take_sub(struct kt_kmsg_ends *ends, const char *name, struct kt_kmsg_end *end) FAST_FUNC;

/* 64 to 66: the scheduler was unregistered; 68: it was a sub-scheduler, and its parent ended. In all other cases the
 * kernel has ejected it. */
bool kt_is_unregistered(int kind) FAST_FUNC;

/* The exit kind of a reason, 0 when it is unknown: enum scx_exit_kind in kernel/sched/ext_internal.h,
 * scx_exit_reason() in kernel/sched/ext.c. */
int kt_exit_kind(const char *reason) FAST_FUNC;

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Why the kernel has disabled a scheduler, from the kernel's log. */
#ifndef KT_KMSG_H
#define KT_KMSG_H 1

#include "libbb.h"

enum {
	KT_KMSG_REASON_MAX = 128,
	KT_KMSG_DETAIL_MAX = 512, /* the kernel's message has up to 1024 bytes (SCX_EXIT_MSG_LEN): its head is enough */
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

/* Reads what is new in the log. True: a scheduler was disabled since the last call, and *end has the newest one. The
 * detail is in a record of its own after that one, and may come with a later call. */
bool kt_kmsg_read_end(int fd, struct kt_kmsg_end *end) FAST_FUNC;

/* 64 to 66: the scheduler was unregistered. In all other cases the kernel has ejected it. */
enum { KT_KIND_UNREGISTERED_LAST = 66 };

/* The exit kind of a reason, 0 when it is unknown: enum scx_exit_kind in kernel/sched/ext_internal.h,
 * scx_exit_reason() in kernel/sched/ext.c. */
int kt_exit_kind(const char *reason) FAST_FUNC;

#endif

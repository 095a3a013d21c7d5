/* SPDX-License-Identifier: GPL-2.0-only */
/* Why the kernel has disabled a scheduler, from the kernel's log. */
#ifndef KT_KMSG_H
#define KT_KMSG_H 1

#include "libbb.h"

enum { KT_KMSG_REASON_MAX = 128 };

/* Opens the kernel's log at its end, non-blocking; -1 when it can't be read. */
int kt_kmsg_open(void) FAST_FUNC;

/* The reason of the newest `BPF scheduler "NAME" disabled (REASON)` since the last call; false when there
 * is none. */
bool kt_kmsg_disable_reason(int fd, char reason[KT_KMSG_REASON_MAX]) FAST_FUNC;

/* 64 to 66: the scheduler was unregistered. In all other cases the kernel has ejected it. */
enum { KT_KIND_UNREGISTERED_LAST = 66 };

/* The exit kind of a reason, 0 when it is unknown: enum scx_exit_kind in kernel/sched/ext_internal.h,
 * scx_exit_reason() in kernel/sched/ext.c. */
int kt_exit_kind(const char *reason) FAST_FUNC;

#endif

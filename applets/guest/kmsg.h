/* SPDX-License-Identifier: GPL-2.0-only */
/* Why the kernel has disabled a scheduler, as its log says it. */
#ifndef KT_KMSG_H
#define KT_KMSG_H 1

#include "libbb.h"

enum { KT_KMSG_REASON_MAX = 128 };

/* The kernel's log from now on, non-blocking; -1 where it can't be read. */
int kt_kmsg_open(void) FAST_FUNC;

/* The reason of the newest `BPF scheduler "NAME" disabled (REASON)` since the last call; false when there
 * is none. */
bool kt_kmsg_disable_reason(int fd, char reason[KT_KMSG_REASON_MAX]) FAST_FUNC;

/* 64 to 66: somebody has unregistered the scheduler. All others are the kernel's own doing. */
enum { KT_KIND_UNREGISTERED_LAST = 66 };

/* The exit kind that the kernel has this reason for, 0 when it is not known: enum scx_exit_kind in
 * kernel/sched/ext_internal.h, scx_exit_reason() in kernel/sched/ext.c. */
int kt_exit_kind(const char *reason) FAST_FUNC;

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* How a process that is no child of ours has ended. */
#ifndef KT_EXIT_STATUS_H
#define KT_EXIT_STATUS_H 1

#include "libbb.h"

/* The wait(2) status of the process behind pidfd, whose poll(2) says that it has ended; -1 when nobody
 * can tell any more (reaped by its parent, on a kernel before 6.15). Never waits for the parent. */
int kt_exit_status_of(int pidfd, pid_t pid) FAST_FUNC;

#endif

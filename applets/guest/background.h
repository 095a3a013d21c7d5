/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds the process that goes on when a scheduler has put itself into the background. */
#ifndef KT_BACKGROUND_H
#define KT_BACKGROUND_H 1

#include "libbb.h"

/* Makes orphans of this process's descendants its children. Out: a descriptor, readable when one has ended. */
int kt_background_open(void) FAST_FUNC;

/* Reaps what has ended, but for PID. */
void kt_background_reap(int fd, pid_t pid) FAST_FUNC;

/* Whether this child has ended with status 0, and is not reaped yet. */
bool kt_has_ended_well(pid_t pid) FAST_FUNC;

/* The child of this process that goes on for PID, which has ended well: one that has a scheduler's link open; where no
 * scheduler is attached, any, but for HELPER. 0: there is none. */
pid_t kt_background_child(pid_t pid, pid_t helper, bool is_attached) FAST_FUNC;

#endif

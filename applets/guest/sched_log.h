/* SPDX-License-Identifier: GPL-2.0-only */
/* The scheduler-log block: START, the log's bytes, END, as sched-log frames that no other log's frames
 * come between. */
#ifndef KT_SCHED_LOG_H
#define KT_SCHED_LOG_H 1

#include "port.h"

/* Sends the log at path as a block, up to the size that it has now. A log that can't be opened gives an
 * empty block. 0, or -1 when it could not be read whole: a message was printed. Dies when the port fails.
 * Blocks until others of this run have sent theirs. */
int kt_sched_log_send(int port, const char *path) FAST_FUNC;

/* Sends one text outside of any block, cut off at one frame. */
void kt_sched_log_send_text(int port, const char *text) FAST_FUNC;

#endif

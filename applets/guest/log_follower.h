/* SPDX-License-Identifier: GPL-2.0-only */
/* A log, to the host while it is being written. */
#ifndef KT_LOG_FOLLOWER_H
#define KT_LOG_FOLLOWER_H 1

#include "libbb.h"

/* Sends what the file or FIFO at path has and what is added to it, as frames of TYPE (numbered), until TERM
 * or the end of the process PID (0: of none); then what is left of it. A file that was cut off is sent from
 * its new beginning, and that is said in the log. copy_path (or NULL) is made anew and keeps the newest
 * bytes, at most 4 MiB. Returns 0, or -1 after a message. Dies when the port fails. */
int kt_log_follow(int port, uint32_t type, const char *path, const char *copy_path, pid_t pid) FAST_FUNC;

#endif

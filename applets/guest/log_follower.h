/* SPDX-License-Identifier: GPL-2.0-only */
/* Sends a log to the host while it is being written. */
#ifndef KT_LOG_FOLLOWER_H
#define KT_LOG_FOLLOWER_H 1

#include "libbb.h"

/* Sends what the file or FIFO at path has and what is added to it, as frames of TYPE (numbered), until TERM
 * or the end of the process PID (0: none), and then the rest of it. A file that was truncated is sent from its
 * new beginning, after a note in the log. The file copy_path (or NULL) is emptied and then keeps the newest bytes,
 * at most 4 MiB. on_terminal: path is made, a link to a raw terminal, and latch log_ready is set. Returns 0, or -1
 * after a message. Dies when the port fails. */
int kt_log_follow(int port, uint32_t type, const char *path, bool on_terminal,
		const char *copy_path, pid_t pid) FAST_FUNC;

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Latches: one-shot events between processes. A latch is set by creating a file, and waited for with
 * inotify. */
#ifndef KT_RUN_DIR_H
#define KT_RUN_DIR_H 1

#include "clock.h"

/* The folder of latches, pid files and locks: KT_RUN_DIR, or /run/kt. It outlives the call. */
const char *kt_run_dir(void) FAST_FUNC;

/* [a-z0-9_-]+ : no name leaves the folder, and none meets a pid file or a lock, whose names have a dot. */
bool kt_latch_name_is_valid(const char *name) FAST_FUNC;

/* Setting a set latch and resetting an unset one do nothing. False, with a message, when they can't. */
bool kt_latch_set_or_warn(const char *name) FAST_FUNC;
bool kt_latch_reset_or_warn(const char *name) FAST_FUNC;
bool kt_latch_is_set(const char *name) FAST_FUNC;

enum { KT_LATCH_TIMEOUT = -1, KT_LATCH_ENDED = -2 };

/* Waits for all of the names, or for any of them, until the deadline, or the end of a process (pidfd; -1:
 * none); the list ends with NULL. Returns the index of the first that is set (0 when all had to be), even
 * when the time is over or the process has ended, else which of the two it is. Dies when it can't wait. */
int kt_latch_wait(char *const *names, bool any, int64_t deadline, int pidfd) FAST_FUNC;

/* Pid files: how one kt process finds another. NAME has a dot ("sched.pid"), so that it is no latch. A message when it can't. */
void kt_pid_file_write_or_warn(const char *name, pid_t pid) FAST_FUNC;

/* 0 when there is no such file, or no process id in it. */
pid_t kt_pid_file_read(const char *name) FAST_FUNC;

#endif

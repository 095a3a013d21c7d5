/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The run directory (KT_RUN_DIR, or KT_RUN_DIR_DEFAULT): latches and pid files, by which kt processes find and wake each
 * other.
 *
 * A latch is a one-shot event: setting it creates a file, waiting for it uses inotify. What sets or writes
 * something makes the directory if it is missing.
 */
#ifndef KT_RUN_DIR_H
#define KT_RUN_DIR_H 1

#include "clock.h"

#define KT_RUN_DIR_DEFAULT "/run/kt"

/* The directory's path, which outlives the call. */
const char *kt_run_dir(void) FAST_FUNC;

/* A file in it, which is made where it is missing, and so is the directory; that costs a call only then. FLAGS: of
 * open(2). A descriptor, or -1 and errno. */
int kt_run_open(const char *name, int flags) FAST_FUNC;

/* [a-z0-9_-]+ : no name leaves the directory, and none is that of a pid file or a lock, which have a dot. */
bool kt_latch_name_is_valid(const char *name) FAST_FUNC;

/* Setting a set latch and resetting an unset one do nothing. False after a message when they fail. */
bool kt_latch_set_or_warn(const char *name) FAST_FUNC;
bool kt_latch_reset_or_warn(const char *name) FAST_FUNC;
bool kt_latch_is_set(const char *name) FAST_FUNC;

enum { KT_LATCH_TIMEOUT = -1, KT_LATCH_ENDED = -2 };

/* Waits for all latches of a list that ends with NULL, or for any of them, until the deadline or the end of a
 * process (pidfd; -1: none). Returns the index of the first that is set (0 when it waits for all), also when the
 * deadline has passed or the process has ended; else KT_LATCH_TIMEOUT or KT_LATCH_ENDED. Dies when it can't
 * wait. */
int kt_latch_wait(char *const *names, bool any, int64_t deadline, int pidfd) FAST_FUNC;

/* Pid files. NAME has a dot ("sched.pid"), so that it is no latch. Prints a message when it fails. */
void kt_pid_file_write_or_warn(const char *name, pid_t pid) FAST_FUNC;

/* The process id; 0 when there is no such file, or none in it. */
pid_t kt_pid_file_read(const char *name) FAST_FUNC;

#endif

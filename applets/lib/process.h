/* SPDX-License-Identifier: GPL-2.0-only */
/* What every kt daemon does once: take priority over a stalling scheduler, take its signals on a
 * descriptor. */
#ifndef KT_DAEMON_H
#define KT_DAEMON_H 1

#include "libbb.h"

/* SCHED_FIFO with reset-on-fork, oom_score_adj -1000: a scheduler under test can keep every ordinary
 * process off the CPU for seconds (shared facts: 5.6 s against 0.03 s). Silent when it may not: on a
 * developer's host it need not. */
void kt_daemon_priority(void) FAST_FUNC;

/* In a child, before exec of what is not ours: ordinary priority and oom_score_adj, no signal blocked or
 * ignored. */
void kt_undo_daemon(void) FAST_FUNC;

/* execvp(3); when it fails, a message and exit 127 (not found) or 126, as a shell does. */
void kt_exec_or_die(char **argv) NORETURN FAST_FUNC;

/* Blocks the signals and returns a non-blocking descriptor that tells of them (signalfd); dies when it
 * can't. */
int kt_signals_open(int first, ...) FAST_FUNC; /* signal numbers, ends with 0 */

/* The next signal that came, 0 when there is none. */
int kt_signals_next(int fd) FAST_FUNC;

/* pidfd_open(2), which musl 1.2.3 has no wrapper for; -1 and errno. */
int kt_pidfd_open(pid_t pid) FAST_FUNC;

/* A wait(2) status as a shell tells it: the exit code, or 128 and the signal's number. */
int kt_shell_status(int wait_status) FAST_FUNC;

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a kt process does once (real-time priority, signals on a descriptor, memory, files), and what it asks
 * of other processes (pidfd, wait status).
 *
 * Functions with an x die with a message and exit with xfunc_error_retval. Message: "ktX: unable to VERB
 * OBJECT: REASON".
 */
#ifndef KT_PROCESS_H
#define KT_PROCESS_H 1

#include "libbb.h"

/* SCHED_FIFO with reset-on-fork, oom_score_adj -1000: a scheduler under test can keep every ordinary
 * process off the CPU for seconds (shared facts: 5.6 s against 0.03 s). Silent when it may not: on a
 * developer's host it need not. */
void kt_daemon_priority(void) FAST_FUNC;

/* In a child, before exec of what is not ours: ordinary priority and oom_score_adj, no signal blocked or
 * ignored. */
void kt_drop_daemon_privileges(void) FAST_FUNC;

/* execvp(3); when it fails, a message and exit 127 (not found) or 126, as a shell does. */
void kt_exec_or_die(char **argv) NORETURN FAST_FUNC;

/* Blocks the signals and returns a non-blocking descriptor that tells of them (signalfd); dies when it
 * can't. */
int kt_signals_open(int first, ...) FAST_FUNC; /* signal numbers, ends with 0 */

/* The next signal that came, 0 when there is none. */
int kt_signals_next(int fd) FAST_FUNC;

/* pidfd_open(2), which musl 1.2.3 has no wrapper for; -1 and errno. */
int kt_pidfd_open(pid_t pid) FAST_FUNC;

/* open(2) that dies: "unable to open 'NAME': REASON". O_NOCTTY and O_CLOEXEC are added; a new file gets mode
 * 0666 less the umask. */
int kt_xopen(const char *name, int flags) FAST_FUNC;

/* xzalloc() for a large buffer of a long-lived process: pages fresh from the kernel are zero already, and those
 * that nobody writes to take no memory. A short-lived frame belongs on the stack: unmapping a large heap block
 * costs more than its write. */
void *kt_zalloc_lazy(size_t size) FAST_FUNC;

/* The wait(2) status of the process behind pidfd, whose poll(2) says that it has ended; -1 when nobody
 * can tell any more (reaped by its parent, on a kernel before 6.15). Never waits for the parent. */
int kt_exit_status_of(int pidfd, pid_t pid) FAST_FUNC;

/* A wait(2) status as a shell tells it: the exit code, or 128 and the signal's number. */
int kt_shell_status(int wait_status) FAST_FUNC;

#endif

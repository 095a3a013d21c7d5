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

/* Becomes SCHED_FIFO with reset-on-fork, oom_score_adj -1000: a scheduler under test can keep every ordinary
 * process off the CPU for seconds (measured: 5.6 s against 0.03 s). Failure is ignored: an unprivileged host does
 * not need it. */
void kt_daemon_priority(void) FAST_FUNC;

/* Undoes that in a child before it executes a user's program, and its signals: none is blocked or ignored. */
void kt_drop_daemon_privileges(void) FAST_FUNC;

/* Becomes a user's program, and returns with errno when it can't. The program is looked up in the directories of
 * KT_USER_PATH, then in PATH. Its root directory is KT_USER_ROOT and its working directory KT_USER_DIR, where these are
 * set: one that can't be entered ends us with a message. With KT_USER_DIR it is /init that starts the program,
 * which gets KT_RUN_DIR_DEFAULT as KT_RUN_DIR. Its environment is ours without all these, with these changes: KT_USER_PATH precedes PATH;
 * the file that KT_USER_ENV names has variables (NAME=VALUE, a NUL after each) that replace any other; the port of
 * KT_PORT_FD is moved to a high number, and KT_PORT_ID tells it from others. So nothing of the user's reaches any
 * process of ours. */
void kt_exec(char **argv) FAST_FUNC;

/* After a failed kt_exec(), by its errno: exits with 127 (not found) or 126 after a message, as a shell does. */
void kt_exec_failed(const char *program) NORETURN FAST_FUNC;

/* Both. */
void kt_exec_or_die(char **argv) NORETURN FAST_FUNC;

/* Blocks the signals and returns a non-blocking signalfd for them. Dies when it can't. */
int kt_signals_open(int first, ...) FAST_FUNC; /* signal numbers, ends with 0 */

/* The next signal that came; 0 when there is none. */
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

/* The wait(2) status of a process that is no child of ours and has ended (its pidfd is readable); -1 when it is
 * lost: its parent has reaped it, on a kernel before 6.15. Never waits for the parent. */
int kt_exit_status_of(int pidfd, pid_t pid) FAST_FUNC;

/* When the process was started, to 10 ms; now, when there is no such process. The kernel counts from boot, as
 * CLOCK_MONOTONIC does where the machine is never suspended. */
int64_t kt_process_start_ms(pid_t pid) FAST_FUNC;

/* True when the process has ended, exits, or has got a signal that ends it: it ends, whatever it is sent from now on. A
 * signal that it handles, blocks or ignores does not count, nor does one that another thread than the main one got. A
 * main thread that has ended before the other threads looks the same: wait for the end with a deadline. */
bool kt_is_ending(pid_t pid) FAST_FUNC;

/* A wait(2) status as a shell's $?: the exit code, or 128 and the signal's number. */
int kt_shell_status(int wait_status) FAST_FUNC;

#endif

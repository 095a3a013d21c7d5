/* SPDX-License-Identifier: GPL-2.0-only */
/* Pid files in KT_RUN_DIR: how one kt process finds another. */
#ifndef KT_PID_FILE_H
#define KT_PID_FILE_H 1

#include "libbb.h"

/* NAME has a dot ("sched.pid"), so that it is no latch. A message when it can't. */
void kt_pid_file_write_or_warn(const char *name, pid_t pid) FAST_FUNC;

/* 0 when there is no such file, or no process id in it. */
pid_t kt_pid_file_read(const char *name) FAST_FUNC;

#endif

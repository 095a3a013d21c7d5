/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's uevents (netlink, group 1), which report changes of devices and of sched_ext. */
#ifndef KT_UEVENT_H
#define KT_UEVENT_H 1

#include "libbb.h"

/* The kernel's own bound is 2048 bytes of environment (UEVENT_BUFFER_SIZE) and a path. */
enum { KT_UEVENT_MAX = 4096 };

/* A non-blocking socket that receives uevents from now on; -1 and errno when it can't be opened. */
int kt_uevent_open(void) FAST_FUNC;

/* Reads the next uevent into buf, as NUL-terminated strings. Returns its length; 0 when there is none now; -1
 * when the kernel dropped some (ENOBUFS): then the caller must look at the state itself. Skips messages of other
 * processes. */
ssize_t kt_uevent_next(int fd, char buf[KT_UEVENT_MAX]) FAST_FUNC;

/* The value of NAME in a uevent, within buf; NULL when it has none. */
const char *kt_uevent_value(const char *buf, size_t len, const char *name) FAST_FUNC;

#endif

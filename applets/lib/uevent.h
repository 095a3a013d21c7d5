/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's uevents (netlink, group 1): what it says by itself when devices and sched_ext change. */
#ifndef KT_UEVENT_H
#define KT_UEVENT_H 1

#include "libbb.h"

/* The kernel's own bound is 2048 bytes of environment (UEVENT_BUFFER_SIZE) and a path. */
enum { KT_UEVENT_MAX = 4096 };

/* A non-blocking socket that hears uevents from now on; -1 and errno when there is none to be had. */
int kt_uevent_open(void) FAST_FUNC;

/* The next uevent into buf, as NUL-terminated strings; its length, 0 when there is none now, -1 when the
 * kernel had to drop some (ENOBUFS): then the caller looks at the state itself. What other processes sent
 * is passed over. */
ssize_t kt_uevent_next(int fd, char buf[KT_UEVENT_MAX]) FAST_FUNC;

/* The value of NAME in an uevent, within buf; NULL when it has none. */
const char *kt_uevent_value(const char *buf, size_t len, const char *name) FAST_FUNC;

#endif

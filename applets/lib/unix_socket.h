/* SPDX-License-Identifier: GPL-2.0-only */
/* A client's end of a unix socket. */
#ifndef KT_UNIX_SOCKET_H
#define KT_UNIX_SOCKET_H 1

#include "libbb.h"

/* A socket that is connected and non-blocking; -1 and errno: EAGAIN when the server's backlog is full. A path of more
 * than 107 bytes is cut, and then nobody listens there. */
int kt_unix_connect(const char *path) FAST_FUNC;

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* open(2) that dies with a message in the form of all kt messages: "ktX: unable to open 'NAME': REASON". */
#ifndef KT_OPEN_H
#define KT_OPEN_H 1

#include "libbb.h"

/* O_NOCTTY and O_CLOEXEC are added; a new file gets mode 0666 less the umask. */
int kt_xopen(const char *name, int flags) FAST_FUNC;

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of the newest dump, in a file of the guest, for who looks at it there. */
#ifndef KT_DUMP_TAIL_H
#define KT_DUMP_TAIL_H 1

#include "libbb.h"

enum { KT_TAIL_MAX = 64 * 1024 }; /* a dump of a few tasks is there whole */

/* Starts as zero but for path. */
struct kt_dump_tail {
	const char *path; /* NULL: none is kept */
	size_t len;
	char *bytes; /* none before the first dump */
};

/* A new dump has started. */
void kt_dump_tail_start(struct kt_dump_tail *tail) FAST_FUNC;

/* Bytes of it. */
void kt_dump_tail_add(struct kt_dump_tail *tail, const char *bytes, size_t len) FAST_FUNC;

/* The dump has ended: writes its last KT_TAIL_MAX bytes, whole lines. Not before, since that takes longer than
 * a dump of thousands of tasks leaves to who reads it. Warns when it fails, once. */
void kt_dump_tail_write(struct kt_dump_tail *tail) FAST_FUNC;

#endif

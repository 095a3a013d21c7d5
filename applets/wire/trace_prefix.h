/* SPDX-License-Identifier: GPL-2.0-only */
/* The trace's prefix of a dump line ("  init-1  [001] d..1.  4.639654: sched_ext_dump: "), taken off.
 * Pure. */
#ifndef KT_TRACE_PREFIX_H
#define KT_TRACE_PREFIX_H 1

#include "libbb.h"

enum { KT_PREFIX_MAX = 256 }; /* a line without the tracepoint's name up to here has no prefix */

/* Starts as zero. */
struct kt_trace_prefix {
	char head[KT_PREFIX_MAX];
	unsigned len;
	bool passed; /* the prefix of this line is behind us */
};

/* Takes the prefixes off the bytes, cut anywhere; out has room for len + KT_PREFIX_MAX. Returns what is
 * in out. */
size_t kt_trace_prefix_strip(struct kt_trace_prefix *prefix,
		const char *bytes, size_t len, char *out) FAST_FUNC;

#endif

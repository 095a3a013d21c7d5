/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a sched_ext dump starts and ends in a trace. Pure: bytes in, events out. */
#ifndef KT_DUMP_SCAN_H
#define KT_DUMP_SCAN_H 1

#include "libbb.h"

enum kt_dump_event {
	KT_DUMP_NONE,
	KT_DUMP_STARTED,  /* the first line of a dump has come */
	KT_DUMP_COMPLETE, /* the line with the end marker has been read whole */
};

enum {
	/* A dump line has at most 1023 bytes (struct scx_dump_data in kernel/sched/ext.c) behind the trace's prefix. */
	KT_DUMP_LINE_MAX = 2048,
	/* What is kept of a longer line, so that a marker is found wherever it stands; longer than each marker. */
	KT_DUMP_TAIL = 64,
};

/* Starts as zero. */
struct kt_dump_scan {
	char line[KT_DUMP_LINE_MAX];
	unsigned len;
	bool open; /* a dump has started and not ended */
	bool end_seen; /* in this line */
};

/* Reads on until an event or the end of the bytes; returns how many it has taken. Pieces may be cut anywhere. */
size_t kt_dump_scan(struct kt_dump_scan *scan, const char *bytes, size_t len, enum kt_dump_event *event) FAST_FUNC;

#endif

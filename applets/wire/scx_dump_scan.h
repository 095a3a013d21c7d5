/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a sched_ext dump starts and ends in a trace, and what it says of itself. Pure: bytes in, events
 * out. */
#ifndef KT_DUMP_SCAN_H
#define KT_DUMP_SCAN_H 1

#include "libbb.h"

enum kt_dump_event {
	KT_DUMP_NONE,
	KT_DUMP_STARTED, /* the first line of a dump has come; scan->line[0..len) is what there is of it */
	KT_DUMP_ENDED,   /* the line with the end marker has been read whole */
};

/* How the end of a dump was recognised */
enum kt_dump_rule {
	KT_RULE_NONE,      /* it was not: the dump is cut off */
	KT_RULE_COUNTER,   /* the last event counter's line */
	KT_RULE_TRUNCATED, /* the kernel's own ~~~~ TRUNCATED ~~~~ */
	KT_RULE_QUIET,     /* a kernel without counters, and nothing came for a while behind the CPU section */
	KT_RULE_STATE,     /* the scheduler is gone, and all that the ring had was read */
};
extern const char *const kt_dump_rules[];

enum kt_dump_type { KT_DUMP_UNKNOWN, KT_DUMP_ERROR, KT_DUMP_SYSRQ };
extern const char *const kt_dump_types[];

enum {
	/* A dump line has at most 1023 bytes (struct scx_dump_data in kernel/sched/ext.c) behind the trace's
	 * prefix. */
	KT_DUMP_LINE_MAX = 2048,
	/* What is kept of a longer line, so that a marker is found wherever it stands; longer than each marker. */
	KT_DUMP_LINE_OVERLAP = 64,
	KT_DUMP_REASON_MAX = 256,
};

/* Starts as zero. */
struct kt_dump_scan {
	char line[KT_DUMP_LINE_MAX];
	unsigned len;
	enum kt_dump_rule line_rule; /* the end marker seen in a part of this line that is not kept */
	/* The last event counter of this kernel. Empty: it has none (before 6.15), or nothing was attached yet
	 * to learn it from; then the one of 7.1 and later ends a dump, and so does the quiet behind its CPU
	 * section. */
	char counter[KT_DUMP_LINE_OVERLAP];
	bool open; /* a dump has started and not ended */
	/* Of the newest dump */
	unsigned number; /* from 1 */
	enum kt_dump_type type;
	enum kt_dump_rule rule;
	int kind; /* exit kind of an error dump */
	char reason[KT_DUMP_REASON_MAX];
	bool reason_next; /* the next line is the reason */
	bool cpus_seen; /* the CPU section has begun; or lines were lost, and its first one may be among them */
	uint64_t bytes, lines;
	uint64_t lost; /* events that the ring lost, since the dump before */
};

/* Reads on until an event or the end of the bytes; returns how many it has taken. Pieces may be cut
 * anywhere. */
size_t kt_dump_scan(struct kt_dump_scan *scan, const char *bytes, size_t len,
		enum kt_dump_event *event) FAST_FUNC;

/* Ends an open dump for a reason that is not in the bytes. */
void kt_dump_end(struct kt_dump_scan *scan, enum kt_dump_rule rule) FAST_FUNC;

/* Whether the newest dump is all there, as far as can be known. */
bool kt_dump_is_complete(const struct kt_dump_scan *scan) FAST_FUNC;

/* Whether nothing but quiet, or the scheduler's end, may be left to come of an open dump. */
bool kt_dump_may_end_quietly(const struct kt_dump_scan *scan) FAST_FUNC;

/* Learns the last counter from the text of root/events ("NAME VALUE" lines). */
void kt_dump_learn(struct kt_dump_scan *scan, const char *events) FAST_FUNC;

#endif

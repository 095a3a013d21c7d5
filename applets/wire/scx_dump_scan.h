/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds where a sched_ext dump starts and ends in a trace, whose it is, and its type, kind and reason. Pure: bytes
 * in, events out. docs/internals/wire.md, "A dump in the trace", has the rules. */
#ifndef KT_DUMP_SCAN_H
#define KT_DUMP_SCAN_H 1

#include "libbb.h"

enum kt_dump_event {
	KT_DUMP_NONE,
	/* At these two, scan->line[0..len) are bytes of the dump, in place of those that were read. */
	KT_DUMP_STARTED,
	KT_DUMP_RESUMED, /* the end of the newest dump was an imitation, by its scheduler: the dump goes on */
	KT_DUMP_ENDED,   /* the line with the end marker is complete */
};

/* How the end of a dump was recognised */
enum kt_dump_rule {
	KT_RULE_NONE,    /* not at all: the dump is cut off */
	KT_RULE_COUNTER, /* the last event counter's line */
	KT_RULE_QUIET,   /* a kernel without counters, and nothing came for a while after the CPU section */
	KT_RULE_STATE,   /* the scheduler has ended, and the whole ring was read */
};
extern const char *const kt_dump_rules[];

enum kt_dump_type { KT_DUMP_UNKNOWN, KT_DUMP_ERROR, KT_DUMP_SYSRQ };
extern const char *const kt_dump_types[];

enum {
	/* A dump line has at most 1023 bytes (struct scx_dump_data in kernel/sched/ext.c) after the trace's prefix. Of a
	 * longer one the rest is no structure. */
	KT_DUMP_LINE_MAX = 2048,
	KT_DUMP_HELD_MAX = 2 * KT_DUMP_LINE_MAX, /* the first two lines of a dump */
	KT_DUMP_COUNTER_MAX = 64,
	KT_DUMP_REASON_MAX = 256,
	KT_DUMP_NAME_MAX = 128, /* SCX_OPS_NAME_LEN */
	KT_DUMP_CGROUP_MAX = 512,
	KT_DUMP_SUBS_MAX = 64,
	/* The kernel writes a dump without a pause, with interrupts off. One task of user space needs longer to ask for
	 * the next one. */
	KT_DUMP_PAUSE_US = 100,
};

/* Where in the guest a line was written: the trace's prefix. */
struct kt_trace_place {
	bool known;
	long pid, cpu;
	char irq; /* h in a hard interrupt */
	char pinned; /* how often migration is disabled; . not at all */
	uint64_t us;
};

/* Starts as zero. */
struct kt_dump_scan {
	char line[KT_DUMP_HELD_MAX];
	unsigned len;
	unsigned line_at; /* the present line begins here, after a line that is held back */
	bool line_passed; /* line[] was given to the caller at the last event */
	/* The last event counter of this kernel. Empty: the kernel has none (before 6.15), or no scheduler has been
	 * attached to learn it from. Then the last counter of 7.1 and later ends a dump, and so does quiet after its
	 * CPU section. */
	char counter[KT_DUMP_COUNTER_MAX];
	uint64_t subs[KT_DUMP_SUBS_MAX]; /* cgroup ids of the sub-schedulers that the kernel has announced */
	unsigned sub_count; /* more than KT_DUMP_SUBS_MAX: any may exist */
	bool open; /* a dump has started and not ended */
	/* Of the newest dump */
	unsigned number; /* from 1 */
	enum kt_dump_type type;
	enum kt_dump_rule rule;
	int kind; /* exit kind of an error dump */
	char name[KT_DUMP_NAME_MAX]; /* of its scheduler; empty before 7.1, whose dumps have none */
	uint64_t sub; /* cgroup id of a sub-scheduler; 0: the root */
	char cgroup[KT_DUMP_CGROUP_MAX]; /* of a sub-scheduler */
	char reason[KT_DUMP_REASON_MAX];
	uint8_t part; /* which line of the head is next; see scx_dump_scan.c */
	uint8_t section; /* how much of the counters' heading has come */
	bool cpus_seen; /* the CPU section has begun; or lines were lost, perhaps its first one */
	uint64_t bytes, lines;
	uint64_t lost; /* events that the ring lost since the previous dump, up to this one's end */
	uint64_t lost_between; /* since then */
	uint64_t lost_or_words; /* by lines that may be of the exit message */
	struct kt_trace_place first, end; /* of its first and last line */
	bool names_known, has_names; /* whether a dump of this kernel begins with its scheduler's name */
};

/* Reads up to the next event or the end of the bytes; returns how many bytes it has read. Pieces may be cut
 * anywhere. */
size_t kt_dump_scan(struct kt_dump_scan *scan, const char *bytes, size_t len,
		enum kt_dump_event *event) FAST_FUNC;

/* Ends an open dump for a reason that is not in the bytes. */
void kt_dump_end(struct kt_dump_scan *scan, enum kt_dump_rule rule) FAST_FUNC;

/* Whether the newest dump is complete, as far as can be known. */
bool kt_dump_is_complete(const struct kt_dump_scan *scan) FAST_FUNC;

/* Whether quiet, or the scheduler's end, may be all that is left to end an open dump. */
bool kt_dump_may_end_quietly(const struct kt_dump_scan *scan) FAST_FUNC;

/* Learns the last counter from the text of root/events ("NAME VALUE" lines). */
void kt_dump_learn(struct kt_dump_scan *scan, const char *events) FAST_FUNC;

/* Learns that a sub-scheduler exists for this cgroup; 0: that any may exist. */
void kt_dump_learn_sub(struct kt_dump_scan *scan, uint64_t cgroup_id) FAST_FUNC;

#endif

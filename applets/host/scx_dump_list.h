/* SPDX-License-Identifier: GPL-2.0-only */
/* The sched_ext dumps of a run, as its frames tell of them. */
#ifndef KT_DUMP_LIST_H
#define KT_DUMP_LIST_H 1

#include "frame_reader.h"
#include "scx_dump_scan.h"

enum { KT_DUMPS_MAX = 999 };

/* Starts as zero. */
struct kt_dump_list {
	unsigned count; /* dumps 1..count are known of */
	/* Text of dump i+1's scx-dump-end frame, malloc'ed; of one that was cut off, what its bytes say. NULL:
	 * it has not ended. */
	char *ends[KT_DUMPS_MAX];
	struct kt_dump_scan scan; /* of the newest dump, while it has not ended; number 0: of none */
};

/* A scx-dump or scx-dump-end frame; numbers over KT_DUMPS_MAX are passed over. */
void kt_dump_list_bytes(struct kt_dump_list *list, const struct kt_frame *frame) FAST_FUNC;
void kt_dump_list_end(struct kt_dump_list *list, const struct kt_frame *frame) FAST_FUNC;

/* At the end of the stream: the guest died in the middle of a dump, whose head says why it was made. */
void kt_dump_list_cut_off(struct kt_dump_list *list) FAST_FUNC;

/* Whether all dumps are there whole */
bool kt_dump_list_is_complete(const struct kt_dump_list *list) FAST_FUNC;

/* A JSON array in one line */
void kt_dump_list_print(const struct kt_dump_list *list, FILE *out) FAST_FUNC;

#endif

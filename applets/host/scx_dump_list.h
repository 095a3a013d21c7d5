/* SPDX-License-Identifier: GPL-2.0-only */
/* The sched_ext dumps of a run, by its frames. */
#ifndef KT_DUMP_LIST_H
#define KT_DUMP_LIST_H 1

#include "frame_reader.h"
#include "scx_dump_scan.h"

enum { KT_DUMPS_MAX = 999 };

/* Starts as zero. */
struct kt_dump_list {
	unsigned count; /* the highest number of a dump that is known */
	/* Text of dump i+1's scx-dump-end frame, malloc'ed; if it was cut off, made from its bytes. NULL: it has not
	 * ended. */
	char *ends[KT_DUMPS_MAX];
	struct kt_dump_scan scan; /* of the newest dump, while it is open; number 0: none is */
};

/* A scx-dump or scx-dump-end frame; numbers over KT_DUMPS_MAX are ignored. */
void kt_dump_list_bytes(struct kt_dump_list *list, const struct kt_frame *frame) FAST_FUNC;
void kt_dump_list_end(struct kt_dump_list *list, const struct kt_frame *frame) FAST_FUNC;

/* At the end of the stream: if the guest died during a dump, takes type and reason from the bytes. */
void kt_dump_list_cut_off(struct kt_dump_list *list) FAST_FUNC;

/* Whether all dumps are complete */
bool kt_dump_list_is_complete(const struct kt_dump_list *list) FAST_FUNC;

/* A JSON array in one line */
void kt_dump_list_print(const struct kt_dump_list *list, FILE *out) FAST_FUNC;

#endif

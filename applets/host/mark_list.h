/* SPDX-License-Identifier: GPL-2.0-only */
/* The marks of a run: what happened when, on the guest's clock. */
#ifndef KT_MARK_LIST_H
#define KT_MARK_LIST_H 1

#include "frame_reader.h"

enum { KT_MARKS_KEPT = 1000 };

/* Starts as zero. */
struct kt_mark_list {
	uint64_t count; /* all that came; the first KT_MARKS_KEPT are kept */
	struct {
		uint64_t ms; /* since the guest's boot */
		char *text; /* malloc'ed, at most KT_MARK_TEXT_MAX bytes */
	} marks[KT_MARKS_KEPT];
};

void kt_mark_list_add(struct kt_mark_list *list, const struct kt_frame *frame) FAST_FUNC;

/* A JSON array in one line, in the order of arrival */
void kt_mark_list_print(const struct kt_mark_list *list, FILE *out) FAST_FUNC;

#endif

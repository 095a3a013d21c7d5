/* SPDX-License-Identifier: GPL-2.0-only */
/* One status line on a terminal: what the guest is doing, and for how long. */
#ifndef KT_PROGRESS_H
#define KT_PROGRESS_H 1

#include "clock.h"
#include "frame_reader.h"

/* Starts as zero: off. */
struct kt_progress {
	bool on;
	bool shown; /* the line is on the terminal now */
	bool in_line; /* the payload has begun a line there: ours waits for its end */
	const char *doing, *before_dump;
	int64_t since_ms;
};

void kt_progress_start(struct kt_progress *progress) FAST_FUNC;

/* A well-formed frame may tell that the guest does something else now. */
void kt_progress_frame(struct kt_progress *progress, const struct kt_frame *frame) FAST_FUNC;

/* To be called before anything else is written to the terminal, and at the end */
void kt_progress_erase(struct kt_progress *progress) FAST_FUNC;

/* What was written to a terminal since */
void kt_progress_wrote(struct kt_progress *progress, const uint8_t *bytes, size_t len) FAST_FUNC;

/* Draws the line anew. */
void kt_progress_show(struct kt_progress *progress) FAST_FUNC;

/* When it should be drawn next: its seconds change */
int64_t kt_progress_next_ms(const struct kt_progress *progress) FAST_FUNC;

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* The reader of a frame stream that nobody vouches for: bytes in, frames and damage out.
 * Pure: no descriptors, no allocation, no exit. The algorithm is stated in docs/internals/wire.md, "Reading". */
#ifndef KT_FRAME_READER_H
#define KT_FRAME_READER_H 1

#include "wire.h"

enum {
	KT_CHECKPOINT_STEP = 64, /* bytes between two checksum marks */
	/* The largest frame, and slack so that moving it to the front is paid once in 4 MiB. */
	KT_WINDOW_SIZE = KT_LENGTH_MAX + 4 * 1024 * 1024,
	KT_CHECKPOINTS = KT_WINDOW_SIZE / KT_CHECKPOINT_STEP + 1,
};

enum kt_found {
	KT_MORE,      /* give it more bytes: kt_reader_space(), kt_reader_filled() */
	KT_FRAME,     /* a frame with a right checksum */
	KT_DAMAGE,    /* bytes that are no frame, up to the next frame or the end */
	KT_TRUNCATED, /* the stream ends within what may well have been a frame */
	KT_END,       /* nothing is left */
};

/* What kt_reader_next() found; the payload is valid until the next call on the reader. */
struct kt_frame {
	uint64_t offset; /* in the stream, of the first byte */
	uint64_t size; /* bytes of the stream that it covers */
	bool has_header; /* tag and length below mean something (always so for KT_FRAME) */
	uint32_t tag;
	uint32_t length;
	const uint8_t *payload;
};

struct kt_reader {
	uint8_t *window; /* KT_WINDOW_SIZE bytes of the caller's */
	/* KT_CHECKPOINTS of the caller's: the checksum of what the search has passed, every KT_CHECKPOINT_STEP bytes */
	uint32_t *checkpoints;
	uint64_t base; /* stream offset of window[0] */
	size_t start, end; /* the unread part of the window */
	size_t taken; /* bytes of the frame handed out last */
	size_t checkpoints_to; /* the last valid mark; used only while searching */
	bool searching; /* behind damage: start moves byte by byte */
	bool at_eof;
	struct kt_frame lost; /* the damage that the search began with */
};

/* All of *reader that is not set here starts as zero. */
void kt_reader_init(struct kt_reader *reader, uint8_t *window, uint32_t *checkpoints) FAST_FUNC;

/* Where the next bytes go; *space is at least 1 MiB. Payloads handed out before are gone. */
uint8_t *kt_reader_space(struct kt_reader *reader, size_t *space) FAST_FUNC;
void kt_reader_filled(struct kt_reader *reader, size_t count) FAST_FUNC;

/* No more bytes will come: what waits for the rest of a frame is decided now. */
void kt_reader_eof(struct kt_reader *reader) FAST_FUNC;

enum kt_found kt_reader_next(struct kt_reader *reader, struct kt_frame *frame) FAST_FUNC;

#endif

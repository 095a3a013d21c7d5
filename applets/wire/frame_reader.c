/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reader of a frame stream. The guest that wrote it may have died at any point, or be hostile.
 *
 * In:  the stream's bytes, in pieces of any size.
 * Out: each frame with a right checksum; each stretch of bytes that is no frame, once; a truncated end.
 *
 * After damage every byte may start the next frame, and a hostile stream can announce a 16 MiB payload every
 * few bytes. Hashing each candidate anew would take hours, so the search stores checkpoints: a candidate's
 * checksum follows from the checkpoints around its two ends (kt_crc32_of_tail), at a cost that does not depend
 * on its length.
 */
//kbuild:lib-y += frame_reader.o
//kbuild:CFLAGS_frame_reader.o := -O2

#include "crc32.h"
#include "frame_reader.h"

enum { SPACE_MIN = 1024 * 1024 };

void FAST_FUNC kt_reader_init(struct kt_reader *reader, uint8_t *window, uint32_t *checkpoints)
{
	memset(reader, 0, sizeof(*reader));
	reader->window = window;
	reader->checkpoints = checkpoints;
}

static void extend_checkpoints(struct kt_reader *r, size_t position)
{
	while (r->checkpoints_to < position / KT_CHECKPOINT_STEP) {
		r->checkpoints[r->checkpoints_to + 1] = kt_crc32(r->checkpoints[r->checkpoints_to],
				r->window + r->checkpoints_to * KT_CHECKPOINT_STEP, KT_CHECKPOINT_STEP);
		r->checkpoints_to++;
	}
}

/* Drops what was read, in whole checkpoint steps, so that the checkpoints keep their positions. */
static void slide(struct kt_reader *r)
{
	size_t steps = r->start / KT_CHECKPOINT_STEP;
	size_t shift = steps * KT_CHECKPOINT_STEP;

	if (r->searching) {
		extend_checkpoints(r, r->start);
		memmove(r->checkpoints, r->checkpoints + steps, (r->checkpoints_to - steps + 1) * sizeof(r->checkpoints[0]));
		r->checkpoints_to -= steps;
	}
	memmove(r->window, r->window + shift, r->end - shift);
	r->base += shift;
	r->start -= shift;
	r->end -= shift;
}

static void consume_taken(struct kt_reader *r)
{
	r->start += r->taken;
	r->taken = 0;
}

/* Moves less than was read since the last move, so moving costs no more than reading did; and touches only as
 * much of the window as the largest frame needs. */
uint8_t* FAST_FUNC kt_reader_space(struct kt_reader *r, size_t *space)
{
	consume_taken(r);
	if (r->start >= r->end - r->start || KT_WINDOW_SIZE - r->end < SPACE_MIN)
		slide(r);
	*space = KT_WINDOW_SIZE - r->end;
	return r->window + r->end;
}

void FAST_FUNC kt_reader_filled(struct kt_reader *r, size_t count)
{
	r->end += count;
}

void FAST_FUNC kt_reader_eof(struct kt_reader *r)
{
	r->at_eof = true;
}

/* The checksum from the checkpoint where the search began up to position */
static uint32_t crc_up_to(struct kt_reader *r, size_t position)
{
	size_t checkpoint = position / KT_CHECKPOINT_STEP;

	extend_checkpoints(r, position);
	return kt_crc32(r->checkpoints[checkpoint], r->window + checkpoint * KT_CHECKPOINT_STEP,
			position % KT_CHECKPOINT_STEP);
}

static bool crc_is_right(struct kt_reader *r, const struct kt_header *header)
{
	size_t payload = r->start + KT_HEADER_LEN;
	uint32_t before;

	if (!r->searching)
		return kt_crc32(0, r->window + payload, header->length) == header->crc;
	before = crc_up_to(r, payload);
	return kt_crc32_of_tail(before, crc_up_to(r, payload + header->length), header->length) == header->crc;
}

static void begin_search(struct kt_reader *r, const struct kt_header *header)
{
	memset(&r->lost, 0, sizeof(r->lost));
	r->lost.offset = r->base + r->start;
	if (header) {
		r->lost.has_header = true;
		r->lost.tag = header->tag;
		r->lost.length = header->length;
	}
	r->searching = true;
	r->checkpoints_to = r->start / KT_CHECKPOINT_STEP;
	r->checkpoints[r->checkpoints_to] = 0;
	r->start++;
}

static enum kt_found end_search(struct kt_reader *r, struct kt_frame *frame, enum kt_found found)
{
	r->searching = false;
	*frame = r->lost;
	frame->size = r->base + r->start - frame->offset;
	return found;
}

/* What stands at start: a whole frame, the beginning of one, or neither (then KT_DAMAGE). */
static enum kt_found classify_at_start(struct kt_reader *r, struct kt_header *header)
{
	size_t have = r->end - r->start;

	if (have < KT_HEADER_LEN)
		return KT_MORE;
	if (!kt_header_decode(r->window + r->start, header))
		return KT_DAMAGE;
	if (have - KT_HEADER_LEN < header->length)
		return KT_MORE;
	return crc_is_right(r, header) ? KT_FRAME : KT_DAMAGE;
}

/* Finds the first frame with a right checksum from start on; at the stream's end all of the rest is damage. */
static enum kt_found search(struct kt_reader *r, struct kt_frame *frame)
{
	struct kt_header header;

	for (; r->end - r->start >= KT_HEADER_LEN; r->start++) {
		enum kt_found found = classify_at_start(r, &header);

		if (found == KT_FRAME)
			return end_search(r, frame, KT_DAMAGE);
		if (found == KT_MORE && !r->at_eof)
			return KT_MORE;
	}
	if (!r->at_eof)
		return KT_MORE;
	r->start = r->end;
	return end_search(r, frame, KT_DAMAGE);
}

/* The stream ends within the frame at start. If a whole frame follows, the length was damaged. */
static enum kt_found decide_tail(struct kt_reader *r, const struct kt_header *header, struct kt_frame *frame)
{
	enum kt_found found;

	begin_search(r, header);
	found = search(r, frame);
	return r->start == r->end ? KT_TRUNCATED : found;
}

static enum kt_found found_frame(struct kt_reader *r, const struct kt_header *header, struct kt_frame *frame)
{
	r->taken = KT_HEADER_LEN + header->length;
	frame->offset = r->base + r->start;
	frame->size = r->taken;
	frame->has_header = true;
	frame->tag = header->tag;
	frame->length = header->length;
	frame->payload = r->window + r->start + KT_HEADER_LEN;
	return KT_FRAME;
}

enum kt_found FAST_FUNC kt_reader_next(struct kt_reader *r, struct kt_frame *frame)
{
	struct kt_header header;
	bool has_header;

	consume_taken(r);
	if (r->searching)
		return search(r, frame);
	if (r->start == r->end)
		return r->at_eof ? KT_END : KT_MORE;
	switch (classify_at_start(r, &header)) {
	case KT_FRAME:
		return found_frame(r, &header, frame);
	case KT_MORE:
		if (!r->at_eof)
			return KT_MORE;
		has_header = r->end - r->start >= KT_HEADER_LEN;
		return decide_tail(r, has_header ? &header : NULL, frame);
	default:
		has_header = kt_header_decode(r->window + r->start, &header);
		begin_search(r, has_header ? &header : NULL);
		return search(r, frame);
	}
}

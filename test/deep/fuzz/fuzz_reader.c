/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktrecv's frame reader against a decoder of this file's own, written from docs/internals/wire.md, "Reading": it has
 * the whole stream at once, and tries each place in turn, with a bytewise checksum of its own.
 *
 * In:  control bytes, then a stream. Even first byte: the rest is the stream as it is. Odd: the rest is a
 *      list of commands that make one, with right frames, damaged ones and bytes between; random bytes
 *      alone would hardly ever hit a right checksum. The second byte seeds the sizes of the pieces that the
 *      reader is fed.
 * Out: an abort where the two differ: a frame lost, a frame invented, another offset, size, kind or payload.
 */
#include "frame_reader.h"
#include "input.h"

enum { STREAM_MAX = 1024 }; /* the oracle is of quadratic cost */

struct found {
	enum kt_found kind;
	uint64_t offset, size;
};

static uint8_t stream[STREAM_MAX];
static size_t stream_len;

static uint32_t crc_of_byte(uint32_t byte)
{
	unsigned bit;

	for (bit = 0; bit < 8; bit++)
		byte = byte & 1 ? byte >> 1 ^ 0xedb88320 : byte >> 1;
	return byte;
}

static uint32_t oracle_crc(const uint8_t *bytes, size_t len)
{
	static uint32_t table[256];
	uint32_t crc = 0xffffffff;
	unsigned i;

	if (table[1] == 0)
		for (i = 0; i < 256; i++)
			table[i] = crc_of_byte(i);
	for (; len > 0; bytes++, len--)
		crc = crc >> 8 ^ table[(crc ^ *bytes) & 0xff];
	return ~crc;
}

static uint32_t number_at(size_t at)
{
	return stream[at] + 256u * stream[at + 1] + 65536u * stream[at + 2] + 16777216u * stream[at + 3];
}

static void put_number(uint8_t *to, uint32_t value)
{
	unsigned i;

	for (i = 0; i < 4; i++, value /= 256)
		to[i] = value % 256;
}

/* Rule 1, the header */
static bool oracle_header(size_t at)
{
	unsigned i;

	if (stream_len - at < 16)
		return false;
	for (i = 0; i < 4; i++)
		if (stream[at + i] < 0x21 || stream[at + i] > 0x7e)
			return false;
	return number_at(at + 4) <= 16777216 && number_at(at + 12) == 0;
}

/* Rule 1, the checksum: the size of the frame at this place, 0 when there is none */
static size_t oracle_frame(size_t at)
{
	size_t len;

	if (!oracle_header(at))
		return 0;
	len = number_at(at + 4);
	if (len > stream_len - at - 16 || oracle_crc(stream + at + 16, len) != number_at(at + 8))
		return 0;
	return 16 + len;
}

/* Rules 2 and 3: what begins at this place, and how far it goes */
static struct found oracle_next(size_t at)
{
	struct found found = { KT_FRAME, at, oracle_frame(at) };
	bool announced_more;
	size_t to;

	if (found.size > 0)
		return found;
	for (to = at + 1; to < stream_len && oracle_frame(to) == 0; to++)
		continue;
	announced_more = stream_len - at < 16
		|| (oracle_header(at) && number_at(at + 4) > stream_len - at - 16);
	found.kind = to == stream_len && announced_more ? KT_TRUNCATED : KT_DAMAGE;
	found.size = to - at;
	return found;
}

static void add(const uint8_t *bytes, size_t len)
{
	len = MIN(len, STREAM_MAX - stream_len);
	memcpy(stream + stream_len, bytes, len);
	stream_len += len;
}

static void add_frame(struct list *list)
{
	static const uint8_t tag[4] = "TUOS";
	uint8_t frame[16 + 4 * 127];
	size_t len = next_byte(list), i;

	if (len > 128) /* long ones cross the marks of the reader's checksum */
		len = (len - 128) * 4;
	memset(frame, 0, 16);
	memcpy(frame, tag, 4);
	put_number(frame + 4, len);
	for (i = 0; i < len; i++)
		frame[16 + i] = i < 8 ? next_byte(list) : (uint8_t)(i * 7);
	put_number(frame + 8, oracle_crc(frame + 16, len));
	add(frame, 16 + len);
}

static void add_raw(struct list *list)
{
	size_t len;
	const uint8_t *bytes = next_bytes(list, &len);

	add(bytes, len);
}

/* A header that announces more, or other, than there is */
static void add_header(struct list *list)
{
	uint8_t header[16] = "RREB";
	unsigned shift = next_byte(list) % 26;

	put_number(header + 4, next_byte(list) << shift);
	put_number(header + 8, next_byte(list));
	add(header, 16);
}

/* All that stands there becomes the payload of one frame, with a right or a wrong checksum. */
static void wrap(bool right)
{
	static const uint8_t tag[4] = "PARW";

	if (stream_len + 16 > STREAM_MAX)
		return;
	memmove(stream + 16, stream, stream_len);
	memset(stream, 0, 16);
	memcpy(stream, tag, 4);
	put_number(stream + 4, stream_len);
	put_number(stream + 8, oracle_crc(stream + 16, stream_len) ^ !right);
	stream_len += 16;
}

static void make_stream(struct list *list)
{
	unsigned at;

	while (list->len > 0)
		switch (next_byte(list) % 8) {
		case 0:
		case 1:
		case 2:
			add_frame(list);
			break;
		case 3:
			add_raw(list);
			break;
		case 4:
			add_header(list);
			break;
		case 5: /* a bit of what stands there is damaged */
			at = next_byte(list) + 256 * next_byte(list);
			if (stream_len > 0)
				stream[stream_len - 1 - at % stream_len] ^= 1 << next_byte(list) % 8;
			break;
		case 6: /* the end is lost */
			at = next_byte(list);
			stream_len -= MIN(stream_len, at);
			break;
		case 7:
			wrap(next_byte(list) & 1);
		}
}

static void expect(bool holds, const char *what, size_t at)
{
	if (holds)
		return;
	fprintf(stderr, "the reader and the oracle differ at %zu of %zu bytes: %s\n", at, stream_len, what);
	abort();
}

static void compare(const struct kt_frame *frame, enum kt_found kind, size_t *at)
{
	struct found want = oracle_next(*at);

	expect(kind == want.kind, "another kind", *at);
	expect(frame->offset == want.offset, "another offset", *at);
	expect(frame->size == want.size, "another size", *at);
	expect(frame->has_header == oracle_header(*at), "another opinion of the header", *at);
	if (kind == KT_FRAME) {
		expect(frame->tag == number_at(*at), "another type", *at);
		expect(frame->length == want.size - 16, "another length", *at);
		expect(memcmp(frame->payload, stream + *at + 16, frame->length) == 0, "another payload", *at);
	}
	*at += want.size;
}

/* Gives the reader its next piece, at most what there is room for. */
static void feed(struct kt_reader *reader, size_t *fed, uint32_t *seed)
{
	size_t room, size;
	uint8_t *to = kt_reader_space(reader, &room);

	if (*fed == stream_len) {
		kt_reader_eof(reader);
		return;
	}
	size = next_size(seed, MIN(room, stream_len - *fed));
	memcpy(to, stream + *fed, size);
	kt_reader_filled(reader, size);
	*fed += size;
}

static void check(uint32_t seed)
{
	static uint8_t *window;
	static uint32_t *marks;
	struct kt_reader reader;
	struct kt_frame frame;
	enum kt_found kind;
	size_t at = 0, fed = 0;

	if (!window) {
		window = xmalloc(KT_WINDOW_SIZE);
		marks = xmalloc(KT_CHECKPOINTS * sizeof(marks[0]));
	}
	kt_reader_init(&reader, window, marks);
	/* near the window's end, so that it slides: as if so many bytes had been read before */
	if (seed & 1)
		reader.start = reader.end = KT_WINDOW_SIZE - 1024 * 1024 - (seed >> 1) * 8;
	reader.base = 0 - (uint64_t)reader.start;
	while ((kind = kt_reader_next(&reader, &frame)) != KT_END) {
		if (kind == KT_MORE)
			feed(&reader, &fed, &seed);
		else
			compare(&frame, kind, &at);
	}
	expect(at == stream_len, "an end too early", at);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct list list = { bytes + 2, len - 2 };

	if (len < 2)
		return 0;
	stream_len = 0;
	if (bytes[0] & 1)
		make_stream(&list);
	else
		add(list.bytes, list.len);
	check(bytes[1]);
	return 0;
}

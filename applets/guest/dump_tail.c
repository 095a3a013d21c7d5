/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The end of the newest dump, in a file of the guest.
 *
 * In:  the bytes of a dump, as they stand in the trace. Out: the last of them in a file, for `kt status`: the
 *      ring is empty once it was read, and all of the dump is on the host only.
 */
//kbuild:lib-$(CONFIG_KTPIPE) += dump_tail.o

#include "dump_tail.h"

enum { ROOM = 2 * KT_TAIL_MAX }; /* so that the oldest bytes rarely have to be moved out */

void FAST_FUNC kt_dump_tail_start(struct kt_dump_tail *tail)
{
	tail->len = 0;
	if (tail->path && !tail->bytes)
		tail->bytes = malloc(ROOM);
	if (!tail->bytes)
		tail->path = NULL; /* without memory its owner lives on */
}

void FAST_FUNC kt_dump_tail_add(struct kt_dump_tail *tail, const char *bytes, size_t len)
{
	if (!tail->path)
		return;
	if (len > KT_TAIL_MAX) {
		bytes += len - KT_TAIL_MAX;
		len = KT_TAIL_MAX;
	}
	if (tail->len + len > ROOM) {
		memmove(tail->bytes, tail->bytes + tail->len - KT_TAIL_MAX, KT_TAIL_MAX);
		tail->len = KT_TAIL_MAX;
	}
	memcpy(tail->bytes + tail->len, bytes, len);
	tail->len += len;
}

/* What is kept begins with a line's beginning. */
static size_t first_kept(const struct kt_dump_tail *tail)
{
	size_t start = tail->len - KT_TAIL_MAX;
	const char *end_of_line;

	if (tail->len <= KT_TAIL_MAX)
		return 0;
	end_of_line = memchr(tail->bytes + start, '\n', KT_TAIL_MAX);
	return end_of_line ? (size_t)(end_of_line + 1 - tail->bytes) : start;
}

void FAST_FUNC kt_dump_tail_write(struct kt_dump_tail *tail)
{
	size_t start = first_kept(tail);
	ssize_t len = tail->len - start;
	int fd;

	if (!tail->path)
		return;
	fd = open(tail->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || full_write(fd, tail->bytes + start, len) != len) {
		bb_perror_msg("unable to write '%s'", tail->path);
		tail->path = NULL;
	}
	if (fd >= 0)
		close(fd);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A queue of bytes that grows up to a bound. It is a ring, so that a long or full queue costs no more.
 *
 * In:  bytes. Out: the same bytes to a slow descriptor, or a count of those that did not fit.
 */
//kbuild:lib-y += byte_queue.o
//kbuild:CFLAGS_byte_queue.o := -O2

#include "byte_queue.h"

enum { CAPACITY_MIN = 64 * 1024 };

static void copy_in(char *ring, size_t capacity, size_t at, const char *bytes, size_t len)
{
	size_t first = MIN(len, capacity - at);

	memcpy(ring + at, bytes, first);
	memcpy(ring, bytes + first, len - first);
}

/* malloc(3) rather than xmalloc(): without memory the queue drops bytes, but its owner lives on. */
static bool grow(struct kt_byte_queue *queue, size_t wanted)
{
	size_t capacity = MIN(MAX(wanted, MAX(2 * queue->capacity, (size_t)CAPACITY_MIN)), queue->max);
	size_t first = MIN(queue->len, queue->capacity - queue->start);
	char *ring;

	if (wanted > queue->max)
		return false;
	ring = malloc(capacity);
	if (!ring)
		return false;
	if (queue->len > 0) { /* else there is no ring yet to copy from */
		memcpy(ring, queue->ring + queue->start, first);
		memcpy(ring + first, queue->ring, queue->len - first);
	}
	free(queue->ring);
	queue->ring = ring;
	queue->capacity = capacity;
	queue->start = 0;
	return true;
}

void FAST_FUNC kt_queue_add(struct kt_byte_queue *queue, const char *bytes, size_t len)
{
	if (len == 0) /* there may be no ring yet, and no bytes */
		return;
	if (queue->capacity - queue->len < len && !grow(queue, queue->len + len)) {
		queue->dropped += len;
		return;
	}
	copy_in(queue->ring, queue->capacity, (queue->start + queue->len) % queue->capacity, bytes, len);
	queue->len += len;
}

int FAST_FUNC kt_queue_write(struct kt_byte_queue *queue, int fd, size_t max)
{
	size_t next = MIN(queue->len, queue->capacity - queue->start);
	ssize_t written;

	if (next == 0)
		return 0;
	written = safe_write(fd, queue->ring + queue->start, MIN(next, max));

	if (written < 0)
		return errno == EAGAIN ? 0 : -1;
	queue->start = (queue->start + written) % queue->capacity;
	queue->len -= written;
	return 0;
}

void FAST_FUNC kt_queue_drop(struct kt_byte_queue *queue)
{
	queue->dropped += queue->len;
	queue->len = 0;
}

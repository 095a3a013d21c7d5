/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A queue of bytes that grows up to a bound.
 *
 * In:  bytes from who must not wait. Out: the same bytes to a slow descriptor, or a count of those that found no room.
 */
#include "byte_queue.h"

enum { GROWTH_MIN = 64 * 1024 };

static void move_to_front(struct kt_byte_queue *queue)
{
	memmove(queue->bytes, queue->bytes + queue->start, kt_queue_len(queue));
	queue->end -= queue->start;
	queue->start = 0;
}

/* realloc(3) rather than xrealloc(): without memory the queue drops bytes, but its owner lives on */
static bool grow(struct kt_byte_queue *queue, size_t wanted)
{
	size_t room = MIN(MAX(MAX(wanted, 2 * queue->room), (size_t)GROWTH_MIN), queue->max);
	char *bytes;

	if (wanted > queue->max)
		return false;
	bytes = realloc(queue->bytes, room);
	if (!bytes)
		return false;
	queue->bytes = bytes;
	queue->room = room;
	return true;
}

static bool make_room(struct kt_byte_queue *queue, size_t len)
{
	if (queue->room - queue->end >= len)
		return true;
	if (queue->start > queue->room / 2) /* so that each byte is moved once on average */
		move_to_front(queue);
	if (queue->room - queue->end >= len || grow(queue, queue->end + len))
		return true;
	move_to_front(queue);
	return queue->room - queue->end >= len || grow(queue, queue->end + len);
}

void FAST_FUNC kt_queue_add(struct kt_byte_queue *queue, const char *bytes, size_t len)
{
	if (!make_room(queue, len)) {
		queue->dropped += len;
		return;
	}
	memcpy(queue->bytes + queue->end, bytes, len);
	queue->end += len;
}

int FAST_FUNC kt_queue_write(struct kt_byte_queue *queue, int fd)
{
	ssize_t written = safe_write(fd, queue->bytes + queue->start, kt_queue_len(queue));

	if (written < 0)
		return errno == EAGAIN ? 0 : -1;
	queue->start += written;
	if (queue->start == queue->end)
		queue->start = queue->end = 0;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* A queue of bytes that grows up to a bound, for a reader that must not wait for its writer. */
#ifndef KT_BYTE_QUEUE_H
#define KT_BYTE_QUEUE_H 1

#include "libbb.h"

/* Starts as zero but for max. */
struct kt_byte_queue {
	char *ring;
	size_t capacity; /* of ring */
	size_t start; /* of the queued bytes; they go on at the ring's beginning */
	size_t len;
	size_t max;
	uint64_t dropped; /* bytes that found no room */
};

/* Adds all of the bytes; or none, and counts them as dropped, when the bound or the memory is reached. */
void kt_queue_add(struct kt_byte_queue *queue, const char *bytes, size_t len) FAST_FUNC;

/* Writes what a non-blocking descriptor takes now of the next max bytes. 0, or -1 and errno (never
 * EAGAIN). */
int kt_queue_write(struct kt_byte_queue *queue, int fd, size_t max) FAST_FUNC;

/* Drops all of it, and counts it. */
void kt_queue_drop(struct kt_byte_queue *queue) FAST_FUNC;

#endif

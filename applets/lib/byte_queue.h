/* SPDX-License-Identifier: GPL-2.0-only */
/* A queue of bytes that grows up to a bound: for a process that must not wait for a slow descriptor. */
#ifndef KT_BYTE_QUEUE_H
#define KT_BYTE_QUEUE_H 1

#include "libbb.h"

/* Starts as zero but for max. */
struct kt_byte_queue {
	char *ring;
	size_t capacity; /* of ring */
	size_t start; /* of the queued bytes, which continue at the ring's beginning */
	size_t len;
	size_t max;
	uint64_t dropped; /* bytes that did not fit */
};

/* Adds all of the bytes. At the bound, or without memory, adds none and counts them as dropped. */
void kt_queue_add(struct kt_byte_queue *queue, const char *bytes, size_t len) FAST_FUNC;

/* Writes as many of the next max bytes as a non-blocking descriptor takes now. 0, or -1 and errno (never
 * EAGAIN). */
int kt_queue_write(struct kt_byte_queue *queue, int fd, size_t max) FAST_FUNC;

/* Drops all bytes, and counts them. */
void kt_queue_drop(struct kt_byte_queue *queue) FAST_FUNC;

#endif

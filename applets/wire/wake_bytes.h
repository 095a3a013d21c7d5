/* SPDX-License-Identifier: GPL-2.0-only */
/* What the wake bytes of one read ask for. Pure: bytes in, actions out. */
#ifndef KT_WAKE_BYTES_H
#define KT_WAKE_BYTES_H 1

#include "libbb.h"

/* One of the two: a command for the kernel's sysrq file, or a latch to set */
struct kt_wake_action {
	uint8_t byte;
	char sysrq;
	const char *latch;
};

/* The next thing to do for all bytes of one read: each once, shutdown last. *AT starts as 0; NULL is the
 * end. */
const struct kt_wake_action *kt_wake_next(const uint8_t *bytes, size_t len, unsigned *at) FAST_FUNC;

/* How many of the bytes mean nothing */
unsigned kt_wake_unknown(const uint8_t *bytes, size_t len) FAST_FUNC;

/* "wake:0xd1,0xd3": the bytes that came, as a mark tells of them: not those that mean nothing, nor the
 * answer to the exit frame, behind which nothing comes. As many as find room in text[size], at least 10;
 * false when there is none. */
bool kt_wake_text(char *text, size_t size, const uint8_t *bytes, size_t len) FAST_FUNC;

#endif

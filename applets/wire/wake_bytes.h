/* SPDX-License-Identifier: GPL-2.0-only */
/* The actions that the wake bytes of one read ask for. Pure: bytes in, actions out. */
#ifndef KT_WAKE_BYTES_H
#define KT_WAKE_BYTES_H 1

#include "libbb.h"

/* One of the two: a command for the kernel's sysrq file, or a latch to set */
struct kt_wake_action {
	uint8_t byte;
	char sysrq;
	const char *latch;
};

/* The next action for the bytes of one read: each once, shutdown last. *AT starts as 0; NULL is the end. */
const struct kt_wake_action *kt_wake_next(const uint8_t *bytes, size_t len, unsigned *at) FAST_FUNC;

/* How many of the bytes have no meaning */
unsigned kt_wake_unknown(const uint8_t *bytes, size_t len) FAST_FUNC;

/* "wake:0xd1,0xd3": the text of a mark, for the bytes that came. Without bytes that have no meaning, and without
 * the answer to the exit frame, after which no frame follows. text[size] holds at least 10 bytes of them; more
 * are left out. False when none is left. */
bool kt_wake_text(char *text, size_t size, const uint8_t *bytes, size_t len) FAST_FUNC;

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Absolute deadlines on CLOCK_MONOTONIC, in milliseconds. A timeout is recomputed from its deadline at
 * every wait. */
#ifndef KT_CLOCK_H
#define KT_CLOCK_H 1

#include "libbb.h"

#define KT_NEVER INT64_MAX

static inline int64_t kt_now_ms(void)
{
	return monotonic_us() / 1000;
}

/* Of seconds that a user gave: no time is too long to be counted, and none is converted out of range. */
static inline int64_t kt_seconds_to_ms(double seconds)
{
	static const double century = 100 * 366 * 86400.0;

	return (int64_t)(MIN(seconds, century) * 1000);
}

static inline int64_t kt_after_ms(int64_t ms)
{
	return kt_now_ms() + ms;
}

static inline int64_t kt_earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The timeout that poll(2) wants: -1 for KT_NEVER, 0 when it is over. Rounded up, so that a loop does not
 * spin. */
static inline int kt_poll_timeout(int64_t deadline)
{
	int64_t left;

	if (deadline == KT_NEVER)
		return -1;
	left = deadline - kt_now_ms();
	if (left < 0)
		return 0;
	return left < INT_MAX ? left + 1 : INT_MAX;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marks: when, on the guest's clock, something happened.
 *
 * In:  what happened, and when; the word of a text, up to its first blank. Out: a mark frame.
 */
//kbuild:lib-y += mark.o

#include "mark.h"

bool FAST_FUNC kt_marks_wanted(void)
{
	return getenv("KT_MARKS") != NULL;
}

uint32_t FAST_FUNC kt_mark_encode(uint8_t *payload, int64_t ms, const char *text, size_t len)
{
	len = MIN(len, (size_t)KT_MARK_TEXT_MAX);
	kt_put_u64(payload, ms);
	memcpy(payload + KT_STAMP_LEN, text, len);
	return KT_STAMP_LEN + len;
}

void FAST_FUNC kt_port_mark_at(int fd, int64_t ms, const char *text, int64_t deadline, bool *term_came)
{
	struct kt_out out;
	uint32_t len;

	if (!kt_marks_wanted())
		return;
	len = kt_mark_encode(out.payload, ms, text, strcspn(text, " "));
	if (term_came)
		kt_port_send_until(fd, &out, KT_MARK, len, deadline, term_came);
	else
		kt_port_send(fd, &out, KT_MARK, len);
}

void FAST_FUNC kt_port_mark(int fd, const char *text, int64_t deadline, bool *term_came)
{
	kt_port_mark_at(fd, kt_now_ms(), text, deadline, term_came);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* The trace's prefix of a dump line, taken off. In: dump bytes, cut anywhere. Out: the text that the
 * kernel dumped. */
//kbuild:lib-y += trace_prefix.o
//kbuild:CFLAGS_trace_prefix.o := -O2

#include "trace_prefix.h"

static const char name[] = "sched_ext_dump: ";

static size_t emit_head(struct kt_trace_prefix *prefix, char *out)
{
	size_t len = prefix->len;

	memcpy(out, prefix->head, len);
	prefix->len = 0;
	return len;
}

/* One byte of a line's head; returns what goes to out. */
static size_t take_head_byte(struct kt_trace_prefix *prefix, char byte, char *out)
{
	unsigned name_len = sizeof(name) - 1;

	prefix->head[prefix->len++] = byte;
	if (prefix->len >= name_len && memcmp(prefix->head + prefix->len - name_len, name, name_len) == 0) {
		prefix->len = 0;
		prefix->passed = true;
		return 0;
	}
	if (byte != '\n' && prefix->len < KT_PREFIX_MAX)
		return 0;
	prefix->passed = byte != '\n';
	return emit_head(prefix, out);
}

size_t FAST_FUNC kt_trace_prefix_strip(struct kt_trace_prefix *prefix,
		const char *bytes, size_t len, char *out)
{
	size_t given = 0;

	for (; len > 0; bytes++, len--) {
		if (!prefix->passed) {
			given += take_head_byte(prefix, *bytes, out + given);
			continue;
		}
		out[given++] = *bytes;
		if (*bytes == '\n')
			prefix->passed = false;
	}
	return given;
}

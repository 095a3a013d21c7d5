/* SPDX-License-Identifier: GPL-2.0-only */
/* The text of a scx-dump-end frame. In: what the scanner knows of a dump; or such a text. Out: the text; or a
 * number in it. */
//kbuild:lib-y += scx_dump_end.o

#include "key_value.h"
#include "scx_dump_end.h"

const char *const kt_dump_keys[KT_DUMP_KEYS] = {
	[KT_DUMP_KEY_NUMBER] = "number",
	[KT_DUMP_KEY_TYPE] = "type",
	[KT_DUMP_KEY_KIND] = "kind",
	[KT_DUMP_KEY_COMPLETE] = "complete",
	[KT_DUMP_KEY_RULE] = "rule",
	[KT_DUMP_KEY_BYTES] = "bytes",
	[KT_DUMP_KEY_LINES] = "lines",
	[KT_DUMP_KEY_LOST] = "lost",
	[KT_DUMP_KEY_UNSENT] = "unsent",
	[KT_DUMP_KEY_REASON] = "reason",
};

char* FAST_FUNC kt_dump_end_text(const struct kt_dump_scan *scan, unsigned long long unsent)
{
	char kind[sizeof(int) * 3 + 2];
	const char *const words[KT_DUMP_KEYS] = {
		[KT_DUMP_KEY_KIND] = kind, /* may be negative: the kernel's text has any number */
		[KT_DUMP_KEY_TYPE] = kt_dump_types[scan->type],
		[KT_DUMP_KEY_RULE] = kt_dump_rules[scan->rule],
		[KT_DUMP_KEY_REASON] = scan->reason,
	};
	const unsigned long long numbers[KT_DUMP_KEYS] = {
		[KT_DUMP_KEY_NUMBER] = scan->number,
		[KT_DUMP_KEY_COMPLETE] = kt_dump_is_complete(scan) && !unsent,
		[KT_DUMP_KEY_BYTES] = scan->bytes,
		[KT_DUMP_KEY_LINES] = scan->lines,
		[KT_DUMP_KEY_LOST] = scan->lost,
		[KT_DUMP_KEY_UNSENT] = unsent,
	};
	char *text = xmalloc(KT_DUMP_TEXT_MAX); /* at most 10 keys with 20 digits each, and KT_DUMP_REASON_MAX */
	size_t len = 0;
	int key;

	sprintf(kind, "%d", scan->kind);
	for (key = 0; key < KT_DUMP_KEYS; key++) {
		len += sprintf(text + len, "%s%s=", key ? " " : "", kt_dump_keys[key]);
		len += words[key] ? sprintf(text + len, "%s", words[key]) : sprintf(text + len, "%llu", numbers[key]);
	}
	return text;
}

unsigned long long FAST_FUNC kt_dump_end_number(const char *text, enum kt_dump_key key)
{
	return text ? kt_number_of(text, kt_dump_keys[key], kt_dump_keys[KT_DUMP_KEY_REASON]) : 0;
}

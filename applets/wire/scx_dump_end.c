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
	[KT_DUMP_KEY_SUB] = "sub",
	[KT_DUMP_KEY_NAME] = "name",
	[KT_DUMP_KEY_CGROUP] = "cgroup",
	[KT_DUMP_KEY_REASON] = "reason",
};

char* FAST_FUNC kt_dump_quote(const char *path)
{
	char *quoted = xmalloc(3 * strlen(path) + 1), *out = quoted;

	for (; *path; path++) {
		if (*path > ' ' && *path < 0x7f && *path != '%')
			*out++ = *path;
		else
			out += sprintf(out, "%%%02x", (uint8_t)*path);
	}
	*out = '\0';
	return quoted;
}

char* FAST_FUNC kt_dump_end_text(const struct kt_dump_scan *scan, unsigned long long unsent)
{
	char kind[sizeof(int) * 3 + 2], *cgroup = kt_dump_quote(scan->cgroup);
	const char *const words[KT_DUMP_KEYS] = {
		[KT_DUMP_KEY_KIND] = kind, /* may be negative: the kernel's text has any number */
		[KT_DUMP_KEY_TYPE] = kt_dump_types[scan->type],
		[KT_DUMP_KEY_RULE] = kt_dump_rules[scan->rule],
		[KT_DUMP_KEY_NAME] = scan->name,
		[KT_DUMP_KEY_CGROUP] = cgroup,
		[KT_DUMP_KEY_REASON] = scan->reason,
	};
	const unsigned long long numbers[KT_DUMP_KEYS] = {
		[KT_DUMP_KEY_NUMBER] = scan->number,
		[KT_DUMP_KEY_COMPLETE] = kt_dump_is_complete(scan) && !unsent,
		[KT_DUMP_KEY_BYTES] = scan->bytes,
		[KT_DUMP_KEY_LINES] = scan->lines,
		[KT_DUMP_KEY_LOST] = scan->lost,
		[KT_DUMP_KEY_UNSENT] = unsent,
		[KT_DUMP_KEY_SUB] = scan->sub,
	};
	char *text = xmalloc(KT_DUMP_TEXT_MAX); /* at most 11 keys with 20 digits each, and the three texts */
	size_t len = 0;
	int key;

	sprintf(kind, "%d", scan->kind);
	for (key = 0; key < KT_DUMP_KEYS; key++) {
		len += sprintf(text + len, "%s%s=", key ? " " : "", kt_dump_keys[key]);
		len += words[key] ? sprintf(text + len, "%s", words[key]) : sprintf(text + len, "%llu", numbers[key]);
	}
	free(cgroup);
	return text;
}

void FAST_FUNC kt_dump_end_unquote(char *path)
{
	char *out = path;

	for (; *path; path++) {
		if (*path == '%' && isxdigit(path[1]) && isxdigit(path[2])) {
			const char digits[] = { path[1], path[2], '\0' };

			*out++ = (char)strtoul(digits, NULL, 16);
			path += 2;
		} else {
			*out++ = *path;
		}
	}
	*out = '\0';
}

unsigned long long FAST_FUNC kt_dump_end_number(const char *text, enum kt_dump_key key)
{
	return text ? kt_number_of(text, kt_dump_keys[key], kt_dump_keys[KT_DUMP_KEY_REASON]) : 0;
}

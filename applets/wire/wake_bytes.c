/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the wake bytes of one read ask for.
 *
 * In:  the bytes. Out: what is to be done, in order; what is to be told of them.
 */
//kbuild:lib-y += wake_bytes.o

#include "wake_bytes.h"

enum { ARTIFACTS_RECEIVED = 0xae };

/* In the order in which they are carried out */
static const struct kt_wake_action actions[] = {
	{ 0xd1, 'D', NULL }, /* first: the others take their time on a slow console */
	{ 0xb7, 't', NULL },
	{ 0xb8, 'w', NULL },
	{ 0xbf, 0, "bpf_map_write_done" },
	{ 0xac, 0, "accessor_ready" },
	{ 0xad, 0, "periodic_ready" },
	{ ARTIFACTS_RECEIVED, 0, "artifacts_received" },
	{ 0xd3, 0, "shutdown" }, /* last: what came with it is done before */
};

const struct kt_wake_action* FAST_FUNC kt_wake_next(const uint8_t *bytes, size_t len, unsigned *at)
{
	while (*at < ARRAY_SIZE(actions)) {
		const struct kt_wake_action *action = &actions[(*at)++];

		if (memchr(bytes, action->byte, len))
			return action;
	}
	return NULL;
}

static bool is_known(uint8_t byte)
{
	unsigned at = 0;

	return kt_wake_next(&byte, 1, &at) != NULL;
}

unsigned FAST_FUNC kt_wake_unknown(const uint8_t *bytes, size_t len)
{
	unsigned unknown = 0;

	for (; len > 0; bytes++, len--)
		unknown += !is_known(*bytes);
	return unknown;
}

bool FAST_FUNC kt_wake_text(char *text, size_t size, const uint8_t *bytes, size_t len)
{
	size_t at = sprintf(text, "wake");
	char separator = ':';

	for (; len > 0 && size - at >= sizeof(":0xff"); bytes++, len--) {
		if (!is_known(*bytes) || *bytes == ARTIFACTS_RECEIVED)
			continue;
		at += sprintf(text + at, "%c0x%02x", separator, *bytes);
		separator = ',';
	}
	return separator == ',';
}

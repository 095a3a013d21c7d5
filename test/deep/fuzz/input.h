/* SPDX-License-Identifier: GPL-2.0-only */
/* What the fuzzers share: an input taken as a list of commands, and the sizes of pieces. */
#ifndef KT_FUZZ_INPUT_H
#define KT_FUZZ_INPUT_H 1

#include "libbb.h"

/* libFuzzer's entry. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* A place in the list of commands */
struct list {
	const uint8_t *bytes;
	size_t len;
};

/* 0 behind the end */
static inline unsigned next_byte(struct list *list)
{
	if (list->len == 0)
		return 0;
	list->len--;
	return *list->bytes++;
}

/* As many bytes as the next one says, or as are left */
static inline const uint8_t *next_bytes(struct list *list, size_t *len)
{
	size_t wanted = next_byte(list);
	const uint8_t *bytes = list->bytes;

	*len = MIN(wanted, list->len);
	list->bytes += *len;
	list->len -= *len;
	return bytes;
}

/* At most this; half of them are small. */
static inline size_t next_size(uint32_t *seed, size_t most)
{
	size_t size;

	*seed = *seed * 1664525 + 1013904223;
	size = *seed >> 16 & 1 ? 1 + (*seed >> 20) % 40 : 1 + (*seed >> 17) % 8192;
	return MIN(size, most);
}

#endif

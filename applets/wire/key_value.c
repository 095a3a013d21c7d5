/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * "key=value" words between blanks.
 *
 * In: a text that a guest may have made up. Out: a place in it.
 */
//kbuild:lib-y += key_value.o

#include "key_value.h"

static bool is_key(const char *word, const char *key)
{
	size_t len = strlen(key);

	return strncmp(word, key, len) == 0 && word[len] == '=';
}

const char* FAST_FUNC kt_value_of(const char *text, const char *key, const char *last)
{
	const char *word = text;

	for (;;) {
		if (is_key(word, key))
			return word + strlen(key) + 1;
		if (is_key(word, last))
			return NULL;
		word = strchr(word, ' ');
		if (!word)
			return NULL;
		word++;
	}
}

unsigned long long FAST_FUNC kt_number_of(const char *text, const char *key, const char *last)
{
	const char *value = kt_value_of(text, key, last);

	return value ? strtoull(value, NULL, 10) : 0;
}

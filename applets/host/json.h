/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes that nobody vouches for, as JSON values on a stdio stream. */
#ifndef KT_JSON_H
#define KT_JSON_H 1

#include "libbb.h"

bool kt_is_utf8(const uint8_t *bytes, size_t len) FAST_FUNC;

/* "..." with all control characters escaped (C1 and DEL too: the line may be shown on a terminal) and
 * what is not UTF-8 replaced by U+FFFD. */
void kt_json_string(FILE *out, const uint8_t *bytes, size_t len) FAST_FUNC;

/* "..." in base64 */
void kt_json_base64(FILE *out, const uint8_t *bytes, size_t len) FAST_FUNC;

/* The value of KEY in a text of "key=value" words (key_value.h), up to the next blank, or all of it for the key
 * LAST; without one the JSON text `otherwise`. */
void kt_json_value_of(FILE *out, const char *text, const char *key, const char *last,
		const char *otherwise) FAST_FUNC;

#endif

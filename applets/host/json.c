/* SPDX-License-Identifier: GPL-2.0-only */
/* Prints untrusted bytes as JSON values. In: bytes. Out: a quoted string on a stdio stream, whose errors the caller
 * checks. */
//kbuild:lib-$(CONFIG_KTRECV) += json.o

#include "json.h"
#include "key_value.h"

/* The length of the UTF-8 character at bytes (RFC 3629: no overlong forms, no surrogates); 0: there is none. */
static unsigned utf8_char(const uint8_t *bytes, size_t left, uint32_t *character)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned len, i;

	if (bytes[0] < 0x80) {
		*character = bytes[0];
		return 1;
	}
	len = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
	if (bytes[0] < 0xc2 || bytes[0] > 0xf4 || len > left)
		return 0;
	*character = bytes[0] & (0x7f >> len);
	for (i = 1; i < len; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		*character = *character << 6 | (bytes[i] & 0x3f);
	}
	if (*character < least[len] || *character > 0x10ffff || (*character & 0xfffff800) == 0xd800)
		return 0;
	return len;
}

bool FAST_FUNC kt_is_utf8(const uint8_t *bytes, size_t len)
{
	uint32_t character;
	unsigned taken;

	for (; len > 0; bytes += taken, len -= taken) {
		taken = utf8_char(bytes, len, &character);
		if (taken == 0)
			return false;
	}
	return true;
}

/* Whether a terminal or a reader of text would act on it: controls, what turns the direction of text around, ends of
 * lines */
static bool is_acted_on(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f
		|| (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static void put_char(FILE *out, const uint8_t *bytes, unsigned len, uint32_t character)
{
	if (character == '"' || character == '\\')
		fprintf(out, "\\%c", (int)character);
	else if (character == '\n')
		fputs("\\n", out);
	else if (is_acted_on(character))
		fprintf(out, "\\u%04x", (unsigned)character);
	else
		fwrite(bytes, 1, len, out);
}

void FAST_FUNC kt_json_string(FILE *out, const uint8_t *bytes, size_t len)
{
	uint32_t character;

	fputc('"', out);
	while (len > 0) {
		unsigned taken = utf8_char(bytes, len, &character);

		if (taken == 0) {
			fputs("\\ufffd", out);
			taken = 1;
		} else {
			put_char(out, bytes, taken, character);
		}
		bytes += taken;
		len -= taken;
	}
	fputc('"', out);
}

void FAST_FUNC kt_json_base64(FILE *out, const uint8_t *bytes, size_t len)
{
	enum { STEP = 3 * 256 }; /* a multiple of 3, so that only the last piece is padded */
	char text[STEP / 3 * 4 + 1];

	fputc('"', out);
	while (len > 0) {
		size_t step = MIN(len, (size_t)STEP);

		bb_uuencode(text, bytes, step, bb_uuenc_tbl_base64);
		fputs(text, out);
		bytes += step;
		len -= step;
	}
	fputc('"', out);
}

void FAST_FUNC kt_json_value_of(FILE *out, const char *text, const char *key, const char *last,
		const char *otherwise)
{
	const char *value = kt_value_of(text, key, last);

	if (value)
		kt_json_string(out, (const uint8_t *)value, strcspn(value, strcmp(key, last) == 0 ? "" : " "));
	else
		fputs(otherwise, out);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CRC-32/ISO-HDLC for frames: polynomial 0xEDB88320 reflected, initial value and final xor 0xFFFFFFFF
 * (the wire document's table "Frame"; test/applets checks the published check value).
 *
 * In:  bytes. Out: their checksum. The table fills itself at the first call; there is one thread.
 *
 * Most bytes see no table. The polynomial divides x^300 + x^155 + x^117 + x^89 + 1 (found by search: up to
 * degree 420 the only multiple of five terms whose second is at least 64 below the first), so a word of the
 * message may be taken out when it is added to the words 145, 183, 211 and 300 bits behind it: the remainder
 * stays the same. All of the message is moved so into its last words, which the table finishes. A load and
 * 20 shifts and xors for eight bytes are twice as fast as a table for each of the eight, and five times in a
 * guest under TCG, where loads are dear (docs/log/performance.md).
 */
//kbuild:lib-y += crc32.o
//kbuild:CFLAGS_crc32.o := -O2

#include "crc32.h"

enum {
	POLYNOMIAL = 0xedb88320,
	WORD = sizeof(uint64_t),
	CARRIED_WORDS = 5, /* 300 bits from a word on */
	FOLD_MIN = CARRIED_WORDS * WORD,
};

static uint32_t table[256];

static void fill_table(void)
{
	unsigned i, k;

	for (i = 0; i < 256; i++) {
		uint32_t c = i;

		for (k = 0; k < 8; k++)
			c = (c >> 1) ^ (c & 1 ? POLYNOMIAL : 0);
		table[i] = c;
	}
}

static uint32_t add_bytes(uint32_t crc, const uint8_t *p, size_t len)
{
	while (len--)
		crc = (crc >> 8) ^ table[(crc ^ *p++) & 0xff];
	return crc;
}

/* Little-endian, since the lowest bit of a byte is the first of the message */
static uint64_t word_at(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, WORD);
	return SWAP_LE64(word);
}

static uint32_t add_word(uint32_t crc, uint64_t word)
{
	const uint64_t bytes = SWAP_LE64(word);

	return add_bytes(crc, (const uint8_t *)&bytes, WORD);
}

/* The last words, with what earlier ones have added to them */
static uint32_t add_last_words(const uint8_t *p, const uint64_t carried[CARRIED_WORDS])
{
	uint32_t crc = 0; /* it has been added to the first word of all */
	unsigned i;

	for (i = 0; i < CARRIED_WORDS; i++, p += WORD)
		crc = add_word(crc, word_at(p) ^ carried[i]);
	return crc;
}

/* Takes the words of at least FOLD_MIN bytes; the last 0 to 7 bytes are left. */
static uint32_t add_words(uint32_t crc, const uint8_t *p, size_t len)
{
	/* what earlier words have added to the one at p, and to the four behind it */
	uint64_t c0 = crc, c1 = 0, c2 = 0, c3 = 0, c4 = 0;

	for (; len >= FOLD_MIN + WORD; len -= WORD, p += WORD) {
		uint64_t word = word_at(p) ^ c0;

		c0 = c1;
		c1 = c2 ^ word << 17 ^ word << 55; /* 145 = 2 * 64 + 17, 183 = 2 * 64 + 55 */
		c2 = c3 ^ word >> 47 ^ word >> 9 ^ word << 19; /* 211 = 3 * 64 + 19 */
		c3 = c4 ^ word >> 45 ^ word << 44; /* 300 = 4 * 64 + 44 */
		c4 = word >> 20;
	}
	return add_last_words(p, (const uint64_t[]){ c0, c1, c2, c3, c4 });
}

uint32_t FAST_FUNC kt_crc32(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *rest = data;

	if (table[1] == 0)
		fill_table();
	crc = ~crc;
	if (len >= FOLD_MIN) {
		crc = add_words(crc, rest, len);
		rest += len - len % WORD;
		len %= WORD;
	}
	return ~add_bytes(crc, rest, len);
}

/* a * b modulo the polynomial; bit 31 is the coefficient of x^0 */
static uint32_t multiply(uint32_t a, uint32_t b)
{
	uint32_t product = 0;

	for (; a != 0; a <<= 1) {
		if (a & 0x80000000)
			product ^= b;
		b = (b >> 1) ^ (b & 1 ? POLYNOMIAL : 0);
	}
	return product;
}

/* x^(8 * len): what a checksum is multiplied by when len bytes follow */
static uint32_t x_to_the_8(uint32_t len)
{
	uint32_t power = 0x80000000; /* x^0 */
	uint32_t square = 0x00800000; /* x^8 */

	for (; len != 0; len >>= 1) {
		if (len & 1)
			power = multiply(power, square);
		square = multiply(square, square);
	}
	return power;
}

uint32_t FAST_FUNC kt_crc32_of_tail(uint32_t crc_a, uint32_t crc_ab, uint32_t len)
{
	/* The initial value and the final xor cancel: crc(ab) = crc(a) * x^(8 len) + crc(b) */
	return crc_ab ^ multiply(x_to_the_8(len), crc_a);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crc_speed: how fast three ways of CRC-32 read memory.
 * In: nothing. Out: MB/s of slicing by eight, of applets/wire/crc32.c itself, and of carry-less multiplication
 * where the processor has it, else 0. Exit: 0; 1 when they disagree.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <immintrin.h>

#define FAST_FUNC
#define SWAP_LE64(word) (word) /* of libbb: this is a PC's program */
#define KT_CRC32_H 1
uint32_t kt_crc32(uint32_t crc, const void *data, size_t len);
uint32_t kt_crc32_of_tail(uint32_t crc_a, uint32_t crc_ab, uint32_t len);
#include "../applets/wire/crc32.c"

enum { SIZE = 32752, ROUNDS = 8000 };

static uint32_t slices[8][256];

static void fill_slices(void)
{
	unsigned i, k;

	for (i = 0; i < 256; i++)
		slices[0][i] = table[i];
	for (k = 1; k < 8; k++)
		for (i = 0; i < 256; i++)
			slices[k][i] = (slices[k - 1][i] >> 8) ^ table[slices[k - 1][i] & 0xff];
}

/* Intel, 2006 */
static uint32_t slicing(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	crc = ~crc;
	for (; len >= 8; len -= 8, p += 8) {
		crc ^= p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
		crc = slices[7][crc & 0xff] ^ slices[6][crc >> 8 & 0xff]
			^ slices[5][crc >> 16 & 0xff] ^ slices[4][crc >> 24]
			^ slices[3][p[4]] ^ slices[2][p[5]] ^ slices[1][p[6]] ^ slices[0][p[7]];
	}
	return ~add_bytes(crc, p, len);
}

/* Folding by four, Gopal and others, "Fast CRC Computation Using PCLMULQDQ", 2009; len is at least 64.
 * The last 16 bytes go through the table. */
__attribute__((target("pclmul,sse4.1")))
static uint32_t clmul(uint32_t crc, const void *data, size_t len)
{
	const __m128i k12 = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);
	const __m128i k34 = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
	const __m128i *p = data;
	uint8_t rest[16];
	__m128i x[4];
	int i;

	for (i = 0; i < 4; i++)
		x[i] = _mm_loadu_si128(p + i);
	x[0] = _mm_xor_si128(x[0], _mm_cvtsi32_si128(~crc));
	for (p += 4, len -= 64; len >= 64; p += 4, len -= 64)
		for (i = 0; i < 4; i++)
			x[i] = _mm_xor_si128(_mm_loadu_si128(p + i), _mm_xor_si128(
				_mm_clmulepi64_si128(x[i], k12, 0x00), _mm_clmulepi64_si128(x[i], k12, 0x11)));
	for (i = 1; i < 4; i++)
		x[0] = _mm_xor_si128(x[i], _mm_xor_si128(
			_mm_clmulepi64_si128(x[0], k34, 0x00), _mm_clmulepi64_si128(x[0], k34, 0x11)));
	_mm_storeu_si128((__m128i *)rest, x[0]);
	return kt_crc32(~add_bytes(0, rest, 16), p, len);
}

static double speed(uint32_t (*crc)(uint32_t, const void *, size_t), const uint8_t *data)
{
	struct timespec from, to;
	volatile uint32_t sink;
	int i;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (i = 0; i < ROUNDS; i++)
		sink = crc(0, data, SIZE);
	clock_gettime(CLOCK_MONOTONIC, &to);
	(void)sink;
	return (double)SIZE * ROUNDS / ((to.tv_sec - from.tv_sec) * 1e9 + to.tv_nsec - from.tv_nsec) * 1e3;
}

int main(void)
{
	int has_clmul = __builtin_cpu_supports("pclmul");
	uint8_t *data = malloc(SIZE);
	int i;

	for (i = 0; i < SIZE; i++)
		data[i] = rand();
	kt_crc32(0, data, 1); /* fills the table */
	fill_slices();
	if (kt_crc32(0, data, SIZE) != slicing(0, data, SIZE)
	 || (has_clmul && kt_crc32(0, data, SIZE) != clmul(0, data, SIZE))
	) {
		return 1;
	}
	printf("%.0f %.0f %.0f\n", speed(slicing, data), speed(kt_crc32, data),
		has_clmul ? speed(clmul, data) : 0.0);
	return 0;
}

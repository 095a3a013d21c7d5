/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kthvc's dispatcher (applets/wire/wake_bytes.c) against the table "Wake bytes" of docs/internals/wire.md.
 *
 * In:  a byte that seeds the sizes of the reads, and the bytes from the host.
 * Out: an abort where for the bytes of one read the two differ: an action left out, invented, done twice or
 *      in another order, another count of unknown bytes, another text of the mark.
 */
#include "input.h"
#include "wake_bytes.h"

enum { READ_MAX = 256 };

/* As the table has them, and its rules of order: D, t, w, the latches, shutdown */
static const struct {
	unsigned char byte;
	const char *action;
	bool told;
} rows[] = {
	{ 0xd1, "sysrq D", true },
	{ 0xb7, "sysrq t", true },
	{ 0xb8, "sysrq w", true },
	{ 0xbf, "latch bpf_map_write_done", true },
	{ 0xac, "latch accessor_ready", true },
	{ 0xad, "latch periodic_ready", true },
	{ 0xae, "latch artifacts_received", false },
	{ 0xd3, "latch shutdown", true },
};
enum { ROWS = ARRAY_SIZE(rows) };

static unsigned row_of(uint8_t byte)
{
	unsigned row = 0;

	while (row < ROWS && rows[row].byte != byte)
		row++;
	return row;
}

static void expect(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "the dispatcher and the oracle differ: %s\n", what);
	abort();
}

static void compare_actions(const uint8_t *bytes, size_t len, const unsigned *counts)
{
	const struct kt_wake_action *action;
	unsigned at = 0, row;

	for (row = 0; row < ROWS; row++) {
		char text[64];

		if (counts[row] == 0)
			continue;
		action = kt_wake_next(bytes, len, &at);
		expect(action != NULL, "an action is left out");
		if (action->latch)
			snprintf(text, sizeof(text), "latch %s", action->latch);
		else
			snprintf(text, sizeof(text), "sysrq %c", action->sysrq);
		expect(strcmp(text, rows[row].action) == 0, "another action");
	}
	expect(kt_wake_next(bytes, len, &at) == NULL, "an action too many");
}

/* The mark's text: of all bytes that are told of, as many whole words as there is room for. */
static void compare_text(const uint8_t *bytes, size_t len, size_t size)
{
	char text[READ_MAX], wanted[sizeof("wake") + READ_MAX * sizeof(":0xff")] = "wake";
	size_t i, words = 0;
	bool told;

	for (i = 0; i < len; i++) {
		unsigned row = row_of(bytes[i]);

		if (row == ROWS || !rows[row].told)
			continue;
		strcat(wanted, words++ ? "," : ":");
		sprintf(wanted + strlen(wanted), "0x%02x", bytes[i]);
	}
	while (strlen(wanted) >= size)
		*strrchr(wanted, ',') = '\0';
	memset(text, '?', sizeof(text));
	told = kt_wake_text(text, size, bytes, len);
	expect(told == (words > 0), "another opinion of whether to tell");
	expect(!told || strcmp(text, wanted) == 0, "another text");
	expect(text[size] == '?', "more text than there is room for");
}

static void check_read(const uint8_t *bytes, size_t len, size_t size)
{
	unsigned counts[ROWS + 1] = { 0 }; /* the last: of those without a row */
	size_t i;

	for (i = 0; i < len; i++)
		counts[row_of(bytes[i])]++;
	compare_actions(bytes, len, counts);
	expect(kt_wake_unknown(bytes, len) == counts[ROWS], "another count of unknown bytes");
	compare_text(bytes, len, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint32_t seed;
	size_t size;

	if (len < 1)
		return 0;
	seed = *bytes++;
	for (len--; len > 0; bytes += size, len -= size) {
		size = next_size(&seed, MIN(len, READ_MAX));
		check_read(bytes, size, 10 + (seed >> 24) % (READ_MAX - 10));
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sched_ext dumps of a run.
 *
 * In:  scx-dump frames (their number), scx-dump-end frames ("number=1 type=error ... reason=TEXT", see
 *      dump_sender.c).
 * Out: an array for result.json. The text is the guest's: it is taken apart word by word, and quoted.
 */
#include "dump_list.h"
#include "json.h"
#include "words.h"

static unsigned long long number_of(const char *text, const char *key)
{
	const char *value = text ? kt_value_of(text, key, "reason") : NULL;

	return value ? strtoull(value, NULL, 10) : 0;
}

static void know_of(struct kt_dump_list *list, uint32_t number)
{
	if (number <= KT_DUMPS_MAX && number > list->count)
		list->count = number;
}

void FAST_FUNC kt_dump_list_bytes(struct kt_dump_list *list, const struct kt_frame *frame)
{
	know_of(list, kt_get_u32(frame->payload));
}

void FAST_FUNC kt_dump_list_end(struct kt_dump_list *list, const struct kt_frame *frame)
{
	char *text = xstrndup((const char *)frame->payload, MIN(frame->length, (uint32_t)KT_DUMP_TEXT_MAX));
	unsigned long long number = number_of(text, "number");

	if (number == 0 || number > KT_DUMPS_MAX) {
		free(text);
		return;
	}
	know_of(list, number);
	free(list->ends[number - 1]);
	list->ends[number - 1] = text;
}

bool FAST_FUNC kt_dump_list_is_complete(const struct kt_dump_list *list)
{
	unsigned i;

	for (i = 0; i < list->count; i++)
		if (number_of(list->ends[i], "complete") != 1)
			return false;
	return true;
}

static void print_word(FILE *out, const char *text, const char *key)
{
	const char *value = text ? kt_value_of(text, key, "reason") : NULL;

	fprintf(out, ",\"%s\":", key);
	if (!value)
		value = "unknown";
	kt_json_string(out, (const uint8_t *)value, strcspn(value, strcmp(key, "reason") == 0 ? "" : " "));
}

static void print_dump(FILE *out, unsigned number, const char *text)
{
	static const char *const numbers[] = { "kind", "bytes", "lines", "lost", "unsent" };
	unsigned i;

	fprintf(out, "{\"number\":%u,\"complete\":%s", number, number_of(text, "complete") == 1 ? "true" : "false");
	print_word(out, text, "type");
	print_word(out, text, "rule");
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		fprintf(out, ",\"%s\":%llu", numbers[i], number_of(text, numbers[i]));
	print_word(out, text, "reason");
	fputc('}', out);
}

void FAST_FUNC kt_dump_list_print(const struct kt_dump_list *list, FILE *out)
{
	unsigned i;

	fputc('[', out);
	for (i = 0; i < list->count; i++) {
		if (i > 0)
			fputc(',', out);
		print_dump(out, i + 1, list->ends[i]);
	}
	fputc(']', out);
}

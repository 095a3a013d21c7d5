/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sched_ext dumps of a run.
 *
 * In:  scx-dump frames; scx-dump-end frames ("number=1 type=error ... reason=TEXT", see dump_scan.h), which
 *      are missing where the guest died in the middle of a dump: then its bytes tell as much.
 * Out: an array for stream.json. The text is the guest's: it is taken apart word by word, and quoted.
 */
//kbuild:lib-$(CONFIG_KTRECV) += scx_dump_list.o

#include "json.h"
#include "scx_dump_end.h"
#include "scx_dump_list.h"

static void note_number(struct kt_dump_list *list, uint32_t number)
{
	if (number <= KT_DUMPS_MAX && number > list->count)
		list->count = number;
}

void FAST_FUNC kt_dump_list_cut_off(struct kt_dump_list *list)
{
	unsigned number = list->scan.number;

	if (number == 0)
		return;
	kt_dump_end(&list->scan, KT_RULE_NONE); /* whatever it looks like: nobody has said that it is whole */
	if (!list->ends[number - 1])
		list->ends[number - 1] = kt_dump_end_text(&list->scan, 0);
	memset(&list->scan, 0, sizeof(list->scan));
}

/* The scanner finds starts and ends of its own: here the frames say which dump the bytes are of. */
static void scan_bytes(struct kt_dump_list *list, uint32_t number, const char *bytes, size_t len)
{
	enum kt_dump_event event;

	if (list->scan.number != number)
		kt_dump_list_cut_off(list);
	while (len > 0) {
		size_t taken = kt_dump_scan(&list->scan, bytes, len, &event);

		list->scan.number = number;
		bytes += taken;
		len -= taken;
	}
}

void FAST_FUNC kt_dump_list_bytes(struct kt_dump_list *list, const struct kt_frame *frame)
{
	uint32_t number = kt_get_u32(frame->payload);

	note_number(list, number);
	if (number > 0 && number <= KT_DUMPS_MAX && !list->ends[number - 1])
		scan_bytes(list, number, (const char *)frame->payload + KT_NUMBER_LEN, frame->length - KT_NUMBER_LEN);
}

void FAST_FUNC kt_dump_list_end(struct kt_dump_list *list, const struct kt_frame *frame)
{
	char *text = xstrndup((const char *)frame->payload, MIN(frame->length, (uint32_t)KT_DUMP_TEXT_MAX));
	unsigned long long number = kt_dump_end_number(text, KT_DUMP_KEY_NUMBER);

	if (number == 0 || number > KT_DUMPS_MAX) {
		free(text);
		return;
	}
	note_number(list, number);
	free(list->ends[number - 1]);
	list->ends[number - 1] = text;
}

bool FAST_FUNC kt_dump_list_is_complete(const struct kt_dump_list *list)
{
	unsigned i;

	for (i = 0; i < list->count; i++)
		if (kt_dump_end_number(list->ends[i], KT_DUMP_KEY_COMPLETE) != 1)
			return false;
	return true;
}

static void print_word(FILE *out, const char *text, enum kt_dump_key key)
{
	fprintf(out, ",\"%s\":", kt_dump_keys[key]);
	kt_json_value_of(out, text ? text : "", kt_dump_keys[key], kt_dump_keys[KT_DUMP_KEY_REASON], "\"unknown\"");
}

static void print_dump(FILE *out, unsigned number, const char *text)
{
	static const uint8_t numbers[] = {
		KT_DUMP_KEY_KIND, KT_DUMP_KEY_BYTES, KT_DUMP_KEY_LINES, KT_DUMP_KEY_LOST, KT_DUMP_KEY_UNSENT
	};
	bool complete = kt_dump_end_number(text, KT_DUMP_KEY_COMPLETE) == 1;
	unsigned i;

	fprintf(out, "{\"number\":%u,\"complete\":%s", number, complete ? "true" : "false");
	print_word(out, text, KT_DUMP_KEY_TYPE);
	print_word(out, text, KT_DUMP_KEY_RULE);
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		fprintf(out, ",\"%s\":%llu", kt_dump_keys[numbers[i]], kt_dump_end_number(text, numbers[i]));
	print_word(out, text, KT_DUMP_KEY_REASON);
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

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sched_ext dumps of a run.
 *
 * In:  scx-dump frames; scx-dump-end frames (see scx_dump_end.h), of which the last is missing when the guest
 *      died during a dump: then the bytes of the dump are scanned instead.
 * Out: an array for stream.json. The text is the guest's: it is parsed word by word, and quoted.
 */
//kbuild:lib-$(CONFIG_KTRECV) += scx_dump_list.o

#include "json.h"
#include "key_value.h"
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
	kt_dump_end(&list->scan, KT_RULE_NONE); /* however it ends: the guest has not said that it is complete */
	if (!list->ends[number - 1])
		list->ends[number - 1] = kt_dump_end_text(&list->scan, 0);
	memset(&list->scan, 0, sizeof(list->scan));
}

/* The scanner numbers dumps by their starts; here the number is that of the frame. */
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

/* A dump goes on after its end, which its scheduler had imitated. It is complete when another end comes. */
static void take_back_end(char *text)
{
	char *complete = (char *)kt_value_of(text, kt_dump_keys[KT_DUMP_KEY_COMPLETE], kt_dump_keys[KT_DUMP_KEY_REASON]);

	if (complete && *complete == '1')
		*complete = '0';
}

void FAST_FUNC kt_dump_list_bytes(struct kt_dump_list *list, const struct kt_frame *frame)
{
	uint32_t number = kt_get_u32(frame->payload);

	note_number(list, number);
	if (number == 0 || number > KT_DUMPS_MAX)
		return;
	if (list->ends[number - 1])
		take_back_end(list->ends[number - 1]);
	else
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

/* null: the kernel or ktpipe did not say it; of a cgroup also: the root scheduler's */
static void print_owner(FILE *out, const char *text, const char *as, enum kt_dump_key key)
{
	const char *value = text ? kt_value_of(text, kt_dump_keys[key], kt_dump_keys[KT_DUMP_KEY_REASON]) : NULL;
	char *word = xstrndup(value ? value : "", value ? strcspn(value, " ") : 0);

	fprintf(out, ",\"%s\":", as);
	kt_dump_end_unquote(word);
	if (*word)
		kt_json_string(out, (const uint8_t *)word, strlen(word));
	else
		fputs("null", out);
	free(word);
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
	print_owner(out, text, "scheduler", KT_DUMP_KEY_NAME);
	print_owner(out, text, "cgroup", KT_DUMP_KEY_CGROUP);
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

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tests of a run.
 *
 * In:  test-case frames. Out: keys for result.json. Nobody vouches for the text: a test whose status is
 *      neither "passed" nor "skipped" has failed, whatever it says.
 */
//kbuild:lib-$(CONFIG_KTRECV) += test_list.o

#include "json.h"
#include "test_list.h"
#include "key_value.h"

static bool status_is(const char *text, const char *status)
{
	const char *value = kt_value_of(text, "status", "message");

	return value && strcspn(value, " ") == strlen(status) && is_prefixed_with(value, status);
}

void FAST_FUNC kt_test_list_add(struct kt_test_list *list, const struct kt_frame *frame)
{
	char *text = xstrndup((const char *)frame->payload, MIN(frame->length, (uint32_t)KT_TEST_TEXT_MAX));

	list->passed += status_is(text, "passed");
	list->skipped += status_is(text, "skipped");
	if (list->kept == list->count && list->kept < KT_TESTS_KEPT && list->kept_bytes < KT_TEST_TEXTS_MAX) {
		list->texts[list->kept++] = text;
		list->kept_bytes += strlen(text);
	} else {
		free(text);
	}
	list->count++;
}

static void print_word(FILE *out, const char *text, const char *key)
{
	const char *value = kt_value_of(text, key, "message");

	fprintf(out, ",\"%s\":", key);
	if (value)
		kt_json_string(out, (const uint8_t *)value, strcspn(value, strcmp(key, "message") == 0 ? "" : " "));
	else
		fputs("null", out);
}

static void print_test(FILE *out, const char *text)
{
	const char *ms = kt_value_of(text, "ms", "message");
	const char *status = "failed";

	if (status_is(text, "passed") || status_is(text, "skipped"))
		status = status_is(text, "passed") ? "passed" : "skipped";
	fprintf(out, "{\"status\":\"%s\",\"ms\":%llu", status, ms ? strtoull(ms, NULL, 10) : 0);
	print_word(out, text, "file");
	print_word(out, text, "name");
	print_word(out, text, "message");
	fputc('}', out);
}

void FAST_FUNC kt_test_list_print(const struct kt_test_list *list, FILE *out)
{
	unsigned i;

	fprintf(out, "  \"tests_passed\": %llu,\n  \"tests_failed\": %llu,\n  \"tests_skipped\": %llu,\n",
		(unsigned long long)list->passed,
		(unsigned long long)(list->count - list->passed - list->skipped),
		(unsigned long long)list->skipped);
	fputs("  \"tests\": [", out);
	for (i = 0; i < list->kept; i++) {
		if (i > 0)
			fputc(',', out);
		print_test(out, list->texts[i]);
	}
	fputs("],\n", out);
}

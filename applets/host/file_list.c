/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files that a guest has sent.
 *
 * In:  file and file-end frames (see ktget.c). Out: an array for stream.json. All text is the guest's: it is
 *      taken apart word by word, bounded, and quoted.
 */
//kbuild:lib-$(CONFIG_KTRECV) += file_list.o

#include "file_list.h"
#include "json.h"
#include "key_value.h"

bool FAST_FUNC kt_file_entry_parse(struct kt_file_entry *entry, const struct kt_frame *frame)
{
	const char *bytes = (const char *)frame->payload + KT_NUMBER_LEN;
	size_t len = frame->length - KT_NUMBER_LEN;
	char *path;

	if (len > KT_FILE_TEXT_MAX || memchr(bytes, '\0', len))
		return false;
	entry->text = xstrndup(bytes, len);
	path = strstr(entry->text, " path=");
	if (!path || !is_prefixed_with(entry->text, "kind=")) {
		free(entry->text);
		return false;
	}
	*path = '\0'; /* what is before it are words, and it is free text */
	entry->path = path + strlen(" path=");
	entry->error = kt_number_of(entry->text, "errno", "");
	entry->kind = entry->text + strlen("kind=");
	*strchrnul(entry->kind, ' ') = '\0';
	return true;
}

struct kt_file_record* FAST_FUNC kt_file_list_find(struct kt_file_list *list, uint32_t number)
{
	unsigned i;

	for (i = list->count; i > 0; i--)
		if (list->records[i - 1].number == number)
			return &list->records[i - 1];
	return NULL;
}

struct kt_file_record* FAST_FUNC kt_file_list_begin(struct kt_file_list *list, uint32_t number,
		const char *path)
{
	struct kt_file_record *record;

	if (list->count == KT_GETS_MAX)
		return NULL;
	record = &list->records[list->count++];
	record->number = number;
	record->path = xstrdup(path);
	return record;
}

void FAST_FUNC kt_file_record_fail(struct kt_file_record *record, const char *path, const char *why)
{
	record->failed++;
	if (!record->reason)
		record->reason = xasprintf("%s: %s", path, why);
}

void FAST_FUNC kt_file_record_end(struct kt_file_record *record, const struct kt_frame *frame)
{
	free(record->end);
	record->end = xstrndup((const char *)frame->payload + KT_NUMBER_LEN,
		MIN(frame->length - KT_NUMBER_LEN, (uint32_t)KT_PATH_MAX));
}

/* As much arrived as was sent, and that is all there was. */
static bool is_complete(const struct kt_file_record *record)
{
	return record->end && record->failed == 0 && kt_number_of(record->end, "failed", "") == 0
		&& kt_number_of(record->end, "files", "") == record->files
		&& kt_number_of(record->end, "folders", "") == record->folders
		&& kt_number_of(record->end, "bytes", "") == record->bytes
		&& record->files + record->folders > 0;
}

bool FAST_FUNC kt_file_list_is_complete(const struct kt_file_list *list)
{
	unsigned i;

	for (i = 0; i < list->count; i++)
		if (!is_complete(&list->records[i]))
			return false;
	return true;
}

static const char *reason_of(const struct kt_file_record *record)
{
	if (record->reason)
		return record->reason;
	if (is_complete(record))
		return NULL;
	if (!record->end)
		return "its end never came";
	return record->skipped ? "neither a file nor a directory" : "not all of it arrived";
}

static void print_record(const struct kt_file_record *record, FILE *out)
{
	const char *reason = reason_of(record);

	fputs("{\"path\":", out);
	kt_json_string(out, (const uint8_t *)record->path, strlen(record->path));
	fprintf(out, ",\"complete\":%s,\"files\":%llu,\"folders\":%llu,\"bytes\":%llu",
		is_complete(record) ? "true" : "false", record->files, record->folders, record->bytes);
	fprintf(out, ",\"skipped\":%llu,\"failed\":%llu", record->skipped, record->failed);
	fputs(",\"reason\":", out);
	if (reason)
		kt_json_string(out, (const uint8_t *)reason, strlen(reason));
	else
		fputs("null", out);
	fputc('}', out);
}

void FAST_FUNC kt_file_list_print(const struct kt_file_list *list, FILE *out)
{
	unsigned i;

	fputc('[', out);
	for (i = 0; i < list->count; i++) {
		if (i > 0)
			fputc(',', out);
		print_record(&list->records[i], out);
	}
	fputc(']', out);
}

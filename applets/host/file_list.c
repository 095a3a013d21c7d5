/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files that a guest has sent.
 *
 * In:  file and file-end frames (see ktget.c). Out: an array for stream.json. All text is the guest's: it is
 *      bounded, parsed word by word, and quoted. A frame costs the same however many requests there are.
 */
//kbuild:lib-$(CONFIG_KTRECV) += file_list.o

#include <sys/random.h>
#include "clock.h"
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
	*path = '\0'; /* words before it, free text after it */
	entry->path = path + strlen(" path=");
	entry->error = kt_number_of(entry->text, "errno", "");
	entry->kind = entry->text + strlen("kind=");
	*strchrnul(entry->kind, ' ') = '\0';
	return true;
}

/* Multiply and shift, by a random odd number: the guest chooses the numbers, but not which of them share a bucket. */
static struct kt_file_record **bucket_of(struct kt_file_list *list, uint32_t number)
{
	if (!list->seed) {
		if (getrandom(&list->seed, sizeof(list->seed), GRND_NONBLOCK) < 0)
			list->seed = (uint32_t)kt_now_ms() * 2654435761u;
		list->seed |= 1;
	}
	return &list->buckets[number * list->seed >> (32 - KT_GET_BUCKETS_LOG2)];
}

static struct kt_file_record **link_to(struct kt_file_list *list, uint32_t number)
{
	struct kt_file_record **link = bucket_of(list, number);

	while (*link && (*link)->number != number)
		link = &(*link)->next;
	return link;
}

struct kt_file_record* FAST_FUNC kt_file_list_find(struct kt_file_list *list, uint32_t number)
{
	return *link_to(list, number);
}

/* Whether all that the sender counted has arrived, and the sender missed nothing. */
static bool is_complete(const struct kt_file_record *record)
{
	return record->has_ended && record->here.failed == 0
		&& memcmp(&record->here, &record->sent, sizeof(record->here)) == 0
		&& record->here.files + record->here.directories > 0;
}

void FAST_FUNC kt_file_list_leave(struct kt_file_list *list, struct kt_file_record *record)
{
	struct kt_file_record **link = link_to(list, record->number);

	*link = record->next;
	free(record->current);
	record->current = NULL;
	if (record->is_listed)
		return;
	list->incomplete += !is_complete(record);
	list->unlisted_open--;
	free(record->path);
	free(record->reason);
	free(record);
}

void FAST_FUNC kt_file_list_begin(struct kt_file_list *list, uint32_t number, const char *path)
{
	struct kt_file_record **bucket = bucket_of(list, number);
	struct kt_file_record *record;

	list->count++;
	if (list->listed == KT_GETS_LISTED && list->unlisted_open == KT_GETS_UNLISTED_OPEN) {
		list->incomplete++;
		return;
	}
	record = xzalloc(sizeof(*record));
	record->number = number;
	record->path = xstrdup(path);
	record->fd = -1;
	record->is_listed = list->listed < KT_GETS_LISTED;
	if (record->is_listed)
		list->listed_records[list->listed++] = record;
	else
		list->unlisted_open++;
	record->next = *bucket;
	*bucket = record;
}

void FAST_FUNC kt_file_record_fail(struct kt_file_record *record, const char *path, const char *why)
{
	record->here.failed++;
	if (!record->reason)
		record->reason = xasprintf("%s: %s", path, why);
}

void FAST_FUNC kt_file_record_end(struct kt_file_record *record, const struct kt_frame *frame)
{
	char *text = xstrndup((const char *)frame->payload + KT_NUMBER_LEN,
		MIN(frame->length - KT_NUMBER_LEN, (uint32_t)KT_PATH_MAX));

	record->has_ended = true;
	record->sent.files = kt_number_of(text, "files", "");
	record->sent.directories = kt_number_of(text, "folders", "");
	record->sent.bytes = kt_number_of(text, "bytes", "");
	record->sent.failed = kt_number_of(text, "failed", "");
	free(text);
}

uint64_t FAST_FUNC kt_file_list_incomplete(const struct kt_file_list *list)
{
	uint64_t incomplete = list->incomplete + list->unlisted_open;
	unsigned i;

	for (i = 0; i < list->listed; i++)
		incomplete += !is_complete(list->listed_records[i]);
	return incomplete;
}

static const char *reason_of(const struct kt_file_record *record)
{
	if (record->reason)
		return record->reason;
	if (is_complete(record))
		return NULL;
	if (!record->has_ended)
		return "its end never came";
	return record->skipped ? "neither a file nor a directory" : "not all of it arrived";
}

static void print_record(const struct kt_file_record *record, FILE *out)
{
	const char *reason = reason_of(record);

	fputs("{\"path\":", out);
	kt_json_string(out, (const uint8_t *)record->path, strlen(record->path));
	fprintf(out, ",\"complete\":%s,\"files\":%llu,\"folders\":%llu,\"bytes\":%llu",
		is_complete(record) ? "true" : "false", record->here.files, record->here.directories, record->here.bytes);
	fprintf(out, ",\"skipped\":%llu,\"failed\":%llu", record->skipped, record->here.failed);
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
	for (i = 0; i < list->listed; i++) {
		if (i > 0)
			fputc(',', out);
		print_record(list->listed_records[i], out);
	}
	fputc(']', out);
}

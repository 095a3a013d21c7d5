/* SPDX-License-Identifier: GPL-2.0-only */
/* The files that a guest has sent, as its frames tell of them: a record for each path that was asked for. */
#ifndef KT_FILE_LIST_H
#define KT_FILE_LIST_H 1

#include "frame_reader.h"

enum {
	KT_GETS_MAX = 999,
	KT_PATH_MAX = 4096,
	KT_FILE_TEXT_MAX = KT_PATH_MAX + sizeof("kind=skipped errno=-2147483648 path="),
};

struct kt_file_record {
	uint32_t number; /* of its sender; the newest record with it is the one that frames speak of */
	char *path; /* that was asked for */
	char *current; /* the file whose bytes come now; NULL: none, or it was refused */
	char *reason; /* of the first failure; NULL: none */
	unsigned long long files, folders, bytes, skipped, failed; /* failed counts what the host refused too */
	char *end; /* text of the file-end frame; NULL: it never came */
};

/* Starts as zero. */
struct kt_file_list {
	unsigned count;
	struct kt_file_record records[KT_GETS_MAX];
};

/* What a file frame says */
struct kt_file_entry {
	char *text; /* malloc'ed, at most KT_FILE_TEXT_MAX bytes; the others point into it */
	char *kind; /* begin, file, folder, skipped, failed */
	char *path;
	int error; /* of failed: an errno of Linux */
};

/* False when the text has not the form of docs/internals/wire.md; else entry->text is to be freed. */
bool kt_file_entry_parse(struct kt_file_entry *entry, const struct kt_frame *frame) FAST_FUNC;

/* NULL when no room is left, or there is none with this number. */
struct kt_file_record *kt_file_list_begin(struct kt_file_list *list, uint32_t number,
		const char *path) FAST_FUNC;
struct kt_file_record *kt_file_list_find(struct kt_file_list *list, uint32_t number) FAST_FUNC;

void kt_file_record_fail(struct kt_file_record *record, const char *path, const char *why) FAST_FUNC;
void kt_file_record_end(struct kt_file_record *record, const struct kt_frame *frame) FAST_FUNC;

/* Whether all that was asked for is there whole */
bool kt_file_list_is_complete(const struct kt_file_list *list) FAST_FUNC;

/* A JSON array in one line */
void kt_file_list_print(const struct kt_file_list *list, FILE *out) FAST_FUNC;

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* The files that a guest has sent, by its frames: one record per path that was requested. */
#ifndef KT_FILE_LIST_H
#define KT_FILE_LIST_H 1

#include "frame_reader.h"

enum {
	/* A hostile guest may request paths for ever: stream.json lists so many, the others are counted, and of these
	 * only so many can be open at once. */
	KT_GETS_LISTED = 2000,
	KT_GETS_UNLISTED_OPEN = 1000,
	KT_GET_BUCKETS_LOG2 = 10,
	KT_PATH_MAX = 4096,
	KT_FILE_TEXT_MAX = KT_PATH_MAX + sizeof("kind=skipped errno=-2147483648 path="),
};

/* What a sender counts, and what has arrived */
struct kt_file_counts {
	unsigned long long files, directories, bytes, failed; /* failed includes what the host refused */
};

struct kt_file_record {
	struct kt_file_record *next; /* of the same bucket */
	uint32_t number; /* of its sender; frames refer to the newest record with their number */
	bool is_listed;
	bool has_ended;
	char *path; /* that was requested */
	char *current; /* the file that the next bytes belong to; NULL: none, or it was refused */
	char *reason; /* of the first failure; NULL: none */
	int fd; /* of the current file; -1: it is not open */
	struct kt_file_counts here, sent; /* sent: of the file-end frame */
	unsigned long long skipped;
};

/* Starts as zero. */
struct kt_file_list {
	uint64_t count; /* all requests */
	uint64_t incomplete; /* of those that are not listed */
	uint64_t stray_frames; /* that belong to no request */
	uint32_t seed; /* a guest can't choose numbers that share a bucket */
	unsigned listed, unlisted_open;
	struct kt_file_record *listed_records[KT_GETS_LISTED];
	struct kt_file_record *buckets[1 << KT_GET_BUCKETS_LOG2];
};

/* A file frame, parsed */
struct kt_file_entry {
	char *text; /* malloc'ed, at most KT_FILE_TEXT_MAX bytes; kind and path point into it */
	char *kind; /* begin, file, folder, skipped, failed */
	char *path;
	int error; /* of failed: an errno of Linux */
};

/* False when the text does not have the form of docs/internals/wire.md; else the caller frees entry->text. */
bool kt_file_entry_parse(struct kt_file_entry *entry, const struct kt_frame *frame) FAST_FUNC;

/* The newest record with this number; NULL: there is none. */
struct kt_file_record *kt_file_list_find(struct kt_file_list *list, uint32_t number) FAST_FUNC;

/* No frame refers to the record any more, whose file is closed. One that is not listed is counted, and gone. */
void kt_file_list_leave(struct kt_file_list *list, struct kt_file_record *record) FAST_FUNC;

/* A new record, whose number no other has. Beyond the bounds there is none: such a request is incomplete. */
void kt_file_list_begin(struct kt_file_list *list, uint32_t number, const char *path) FAST_FUNC;

void kt_file_record_fail(struct kt_file_record *record, const char *path, const char *why) FAST_FUNC;
void kt_file_record_end(struct kt_file_record *record, const struct kt_frame *frame) FAST_FUNC;

/* How many of all requests are incomplete */
uint64_t kt_file_list_incomplete(const struct kt_file_list *list) FAST_FUNC;

/* A JSON array in one line */
void kt_file_list_print(const struct kt_file_list *list, FILE *out) FAST_FUNC;

#endif

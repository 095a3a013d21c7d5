/* SPDX-License-Identifier: GPL-2.0-only */
/* The tests of a run (ktrun --test), as their frames tell of them. */
#ifndef KT_TEST_LIST_H
#define KT_TEST_LIST_H 1

#include "frame_reader.h"

/* What is kept of a hostile guest's tests is bounded; further ones are only counted. */
enum { KT_TESTS_KEPT = 10000, KT_TEST_TEXT_MAX = 4096, KT_TEST_TEXTS_MAX = 2 * 1024 * 1024 };

/* Starts as zero. */
struct kt_test_list {
	uint64_t count, passed, skipped; /* all others have failed */
	unsigned kept;
	size_t kept_bytes;
	char *texts[KT_TESTS_KEPT]; /* malloc'ed, of the first ones */
};

/* A test-case frame: "status=passed ms=12 file=FILE name=NAME message=TEXT" */
void kt_test_list_add(struct kt_test_list *list, const struct kt_frame *frame) FAST_FUNC;

/* The keys tests_passed, tests_failed, tests_skipped, and tests, an array in one line, each with a comma
 * behind it */
void kt_test_list_print(const struct kt_test_list *list, FILE *out) FAST_FUNC;

#endif

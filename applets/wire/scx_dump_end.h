/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text of a scx-dump-end frame: what a dump is, and whether it is complete. Pure but for memory.
 *
 *	number=1 type=error kind=1025 complete=1 rule=counter bytes=7000 lines=73 lost=0 unsent=0 sub=28 name=demo
 *	cgroup=/a reason=TEXT
 *
 * ktpipe writes it, ktrecv reads it: both by the one list of keys in scx_dump_end.c. docs/internals/wire.md says what
 * the keys mean.
 */
#ifndef KT_SCX_DUMP_END_H
#define KT_SCX_DUMP_END_H 1

#include "scx_dump_scan.h"

enum kt_dump_key { /* in the order of the text */
	KT_DUMP_KEY_NUMBER,
	KT_DUMP_KEY_TYPE,
	KT_DUMP_KEY_KIND,
	KT_DUMP_KEY_COMPLETE,
	KT_DUMP_KEY_RULE,
	KT_DUMP_KEY_BYTES,
	KT_DUMP_KEY_LINES,
	KT_DUMP_KEY_LOST,
	KT_DUMP_KEY_UNSENT,
	KT_DUMP_KEY_SUB,
	KT_DUMP_KEY_NAME,
	KT_DUMP_KEY_CGROUP, /* quoted: %20 is a blank */
	KT_DUMP_KEY_REASON, /* free text, and therefore the last */
	KT_DUMP_KEYS
};
extern const char *const kt_dump_keys[KT_DUMP_KEYS];

enum { KT_DUMP_TEXT_MAX = 3072 };

/* The text about the newest dump of *scan, malloc'ed. unsent: bytes that were given up on their way to the
 * host; a dump with such bytes is not complete. */
char *kt_dump_end_text(const struct kt_dump_scan *scan, unsigned long long unsent) FAST_FUNC;

/* The number that a text has for the key; 0 when it has none, or there is no text. The text may be a guest's. */
unsigned long long kt_dump_end_number(const char *text_or_null, enum kt_dump_key key) FAST_FUNC;

/* A path without blanks, controls, % and bytes that are no ASCII, which become %20 and so on. Malloc'ed. */
char *kt_dump_quote(const char *path) FAST_FUNC;

/* Takes the quotes of a cgroup's path off, in place. An unquoted % stays. */
void kt_dump_end_unquote(char *path) FAST_FUNC;

#endif

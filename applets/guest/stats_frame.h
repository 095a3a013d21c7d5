/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stats frames: texts of the kernel under a name each, at one moment.
 *
 * A frame has the milliseconds since boot, a line "KIND NUMBER TOKEN", and sections: "@NAME LENGTH", a newline, LENGTH
 * bytes, a newline. So no content can look like a section. What does not fit goes into a further frame with the same
 * milliseconds and kind; a section of the same name goes on there (docs/internals/wire.md, "Figures").
 *
 * Every process of the guest can write frames. The token, which is chosen at random and sent before any program of the
 * user's runs, and the number, which counts the frames that were sent, tell the host which are ours, and that none is
 * missing.
 */
#ifndef KT_STATS_FRAME_H
#define KT_STATS_FRAME_H 1

#include "port.h"

enum { KT_STATS_FILE_MAX = 1024 * 1024 }; /* of one read: /proc/stat grows with the interrupts, and is kept in part */

struct kt_stats {
	const char *root; /* stands for / */
	int port;
	bool *term_came; /* TERM ends a write that the host stalls */
	bool finishes; /* TERM came: now a write waits as long as the host stalls, and /init bounds that */
	uint64_t token;
	uint32_t sent; /* frames */
	const char *kind;
	int64_t ms;
	uint32_t used; /* bytes of out.payload */
	struct kt_out out;
	char text[KT_STATS_FILE_MAX];
};

/* Chooses the token. Dies where the kernel gives no random bytes. */
void kt_stats_init(struct kt_stats *stats, const char *root, int port, bool *term_came) FAST_FUNC;

/* Begins a frame of now. */
void kt_stats_open(struct kt_stats *stats, const char *kind) FAST_FUNC;

/* Adds a section. */
void kt_stats_section(struct kt_stats *stats, const char *name, const char *bytes, size_t len) FAST_FUNC;
void kt_stats_text(struct kt_stats *stats, const char *name, const char *text) FAST_FUNC;

/* Adds a section "absent": a line "NAME: REASON". */
void kt_stats_absent(struct kt_stats *stats, const char *name, const char *reason) FAST_FUNC;

/* Adds the content of a file below the root, or says that it is absent. KEEP (may be NULL): up to three words; lines
 * that begin with none of them are left out. Without a word, all of the file, whatever its size. */
void kt_stats_file(struct kt_stats *stats, const char *name, const char *path, const char *const *keep) FAST_FUNC;
bool kt_stats_has(const struct kt_stats *stats, const char *path) FAST_FUNC;

/* Sends it. */
void kt_stats_close(struct kt_stats *stats) FAST_FUNC;

#endif

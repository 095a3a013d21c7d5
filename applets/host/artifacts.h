/* SPDX-License-Identifier: GPL-2.0-only */
/* The files that ktrecv -d writes. Their names are ours alone: nothing that the guest sends becomes a path. (Files
 * that the guest names: guest_files.h.) */
#ifndef KT_ARTIFACTS_H
#define KT_ARTIFACTS_H 1

#include "frame_reader.h"
#include "guest_files.h"
#include "run_result.h"
#include "trace_prefix.h"

/* A hostile guest may begin a block or a dump with every frame; this many get files. */
enum { KT_NUMBERED_FILES_MAX = 999 };

/* A file that says that a run has made the directory's files, and what it says. host/launcher/lib/rundir.py has the
 * same. */
#define KT_MARKER ".ktbox-run"
#define KT_MARKER_TEXT "A run of ktbox has made this directory, or the files in it that have a run's names.\n"
#define KT_MARKER_GET "get/ was there before.\n"

struct kt_artifacts {
	int dir; /* -1: none are wanted */
	int block; /* descriptor of the current sched-N.log, -1 outside of a block */
	uint32_t live[KT_NUMBERED_FILES_MAX]; /* the log number that sched-(i+1).log belongs to, 0 for a block */
	bool plain; /* dumps without the trace's prefix */
	uint32_t dump; /* the dump that prefix belongs to */
	struct kt_trace_prefix prefix;
	struct kt_guest_files files;
	struct kt_space space; /* for numbered files and those below get/ */
};

/* Makes the directory NAME if it is missing, and removes the files of an earlier run. A file that only has the name of
 * one is not touched. SPACE is in bytes. Dies when it can't, as all of these do. */
void kt_artifacts_open(struct kt_artifacts *artifacts, const char *name_or_null, bool plain, uint64_t space) FAST_FUNC;

/* Appends the bytes to the file NAME. */
void kt_artifacts_append(struct kt_artifacts *artifacts, const char *name,
		const void *bytes, size_t len) FAST_FUNC;

/* Writes a sched-log frame: all logs to sched.log, the Nth block to sched-N.log. */
void kt_artifacts_sched_log(struct kt_artifacts *artifacts, struct kt_run_result *result,
		const struct kt_frame *frame) FAST_FUNC;

/* Writes a sched-live frame to the same files, with one sched-N.log per log number. */
void kt_artifacts_sched_live(struct kt_artifacts *artifacts, struct kt_run_result *result,
		const struct kt_frame *frame) FAST_FUNC;

/* Writes a scx-dump frame to dump-N.txt. */
void kt_artifacts_dump(struct kt_artifacts *artifacts, const struct kt_frame *frame) FAST_FUNC;

/* Writes a stats or metric frame to the file stats. */
void kt_artifacts_stats(struct kt_artifacts *artifacts, const struct kt_frame *frame) FAST_FUNC;

/* Writes stream.json, which gets its name only when it is complete. */
void kt_artifacts_result(struct kt_artifacts *artifacts, struct kt_run_result *result) FAST_FUNC;

#endif

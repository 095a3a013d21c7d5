/* SPDX-License-Identifier: GPL-2.0-only */
/* The files that ktrecv -d makes of a stream. Their names are ours alone: nothing that the guest says
 * becomes a path. */
#ifndef KT_ARTIFACTS_H
#define KT_ARTIFACTS_H 1

#include "frame_reader.h"
#include "guest_files.h"
#include "run_result.h"
#include "trace_prefix.h"

/* A hostile guest may begin a block or a dump with every frame; of these many, at most this many get
 * files. */
enum { KT_NUMBERED_FILES_MAX = 999 };

struct kt_artifacts {
	int dir; /* -1: none are wanted */
	int block; /* descriptor of the sched-N.log that is being filled, -1 outside of a block */
	uint32_t live[KT_NUMBERED_FILES_MAX]; /* the log number whose bytes are in sched-(i+1).log, 0 for a block */
	bool plain; /* dumps without the trace's prefix */
	uint32_t dump; /* the dump that prefix belongs to */
	struct kt_trace_prefix prefix;
	struct kt_guest_files files;
};

/* Makes NAME if it is not there, and empties the parts that every run has. Dies when it can't, as all of
 * these do. */
void kt_artifacts_open(struct kt_artifacts *artifacts, const char *name_or_null, bool plain) FAST_FUNC;

/* Adds the bytes to the part NAME. */
void kt_artifacts_append(struct kt_artifacts *artifacts, const char *name,
		const void *bytes, size_t len) FAST_FUNC;

/* A sched-log frame: sched.log gets all logs, sched-N.log the Nth block. */
void kt_artifacts_sched_log(struct kt_artifacts *artifacts, struct kt_run_result *result,
		const struct kt_frame *frame) FAST_FUNC;

/* A sched-live frame: the same files, a sched-N.log for each log number. */
void kt_artifacts_sched_live(struct kt_artifacts *artifacts, struct kt_run_result *result,
		const struct kt_frame *frame) FAST_FUNC;

/* A scx-dump frame: dump-N.txt */
void kt_artifacts_dump(struct kt_artifacts *artifacts, const struct kt_frame *frame) FAST_FUNC;

/* stream.json; it has its name only when it is whole. */
void kt_artifacts_result(struct kt_artifacts *artifacts, struct kt_run_result *result) FAST_FUNC;

#endif

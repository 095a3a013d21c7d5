/* SPDX-License-Identifier: GPL-2.0-only */
/* The facts that the frames of a run state, from which the launcher derives a verdict. Nothing here is a guess. */
#ifndef KT_RUN_RESULT_H
#define KT_RUN_RESULT_H 1

#include "scx_dump_list.h"
#include "file_list.h"
#include "frame_reader.h"

/* The marks of a run: what happened when, on the guest's clock */
enum { KT_MARKS_KEPT = 1000 };

struct kt_mark_list {
	uint64_t count; /* all that arrived; the first KT_MARKS_KEPT are kept */
	struct {
		uint64_t ms; /* since the guest's boot */
		char *text; /* malloc'ed, at most KT_MARK_TEXT_MAX bytes */
	} marks[KT_MARKS_KEPT];
};

/* The tests of a run (ktrun --test). A hostile guest may send any number: after these bounds, tests are only
 * counted. */
enum { KT_TESTS_KEPT = 10000, KT_TEST_TEXT_MAX = 4096, KT_TEST_TEXTS_MAX = 2 * 1024 * 1024 };

struct kt_test_list {
	uint64_t count, passed, skipped; /* the others have failed */
	unsigned kept;
	size_t kept_bytes;
	char *texts[KT_TESTS_KEPT]; /* malloc'ed, of the first ones */
};

/* The sub-schedulers of a run (Linux 7.1 and later), by the sched-state frames about them. More than these are only
 * counted. */
enum { KT_SUBS_KEPT = 64 };

struct kt_sub_list {
	unsigned kept;
	uint64_t count;
	struct kt_sub {
		uint64_t cgroup_id;
		const char *state; /* attached, detached or ejected */
		char *name, *cgroup, *reason; /* malloc'ed; NULL: no frame has said it */
		unsigned kind; /* of its end */
	} subs[KT_SUBS_KEPT];
};

struct kt_number {
	bool known;
	int64_t value;
};

/* Starts as zero. Texts are malloc'ed, at most KT_REASON_MAX bytes of what the guest sent; NULL when
 * there was none. */
enum { KT_REASON_MAX = 4096 };
struct kt_run_result {
	struct kt_number exit_code, exec_exit_code, sched_exit_code, elapsed_ms;
	bool sys_ready, payload_started;
	bool scheduler_attached, scheduler_ejected, scheduler_died, scheduler_not_attached;
	char *init_error, *script_error, *scheduler_name, *scheduler_detached_reason, *scheduler_end;
	char *scheduler_ejected_reason, *scheduler_died_reason, *scheduler_not_attached_reason;
	bool is_detached; /* the root scheduler, by the newest frame */
	uint64_t scheduler_restarts;
	struct kt_sub_list subs;
	uint64_t frames, bytes, damaged, damaged_bytes, unknown_frames;
	uint64_t unwritten_bytes; /* of files that the host had no space for */
	uint64_t stdout_bytes, stderr_bytes, sched_log_blocks, sched_log_bytes;
	bool truncated;
	uint64_t kernel_log_bytes;
	bool kernel_log_ended; /* by the guest, which had read all of it */
	struct kt_dump_list dumps;
	struct kt_mark_list marks;
	struct kt_test_list tests;
	struct kt_file_list files;
	/* The guest's last frame before the exit frame: how many bytes the port had sent by then, by the kernel's
	 * count. */
	bool fin_seen;
	struct kt_number bytes_sent; /* unknown on a kernel that does not count */
	uint64_t fin_offset; /* how many bytes had arrived by then */
};

/* False when the payload does not have the form of its type; such a frame is ignored. */
bool kt_frame_is_well_formed(const struct kt_type *type, const struct kt_frame *frame) FAST_FUNC;

/* Adds a well-formed frame of a known type. */
void kt_result_frame(struct kt_run_result *result, const struct kt_frame *frame) FAST_FUNC;

/* Writes stream.json: one key per line, so that it can also be read by line. docs/internals/wire.md lists the keys. To
 * be called at the end of the stream: a dump that is still open counts as cut off. */
void kt_result_print(struct kt_run_result *result, FILE *out) FAST_FUNC;

#endif

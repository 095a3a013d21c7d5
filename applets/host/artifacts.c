/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files that ktrecv -d writes.
 *
 * In:  well-formed frames of known types. Out: stdout, stderr, sched.log, sched-N.log, dump-N.txt, dmesg,
 *      printk, kmsg, history, stream.json in one directory, and the directory get/ (guest_files.c).
 */
//kbuild:lib-$(CONFIG_KTRECV) += artifacts.o

#include "artifacts.h"

static int open_part(const struct kt_artifacts *a, const char *name, int flags)
{
	int fd = openat(a->dir, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC | flags, 0666);

	if (fd < 0)
		bb_perror_msg_and_die("unable to write '%s'", name);
	return fd;
}

static void xwrite_part(int fd, const char *name, const void *bytes, size_t len)
{
	if (full_write(fd, bytes, len) != (ssize_t)len)
		bb_perror_msg_and_die("unable to write '%s'", name);
}

/* Removes files of an earlier run: what this run does not write must not seem to be its own. */
static void remove_old_parts(const struct kt_artifacts *a, const char *dir)
{
	static const char *const sometimes[] = { "dmesg", "printk", "kmsg", "history" };
	static const char *const numbered[] = { "sched-%u.log", "dump-%u.txt" };
	char name[sizeof("sched-4294967295.log")];
	unsigned i, number;

	for (i = 0; i < ARRAY_SIZE(sometimes); i++)
		unlinkat(a->dir, sometimes[i], 0);
	/* without the stream.json of an earlier run, a directory "get" is not ktrecv's */
	if (unlinkat(a->dir, "stream.json", 0) == 0)
		remove_file(concat_path_file(dir, KT_GET_DIR), FILEUTILS_RECUR | FILEUTILS_FORCE);
	for (i = 0; i < ARRAY_SIZE(numbered); i++)
		for (number = 1; number <= KT_NUMBERED_FILES_MAX; number++) { /* there may be gaps */
			sprintf(name, numbered[i], number);
			unlinkat(a->dir, name, 0);
		}
}

void FAST_FUNC kt_artifacts_open(struct kt_artifacts *a, const char *name, bool plain)
{
	static const char *const always[] = { "stdout", "stderr", "sched.log" };
	unsigned i;

	a->dir = a->block = a->files.dir = a->files.fd = -1;
	a->plain = plain;
	if (!name)
		return;
	if (mkdir(name, 0777) < 0 && errno != EEXIST)
		bb_perror_msg_and_die("unable to make '%s'", name);
	a->dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->dir < 0)
		bb_perror_msg_and_die("unable to open '%s'", name);
	a->files.dir = a->dir;
	remove_old_parts(a, name);
	for (i = 0; i < ARRAY_SIZE(always); i++)
		close(open_part(a, always[i], O_TRUNC));
}

void FAST_FUNC kt_artifacts_append(struct kt_artifacts *a, const char *name, const void *bytes, size_t len)
{
	int fd;

	if (a->dir < 0)
		return;
	fd = open_part(a, name, O_APPEND);
	xwrite_part(fd, name, bytes, len);
	close(fd);
}

static bool payload_is(const struct kt_frame *frame, const char *text)
{
	return frame->length == strlen(text) && memcmp(frame->payload, text, frame->length) == 0;
}

static void close_block(struct kt_artifacts *a)
{
	if (a->block >= 0)
		close(a->block);
	a->block = -1;
}

static void open_block(struct kt_artifacts *a, uint64_t number)
{
	char name[sizeof("sched-999.log")];

	close_block(a);
	if (a->dir < 0 || number > KT_NUMBERED_FILES_MAX)
		return;
	sprintf(name, "sched-%u.log", (unsigned)number);
	a->block = open_part(a, name, O_TRUNC);
}

void FAST_FUNC kt_artifacts_sched_log(struct kt_artifacts *a, struct kt_run_result *result,
		const struct kt_frame *frame)
{
	if (payload_is(frame, KT_LOG_START)) {
		open_block(a, ++result->sched_log_blocks);
	} else if (payload_is(frame, KT_LOG_END)) {
		close_block(a);
	} else {
		result->sched_log_bytes += frame->length;
		kt_artifacts_append(a, "sched.log", frame->payload, frame->length);
		if (a->block >= 0)
			xwrite_part(a->block, "sched-N.log", frame->payload, frame->length);
	}
}

/* The N of this log's sched-N.log; a new log gets the next number. 0: none is left. */
static unsigned live_file(struct kt_artifacts *a, struct kt_run_result *result, uint32_t number)
{
	unsigned i;

	for (i = 0; i < MIN(result->sched_log_blocks, (uint64_t)KT_NUMBERED_FILES_MAX); i++)
		if (a->live[i] == number)
			return i + 1;
	result->sched_log_blocks++;
	if (i == KT_NUMBERED_FILES_MAX)
		return 0;
	a->live[i] = number;
	return i + 1;
}

void FAST_FUNC kt_artifacts_sched_live(struct kt_artifacts *a, struct kt_run_result *result,
		const struct kt_frame *frame)
{
	char name[sizeof("sched-4294967295.log")];
	const uint8_t *bytes = frame->payload + KT_NUMBER_LEN;
	size_t len = frame->length - KT_NUMBER_LEN;
	unsigned file = live_file(a, result, kt_get_u32(frame->payload));

	result->sched_log_bytes += len;
	kt_artifacts_append(a, "sched.log", bytes, len);
	if (file == 0)
		return;
	sprintf(name, "sched-%u.log", file);
	kt_artifacts_append(a, name, bytes, len);
}

/* A frame's end may cut the prefix of a line, so the prefix's state lasts for all frames of a dump. */
static void append_plain(struct kt_artifacts *a, const char *name, const char *bytes, size_t len)
{
	char *text = xmalloc(len + KT_PREFIX_MAX);

	len = kt_trace_prefix_strip(&a->prefix, bytes, len, text);
	kt_artifacts_append(a, name, text, len);
	free(text);
}

void FAST_FUNC kt_artifacts_dump(struct kt_artifacts *a, const struct kt_frame *frame)
{
	char name[sizeof("dump-999.txt")];
	uint32_t number = kt_get_u32(frame->payload);
	const char *bytes = (const char *)frame->payload + KT_NUMBER_LEN;
	size_t len = frame->length - KT_NUMBER_LEN;

	if (number == 0 || number > KT_NUMBERED_FILES_MAX)
		return;
	sprintf(name, "dump-%u.txt", (unsigned)number);
	if (!a->plain) {
		kt_artifacts_append(a, name, bytes, len);
		return;
	}
	if (a->dump != number)
		memset(&a->prefix, 0, sizeof(a->prefix));
	a->dump = number;
	append_plain(a, name, bytes, len);
}

void FAST_FUNC kt_artifacts_result(struct kt_artifacts *a, struct kt_run_result *result)
{
	FILE *out;

	if (a->dir < 0)
		return;
	out = xfdopen_for_write(open_part(a, "stream.json.new", O_TRUNC));
	kt_result_print(result, out);
	if (fclose(out) != 0 || renameat(a->dir, "stream.json.new", a->dir, "stream.json") < 0)
		bb_simple_perror_msg_and_die("unable to write 'stream.json'");
}

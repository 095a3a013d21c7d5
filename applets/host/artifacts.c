/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files that ktrecv -d writes.
 *
 * In:  well-formed frames of known types. Out: stdout, stderr, sched.log, sched-N.log, dump-N.txt, dmesg,
 *      printk, kmsg, history, stats, stream.json in one directory, and the directory get/ (guest_files.c).
 */
//kbuild:lib-$(CONFIG_KTRECV) += artifacts.o

#include "artifacts.h"

static int open_part(const struct kt_artifacts *a, const char *name, int flags)
{
	int fd = openat(a->dir, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags, 0666);

	if (fd < 0)
		bb_perror_msg_and_die("unable to write '%s'", name);
	return fd;
}

static void xwrite_part(int fd, const char *name, const void *bytes, size_t len)
{
	if (full_write(fd, bytes, len) != (ssize_t)len)
		bb_perror_msg_and_die("unable to write '%s'", name);
}

/* Files that every stream has, that some have, and that may be many */
static const char *const always[] = { "stdout", "stderr", "sched.log" };
static const char *const sometimes[] = { "dmesg", "printk", "kmsg", "history", "stats", "stream.json",
	"stream.json.new" };
static const char *const numbered[] = { "sched-%u.log", "dump-%u.txt" };

/* Calls ACT for each name that a stream may get. */
static void for_each_part(const struct kt_artifacts *a, void (*act)(const struct kt_artifacts *a, const char *name))
{
	char name[sizeof("sched-999.log")];
	unsigned i, number;

	for (i = 0; i < ARRAY_SIZE(always); i++)
		act(a, always[i]);
	for (i = 0; i < ARRAY_SIZE(sometimes); i++)
		act(a, sometimes[i]);
	for (i = 0; i < ARRAY_SIZE(numbered); i++)
		for (number = 1; number <= KT_NUMBERED_FILES_MAX; number++) { /* there may be gaps */
			sprintf(name, numbered[i], number);
			act(a, name);
		}
}

/* A file of an earlier run must not seem to be this one's. A directory is another's. */
static void remove_part(const struct kt_artifacts *a, const char *name)
{
	if (unlinkat(a->dir, name, 0) < 0 && errno != ENOENT && errno != EISDIR)
		bb_perror_msg_and_die("unable to remove '%s'", name);
}

/* A directory that no run has made may have a file of the same name that is its owner's. */
static void refuse_part(const struct kt_artifacts *a, const char *name)
{
	struct stat st;

	if (fstatat(a->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		bb_error_msg_and_die("unable to write '%s': it is there, and "KT_MARKER" is not: no run has made it", name);
}

/* The marker says that a run has made the files with our names; its second line, that get/ was there before. */
static void mark(const struct kt_artifacts *a)
{
	static const char text[] = KT_MARKER_TEXT KT_MARKER_GET;
	bool has_get = faccessat(a->dir, KT_GET_DIR, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	int fd = open_part(a, KT_MARKER, O_CREAT | O_EXCL);

	xwrite_part(fd, KT_MARKER, text, has_get ? strlen(text) : strlen(KT_MARKER_TEXT));
	close(fd);
}

/* False when there is none. */
static bool read_marker(const struct kt_artifacts *a, bool *get_is_ours)
{
	char text[sizeof(KT_MARKER_TEXT KT_MARKER_GET)] = "";
	int fd = openat(a->dir, KT_MARKER, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return false;
	full_read(fd, text, sizeof(text) - 1);
	close(fd);
	*get_is_ours = !strstr(text, KT_MARKER_GET);
	return is_prefixed_with(text, KT_MARKER_TEXT);
}

static void begin_directory(const struct kt_artifacts *a, const char *name)
{
	bool get_is_ours;

	if (!read_marker(a, &get_is_ours)) {
		for_each_part(a, refuse_part);
		mark(a);
		return;
	}
	for_each_part(a, remove_part);
	if (get_is_ours)
		remove_file(concat_path_file(name, KT_GET_DIR), FILEUTILS_RECUR | FILEUTILS_FORCE);
}

void FAST_FUNC kt_artifacts_open(struct kt_artifacts *a, const char *name, bool plain, uint64_t space)
{
	unsigned i;

	a->dir = a->block = a->files.dir = a->files.top = -1;
	a->files.space = &a->space;
	a->space.left = space;
	a->plain = plain;
	if (!name)
		return;
	if (mkdir(name, 0777) < 0 && errno != EEXIST)
		bb_perror_msg_and_die("unable to make '%s'", name);
	a->dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->dir < 0)
		bb_perror_msg_and_die("unable to open '%s'", name);
	a->files.dir = a->dir;
	begin_directory(a, name);
	for (i = 0; i < ARRAY_SIZE(always); i++)
		close(open_part(a, always[i], O_CREAT | O_EXCL));
}

void FAST_FUNC kt_artifacts_append(struct kt_artifacts *a, const char *name, const void *bytes, size_t len)
{
	int fd;

	if (a->dir < 0)
		return;
	fd = open_part(a, name, O_CREAT | O_APPEND);
	xwrite_part(fd, name, bytes, len);
	close(fd);
}

/* The same, for a file that a guest can have any number of: beyond the space its bytes are only counted. */
static void append_numbered(struct kt_artifacts *a, const char *name, const void *bytes, size_t len)
{
	struct stat st;
	bool is_new;

	if (a->dir < 0)
		return;
	is_new = fstatat(a->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0;
	if (kt_space_reserve(&a->space, len + (is_new ? KT_INODE_COST : 0)))
		kt_artifacts_append(a, name, bytes, len);
	else
		a->space.unwritten += len;
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
	if (!kt_space_reserve(&a->space, KT_INODE_COST))
		return;
	sprintf(name, "sched-%u.log", (unsigned)number);
	a->block = open_part(a, name, O_CREAT | O_TRUNC);
}

static void append_block(struct kt_artifacts *a, const struct kt_frame *frame)
{
	if (kt_space_reserve(&a->space, frame->length))
		xwrite_part(a->block, "sched-N.log", frame->payload, frame->length);
	else
		a->space.unwritten += frame->length;
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
			append_block(a, frame);
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
	append_numbered(a, name, bytes, len);
}

/* A frame's end may cut the prefix of a line, so the prefix's state lasts for all frames of a dump. */
static void append_plain(struct kt_artifacts *a, const char *name, const char *bytes, size_t len)
{
	char *text = xmalloc(len + KT_PREFIX_MAX);

	len = kt_trace_prefix_strip(&a->prefix, bytes, len, text);
	append_numbered(a, name, text, len);
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
		append_numbered(a, name, bytes, len);
		return;
	}
	if (a->dump != number)
		memset(&a->prefix, 0, sizeof(a->prefix));
	a->dump = number;
	append_plain(a, name, bytes, len);
}

/* "stats MS LENGTH" or "metric MS LENGTH", the text, a newline: by the length, no text looks like another's begin. */
void FAST_FUNC kt_artifacts_stats(struct kt_artifacts *a, const struct kt_frame *frame)
{
	const char *kind = frame->tag == KT_STATS ? "stats" : "metric";
	size_t len = frame->length - KT_STAMP_LEN;
	char *record = xmalloc(len + sizeof("metric 18446744073709551615 4294967295\n\n"));
	size_t head = sprintf(record, "%s %llu %u\n", kind, (unsigned long long)kt_get_u64(frame->payload), (unsigned)len);

	memcpy(record + head, frame->payload + KT_STAMP_LEN, len);
	record[head + len] = '\n';
	append_numbered(a, "stats", record, head + len + 1);
	free(record);
}

void FAST_FUNC kt_artifacts_result(struct kt_artifacts *a, struct kt_run_result *result)
{
	FILE *out;
	int error;

	if (a->dir < 0)
		return;
	result->unwritten_bytes = a->space.unwritten;
	out = xfdopen_for_write(open_part(a, "stream.json.new", O_CREAT | O_EXCL));
	kt_result_print(result, out);
	if (fclose(out) == 0 && renameat(a->dir, "stream.json.new", a->dir, "stream.json") == 0)
		return;
	error = errno;
	unlinkat(a->dir, "stream.json.new", 0); /* a full disk: nobody needs a part of it */
	errno = error;
	bb_simple_perror_msg_and_die("unable to write 'stream.json'");
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files of the guest, below one directory of the artifacts.
 *
 * In:  file, file-data and file-end frames, one after the other. Out: files and directories below get/, the
 *      records of the list.
 *
 * get/ is made here, so that nothing in it is another's. A path has neither ".." nor a link on its way (openat2), so
 * it can't lead out. An error that is due to the name is the guest's fault: the file is refused. Any other error (no
 * space) is the host's, and ends the reader, as with all artifacts.
 */
//kbuild:lib-$(CONFIG_KTRECV) += guest_files.o

#include <linux/openat2.h>
#include <sys/syscall.h>
#include "guest_files.h"

enum { COMPONENT_MAX = 255, DEPTH_MAX = 128 };
enum { DIRECTORY = O_RDONLY | O_DIRECTORY };

static bool is_safe_component(const char *name, size_t len)
{
	size_t i;

	if (len > COMPONENT_MAX || (len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.'))
		return false;
	for (i = 0; i < len; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f) /* ls would send it to the terminal */
			return false;
	return true;
}

/* The whole path is looked at before any of it is made. */
static bool is_safe_path(const char *path)
{
	unsigned depth = 0;

	while (*path) {
		size_t len = strcspn(path, "/");

		if (!is_safe_component(path, len) || depth++ == DEPTH_MAX)
			return false;
		path += len + strspn(path + len, "/");
	}
	return true;
}

/* For a kernel (before 5.6) or a sandbox without openat2: component by component, which takes time. */
static int open_in_steps(int dir, const char *path, int flags)
{
	char name[COMPONENT_MAX + 1];

	dir = dup(dir);
	while (dir >= 0 && *path) {
		size_t len = strcspn(path, "/");
		const char *next = path + len + strspn(path + len, "/");
		int outer = dir;

		memcpy(name, path, len);
		name[len] = '\0';
		dir = openat(outer, name, O_NOFOLLOW | O_CLOEXEC | (*next ? DIRECTORY : flags), 0666);
		close(outer);
		path = next;
	}
	return dir;
}

/* Opens what is at a safe path below dir, without following a link. -1 and errno. */
static int open_below(int dir, const char *path, int flags)
{
	struct open_how how = {
		.flags = flags | O_NOFOLLOW | O_CLOEXEC,
		.mode = (flags & O_CREAT) ? 0666 : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	int fd;

	fd = syscall(SYS_openat2, dir, *path ? path : ".", &how, sizeof(how));
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return open_in_steps(dir, path, flags);
	return fd;
}

/* A directory counts as a file does, even one that only a path implies: a path may have very many. EMLINK after the
 * last one, ENOBUFS without space for one more. */
static bool may_make(struct kt_guest_files *files)
{
	if (files->entries == KT_GUEST_FILES_MAX) {
		errno = EMLINK;
		return false;
	}
	if (!kt_space_reserve(files->space, KT_INODE_COST)) {
		errno = ENOBUFS;
		return false;
	}
	files->entries++;
	return true;
}

/* The directory of the first len bytes of path, with the missing ones above it; or -1 and errno. The search for what
 * is there goes up from the end, so it takes no more steps than directories are made. */
static int enter_directory(struct kt_guest_files *files, const char *path, size_t len) // NOLINT(misc-no-recursion)
{
	char name[KT_PATH_MAX + 1];
	size_t parent = len;
	int fd, above;

	memcpy(name, path, len);
	name[len] = '\0';
	fd = open_below(files->top, name, DIRECTORY);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	while (parent > 0 && name[parent - 1] == '/')
		parent--;
	while (parent > 0 && name[parent - 1] != '/')
		parent--;
	above = enter_directory(files, path, parent);
	if (above < 0)
		return -1;
	fd = -1;
	if (may_make(files) && mkdirat(above, name + parent, 0777) == 0)
		fd = open_below(above, name + parent, DIRECTORY);
	close(above);
	return fd;
}

static bool is_the_guests_fault(int error)
{
	switch (error) {
	case EINVAL:
	case EEXIST:
	case EISDIR:
	case ELOOP:
	case ENAMETOOLONG:
	case ENOTDIR:
		return true;
	}
	return false;
}

static void close_file(struct kt_guest_files *files, struct kt_file_record *record)
{
	unsigned i;

	if (record->fd < 0)
		return;
	close(record->fd);
	record->fd = -1;
	for (i = 0; i < KT_GUEST_FILES_OPEN; i++)
		if (files->open[i] == record)
			files->open[i] = NULL;
}

/* The file of the record that has been open for longest gives way. */
static void keep_open(struct kt_guest_files *files, struct kt_file_record *record, int fd)
{
	struct kt_file_record **place = &files->open[files->opened++ % KT_GUEST_FILES_OPEN];

	if (*place)
		close_file(files, *place);
	*place = record;
	record->fd = fd;
}

/* A file without a valid name: its data must not go into the previous file. */
static void skip_file(struct kt_guest_files *files, struct kt_file_record *record)
{
	close_file(files, record);
	free(record->current);
	record->current = NULL;
	kt_file_record_fail(record, record->path, "a file without a proper name");
}

/* get/ itself. -1: there is one that is not ours. */
static int open_top(struct kt_guest_files *files)
{
	if (files->top >= 0)
		return files->top;
	if (mkdirat(files->dir, KT_GET_DIR, 0777) < 0) {
		if (errno != EEXIST)
			bb_simple_perror_msg_and_die("unable to make '"KT_GET_DIR"'");
		return -1;
	}
	files->top = openat(files->dir, KT_GET_DIR, DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (files->top < 0)
		bb_simple_perror_msg_and_die("unable to open '"KT_GET_DIR"'");
	files->entries++;
	return files->top;
}

/* A file that is sent again counts again. -1 and errno */
static int make_file(struct kt_guest_files *files, const char *path)
{
	const int flags = O_WRONLY | O_APPEND | O_NOCTTY;
	const char *name = strrchr(path, '/');
	int fd, dir;

	name = name ? name + 1 : path;
	if (files->entries == KT_GUEST_FILES_MAX) {
		errno = EMLINK;
		return -1;
	}
	fd = open_below(files->top, path, flags | O_TRUNC);
	files->entries += fd >= 0;
	if (fd >= 0 || errno != ENOENT)
		return fd;
	dir = enter_directory(files, path, name - path);
	if (dir < 0)
		return -1;
	fd = may_make(files) ? open_below(dir, name, flags | O_CREAT | O_EXCL) : -1;
	close(dir);
	return fd;
}

/* Why the entry was not made; NULL: it was. Dies when the host can't write. */
static const char *make_entry(struct kt_guest_files *files, struct kt_file_record *record, const char *path,
		bool is_dir)
{
	int fd;

	path += strspn(path, "/");
	if (!is_safe_path(path) || (!is_dir && (!*path || path[strlen(path) - 1] == '/')))
		return "refused by the host, for its name";
	if (open_top(files) < 0)
		return "the host has a "KT_GET_DIR" of its own there";
	fd = is_dir ? enter_directory(files, path, strlen(path)) : make_file(files, path);
	if (fd >= 0 && is_dir)
		close(fd);
	else if (fd >= 0)
		keep_open(files, record, fd);
	else if (errno == EMLINK)
		return "too many files";
	else if (errno == ENOBUFS)
		return "the host has no more space for it";
	else if (is_the_guests_fault(errno))
		return "refused by the host, for its name";
	else
		bb_simple_perror_msg_and_die("unable to write a file below '"KT_GET_DIR"'");
	return NULL;
}

static void on_new(struct kt_guest_files *files, struct kt_file_record *record, const char *path, bool is_dir)
{
	const char *why = NULL;

	close_file(files, record);
	free(record->current);
	record->current = NULL;
	if (files->dir >= 0)
		why = make_entry(files, record, path, is_dir);
	if (why) {
		kt_file_record_fail(record, path, why);
		return;
	}
	if (!is_dir)
		record->current = xstrdup(path);
	*(is_dir ? &record->here.directories : &record->here.files) += 1;
}

static void on_entry(struct kt_guest_files *files, struct kt_file_record *record,
		const struct kt_file_entry *entry)
{
	bool is_dir = strcmp(entry->kind, "folder") == 0;

	if (strcmp(entry->kind, "skipped") == 0)
		record->skipped++;
	else if (strcmp(entry->kind, "failed") == 0)
		kt_file_record_fail(record, entry->path, strerror(entry->error));
	else if (is_dir || strcmp(entry->kind, "file") == 0)
		on_new(files, record, entry->path, is_dir);
	else
		skip_file(files, record);
}

/* The number is another process's now. */
static void begin(struct kt_guest_files *files, struct kt_file_list *list, uint32_t number, const char *path)
{
	struct kt_file_record *before = kt_file_list_find(list, number);

	if (before) {
		close_file(files, before);
		kt_file_list_leave(list, before);
	}
	kt_file_list_begin(list, number, path);
}

static void on_file(struct kt_guest_files *files, struct kt_file_list *list, const struct kt_frame *frame)
{
	uint32_t number = kt_get_u32(frame->payload);
	struct kt_file_record *record = kt_file_list_find(list, number);
	struct kt_file_entry entry;

	if (!kt_file_entry_parse(&entry, frame)) {
		if (record)
			skip_file(files, record);
		else
			list->stray_frames++;
		return;
	}
	if (strcmp(entry.kind, "begin") == 0)
		begin(files, list, number, entry.path);
	else if (record)
		on_entry(files, record, &entry);
	else
		list->stray_frames++;
	free(entry.text);
}

/* Senders may take turns: a file that gave way is opened again. */
static bool have_file_of(struct kt_guest_files *files, struct kt_file_record *record)
{
	const char *path = record->current + strspn(record->current, "/");
	int fd;

	if (record->fd >= 0)
		return true;
	fd = open_below(files->top, path, O_WRONLY | O_APPEND | O_NOCTTY);
	if (fd < 0)
		return false;
	keep_open(files, record, fd);
	return true;
}

/* The rest of a file that there is no space for would be a gap. */
static void drop_data(struct kt_guest_files *files, struct kt_file_record *record, size_t len)
{
	files->space->unwritten += len;
	if (record->fd >= 0)
		close_file(files, record);
	kt_file_record_fail(record, record->current, "the host has no more space for it");
	free(record->current);
	record->current = NULL;
}

static void on_data(struct kt_guest_files *files, struct kt_file_list *list, const struct kt_frame *frame)
{
	struct kt_file_record *record = kt_file_list_find(list, kt_get_u32(frame->payload));
	size_t len = frame->length - KT_NUMBER_LEN;

	if (!record)
		list->stray_frames++;
	if (!record || !record->current)
		return;
	if (files->dir >= 0) {
		if (!kt_space_reserve(files->space, len)) {
			drop_data(files, record, len);
			return;
		}
		if (!have_file_of(files, record))
			return;
		if (full_write(record->fd, frame->payload + KT_NUMBER_LEN, len) != (ssize_t)len)
			bb_simple_perror_msg_and_die("unable to write a file below '"KT_GET_DIR"'");
	}
	record->here.bytes += len;
}

static void on_end(struct kt_guest_files *files, struct kt_file_list *list, const struct kt_frame *frame)
{
	struct kt_file_record *record = kt_file_list_find(list, kt_get_u32(frame->payload));

	if (!record) {
		list->stray_frames++;
		return;
	}
	close_file(files, record);
	kt_file_record_end(record, frame);
	if (!record->is_listed)
		kt_file_list_leave(list, record);
}

void FAST_FUNC kt_guest_files_frame(struct kt_guest_files *files, struct kt_file_list *list,
		const struct kt_frame *frame)
{
	switch (frame->tag) {
	case KT_FILE:
		on_file(files, list, frame);
		break;
	case KT_FILE_DATA:
		on_data(files, list, frame);
		break;
	case KT_FILE_END:
		on_end(files, list, frame);
		break;
	}
}

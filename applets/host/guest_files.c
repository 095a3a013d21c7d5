/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files of the guest, below one directory of the artifacts.
 *
 * In:  file, file-data and file-end frames, one after the other. Out: files and directories below get/, the
 *      records of the list.
 *
 * A path is opened component by component with O_NOFOLLOW, from a descriptor of the directory, so neither ".."
 * nor a link leads out of it. An error that is due to the name is the guest's fault: the file is refused. Any
 * other error (no space) is the host's, and ends the reader, as with all artifacts.
 */
//kbuild:lib-$(CONFIG_KTRECV) += guest_files.o

#include "guest_files.h"

enum {
	COMPONENT_MAX = 255,
	DEPTH_MAX = 128, /* with senders that take turns, each data frame opens the whole path again */
};

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

/* A directory counts as a file does, even one that only a path implies: a path may have very many. -1 and errno,
 * EMLINK after the last one. */
static int make_directory(struct kt_guest_files *files, int dir, const char *name)
{
	if (files->entries == KT_GUEST_FILES_MAX) {
		errno = EMLINK;
		return -1;
	}
	files->entries++;
	return mkdirat(dir, name, 0777);
}

/* Closes dir. Returns the directory NAME in it, made if it is missing; or -1 and errno. */
static int enter_directory(struct kt_guest_files *files, int dir, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir, name, flags);

	if (fd < 0 && errno == ENOENT && make_directory(files, dir, name) == 0)
		fd = openat(dir, name, flags);
	close(dir);
	return fd;
}

/* Closes dir. Returns the file NAME in it, or -1 and errno. O_NONBLOCK: it may be a fifo. */
static int enter_file(int dir, const char *name, int flags)
{
	int fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags, 0666);

	close(dir);
	return fd;
}

/* Opens the file or directory at path, below get/. -1 and errno, EINVAL for an unsafe name. */
static int open_below(struct kt_guest_files *files, const char *path, bool is_dir, int flags)
{
	char name[COMPONENT_MAX + 1];
	unsigned depth = 0;
	int fd;

	path += strspn(path, "/");
	if (!*path && !is_dir) { /* get/ itself */
		errno = EINVAL;
		return -1;
	}
	fd = enter_directory(files, dup(files->dir), KT_GET_DIR);
	while (fd >= 0 && *path) {
		size_t len = strcspn(path, "/");
		const char *next = path + len + strspn(path + len, "/");

		if (!is_safe_component(path, len) || depth++ == DEPTH_MAX) {
			close(fd);
			errno = EINVAL;
			return -1;
		}
		memcpy(name, path, len);
		name[len] = '\0';
		fd = *next || is_dir ? enter_directory(files, fd, name) : enter_file(fd, name, flags);
		path = next;
	}
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
	case ENXIO:
		return true;
	}
	return false;
}

static void close_file(struct kt_guest_files *files)
{
	if (files->fd >= 0)
		close(files->fd);
	files->fd = -1;
	files->owner = NULL;
}

/* A file without a valid name: its data must not go into the previous file. */
static void skip_file(struct kt_guest_files *files, struct kt_file_record *record)
{
	if (!record)
		return;
	if (files->owner == record)
		close_file(files);
	free(record->current);
	record->current = NULL;
	kt_file_record_fail(record, record->path, "a file without a proper name");
}

/* False when the entry is refused; without a directory for artifacts nothing is. */
static bool make_entry(struct kt_guest_files *files, struct kt_file_record *record, const char *path,
		bool is_dir)
{
	close_file(files);
	if (files->dir < 0)
		return true;
	if (!is_dir && files->entries == KT_GUEST_FILES_MAX)
		errno = EMLINK;
	else
		files->fd = open_below(files, path, is_dir, O_CREAT | O_TRUNC);
	if (files->fd < 0 && errno == EMLINK) {
		kt_file_record_fail(record, path, "too many files");
		return false;
	}
	if (files->fd < 0) {
		if (!is_the_guests_fault(errno))
			bb_simple_perror_msg_and_die("unable to write a file below '"KT_GET_DIR"'");
		kt_file_record_fail(record, path, "refused by the host, for its name");
		return false;
	}
	files->owner = record;
	if (is_dir)
		close_file(files);
	else
		files->entries++;
	return true;
}

static void on_entry(struct kt_guest_files *files, struct kt_file_record *record,
		const struct kt_file_entry *entry)
{
	bool is_dir = strcmp(entry->kind, "folder") == 0;

	if (strcmp(entry->kind, "skipped") == 0) {
		record->skipped++;
	} else if (strcmp(entry->kind, "failed") == 0) {
		kt_file_record_fail(record, entry->path, strerror(entry->error));
	} else if (is_dir || strcmp(entry->kind, "file") == 0) {
		free(record->current);
		record->current = NULL;
		if (!make_entry(files, record, entry->path, is_dir))
			return;
		if (!is_dir)
			record->current = xstrdup(entry->path);
		*(is_dir ? &record->directories : &record->files) += 1;
	}
}

static void on_file(struct kt_guest_files *files, struct kt_file_list *list, const struct kt_frame *frame)
{
	uint32_t number = kt_get_u32(frame->payload);
	struct kt_file_record *record;
	struct kt_file_entry entry;

	if (!kt_file_entry_parse(&entry, frame)) {
		skip_file(files, kt_file_list_find(list, number));
		return;
	}
	if (strcmp(entry.kind, "begin") == 0) {
		kt_file_list_begin(list, number, entry.path);
	} else {
		record = kt_file_list_find(list, number);
		if (record)
			on_entry(files, record, &entry);
	}
	free(entry.text);
}

/* Senders may take turns: the file of another sender is opened again. */
static bool have_file_of(struct kt_guest_files *files, const struct kt_file_record *record)
{
	if (files->owner == record)
		return true;
	close_file(files);
	files->fd = open_below(files, record->current, false, O_APPEND);
	if (files->fd < 0)
		return false;
	files->owner = record;
	return true;
}

static void on_data(struct kt_guest_files *files, struct kt_file_list *list, const struct kt_frame *frame)
{
	struct kt_file_record *record = kt_file_list_find(list, kt_get_u32(frame->payload));
	size_t len = frame->length - KT_NUMBER_LEN;

	if (!record || !record->current)
		return;
	if (files->dir >= 0) {
		if (!have_file_of(files, record))
			return;
		if (full_write(files->fd, frame->payload + KT_NUMBER_LEN, len) != (ssize_t)len)
			bb_simple_perror_msg_and_die("unable to write a file below '"KT_GET_DIR"'");
	}
	record->bytes += len;
}

static void on_end(struct kt_guest_files *files, struct kt_file_list *list, const struct kt_frame *frame)
{
	struct kt_file_record *record = kt_file_list_find(list, kt_get_u32(frame->payload));

	if (!record)
		return;
	if (files->owner == record)
		close_file(files);
	kt_file_record_end(record, frame);
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

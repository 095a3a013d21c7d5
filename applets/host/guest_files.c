/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files of the guest, below one folder of the artifacts.
 *
 * In:  file, file-data and file-end frames, one after the other. Out: files and folders below get/, the
 *      records of the list.
 *
 * A name is walked component by component with O_NOFOLLOW, from a descriptor of the folder, so neither ".."
 * nor a link leads out of it. What can't be made because of the names themselves is the guest's fault and is
 * refused; what can't be made because of the host (no space) ends the reader, as with any other artifact.
 */
//kbuild:lib-$(CONFIG_KTRECV) += guest_files.o

#include "guest_files.h"

enum {
	COMPONENT_MAX = 255,
	DEPTH_MAX = 128, /* each data frame of a sender that takes turns walks the whole path again */
};

static bool is_safe_component(const char *name, size_t len)
{
	size_t i;

	if (len > COMPONENT_MAX || (len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.'))
		return false;
	for (i = 0; i < len; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f) /* it would drive the terminal of ls */
			return false;
	return true;
}

/* A folder counts as a file does, also one that only a path implies: a path may have very many. -1 and errno,
 * EMLINK behind the last one. */
static int make_folder(struct kt_guest_files *files, int dir, const char *name)
{
	if (files->entries == KT_GUEST_FILES_MAX) {
		errno = EMLINK;
		return -1;
	}
	files->entries++;
	return mkdirat(dir, name, 0777);
}

/* Closes dir. The folder NAME in it, made if it is not there; -1 and errno */
static int enter_folder(struct kt_guest_files *files, int dir, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir, name, flags);

	if (fd < 0 && errno == ENOENT && make_folder(files, dir, name) == 0)
		fd = openat(dir, name, flags);
	close(dir);
	return fd;
}

/* Closes dir. -1 and errno. A fifo that somebody has put there must not block the reader. */
static int enter_file(int dir, const char *name, int flags)
{
	int fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags, 0666);

	close(dir);
	return fd;
}

/* The file or folder at the end of path, below get/; -1 and errno, EINVAL for a name that is not safe */
static int open_below(struct kt_guest_files *files, const char *path, bool folder, int flags)
{
	char name[COMPONENT_MAX + 1];
	unsigned depth = 0;
	int fd;

	path += strspn(path, "/");
	if (!*path && !folder) { /* get/ itself */
		errno = EINVAL;
		return -1;
	}
	fd = enter_folder(files, dup(files->dir), KT_GET_FOLDER);
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
		fd = *next || folder ? enter_folder(files, fd, name) : enter_file(fd, name, flags);
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

/* A file whose name is not known: its data must not go into the one before it. */
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

/* False when the host refuses; without a folder for artifacts nothing is refused. */
static bool make_entry(struct kt_guest_files *files, struct kt_file_record *record, const char *path,
		bool folder)
{
	close_file(files);
	if (files->dir < 0)
		return true;
	if (!folder && files->entries == KT_GUEST_FILES_MAX)
		errno = EMLINK;
	else
		files->fd = open_below(files, path, folder, O_CREAT | O_TRUNC);
	if (files->fd < 0 && errno == EMLINK) {
		kt_file_record_fail(record, path, "too many files");
		return false;
	}
	if (files->fd < 0) {
		if (!is_the_guests_fault(errno))
			bb_simple_perror_msg_and_die("unable to write a file below '"KT_GET_FOLDER"'");
		kt_file_record_fail(record, path, "refused by the host, for its name");
		return false;
	}
	files->owner = record;
	if (folder)
		close_file(files);
	else
		files->entries++;
	return true;
}

static void on_entry(struct kt_guest_files *files, struct kt_file_record *record,
		const struct kt_file_entry *entry)
{
	bool folder = strcmp(entry->kind, "folder") == 0;

	if (strcmp(entry->kind, "skipped") == 0) {
		record->skipped++;
	} else if (strcmp(entry->kind, "failed") == 0) {
		kt_file_record_fail(record, entry->path, strerror(entry->error));
	} else if (folder || strcmp(entry->kind, "file") == 0) {
		free(record->current);
		record->current = NULL;
		if (!make_entry(files, record, entry->path, folder))
			return;
		if (!folder)
			record->current = xstrdup(entry->path);
		*(folder ? &record->folders : &record->files) += 1;
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

/* Senders may take turns: the file of another one is opened once more. */
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
			bb_simple_perror_msg_and_die("unable to write a file below '"KT_GET_FOLDER"'");
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

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktget: send files and directories of the guest to the host.
 *
 * In:   paths; with -r ROOT, of that root directory. A link that is named is followed; within a directory, links,
 *       devices, fifos, sockets and mounts of other file systems are skipped.
 * Out:  for each path: a file frame that begins it, a file frame and file-data frames for each file and
 *       directory in it, a file-end frame with the numbers of what was sent (docs/internals/wire.md, "Files"). The
 *       number in each frame is this process's pid.
 * Ends: when all are sent. A file is read to its end, whatever its size was; one that would wait for more (the raw
 *       pages of a trace) ends there.
 * Exit: 0 sent; 1 a path or a part of it was missing or unreadable (frames report which), the port failed, or
 *       bad usage.
 */
//config:config KTGET
//config:	bool "ktget"
//config:	default y
//config:	help
//config:	Send files and directories of the guest to the host, which writes
//config:	them into its directory of artifacts.

//applet:IF_KTGET(APPLET(ktget, BB_DIR_USR_BIN, BB_SUID_DROP))

//kbuild:lib-$(CONFIG_KTGET) += ktget.o

//usage:#define ktget_trivial_usage
//usage:       "[-p PORT] [-r ROOT] PATH..."
//usage:#define ktget_full_usage "\n\n"
//usage:       "Send files and directories to the host's directory of artifacts\n"
//usage:     "\n	-p PORT	Send to PORT (- is stdout, a file is appended to), not to the bulk port"
//usage:     "\n	-r ROOT	Look for PATHs in the root directory ROOT (chroot)"

#include "port.h"

enum { DATA_MAX = KT_PAYLOAD_MAX - KT_NUMBER_LEN };

struct sender {
	int port;
	struct kt_out *out;
	dev_t device; /* of the path that was named */
	unsigned long long files, directories, bytes, failed, skipped;
};

/* len is that of the payload after the number. */
static void send_frame(struct sender *s, uint32_t tag, size_t len)
{
	kt_put_u32(s->out->payload, getpid());
	if (kt_port_send(s->port, s->out, tag, KT_NUMBER_LEN + len) < 0)
		bb_simple_perror_msg_and_die("unable to write frame");
}

static void send_entry(struct sender *s, const char *kind, const char *path)
{
	char *text = xasprintf("kind=%s path=%s", kind, path);
	size_t len = strlen(text);

	if (len > DATA_MAX)
		bb_error_msg_and_die("unable to send '%s': the name is too long", path);
	memcpy(s->out->payload + KT_NUMBER_LEN, text, len);
	send_frame(s, KT_FILE, len);
	free(text);
}

static void send_failure(struct sender *s, const char *path, int error)
{
	char kind[sizeof("failed errno=-2147483648")];

	sprintf(kind, "failed errno=%d", error);
	s->failed++;
	send_entry(s, kind, path);
}

static void send_skipped(struct sender *s, const char *path)
{
	s->skipped++;
	send_entry(s, "skipped", path);
}

/*
 * 0, or -1 and errno when the rest of the file can't be read. A ring of the kernel has no end: EAGAIN says that
 * it is empty.
 */
static int send_bytes(struct sender *s, int fd)
{
	ssize_t len;

	while ((len = safe_read(fd, s->out->payload + KT_NUMBER_LEN, DATA_MAX)) > 0) {
		send_frame(s, KT_FILE_DATA, len);
		s->bytes += len;
	}
	return len < 0 && errno != EAGAIN ? -1 : 0;
}

/* O_NONBLOCK: a fifo may have taken the file's place since stat(2). */
static void send_file(struct sender *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0) {
		send_failure(s, path, errno);
		return;
	}
	s->files++;
	send_entry(s, "file", path);
	if (send_bytes(s, fd) < 0)
		send_failure(s, path, errno);
	close(fd);
}

/* Whether it was found in a directory and is on another file system, as /proc is below / */
static bool is_elsewhere(const struct sender *s, const struct recursive_state *walk, const struct stat *st)
{
	return walk->depth > 0 && st->st_dev != s->device;
}

static int FAST_FUNC on_file(struct recursive_state *walk, const char *path, struct stat *st)
{
	struct sender *s = walk->userData;

	if (!S_ISREG(st->st_mode) || is_elsewhere(s, walk, st))
		send_skipped(s, path);
	else
		send_file(s, path);
	return TRUE;
}

/* Called before what is in it. Checks here that it can be opened, since here its name is known. */
static int FAST_FUNC on_directory(struct recursive_state *walk, const char *path, struct stat *st)
{
	struct sender *s = walk->userData;

	if (is_elsewhere(s, walk, st)) {
		send_skipped(s, path);
		return SKIP;
	}
	if (access(path, R_OK | X_OK) < 0) {
		send_failure(s, path, errno);
		return SKIP;
	}
	s->directories++;
	send_entry(s, "folder", path);
	return TRUE;
}

static void send_tree(struct sender *s, const char *path)
{
	unsigned long long failed = s->failed;

	if (!recursive_action(path, ACTION_RECURSE | ACTION_FOLLOWLINKS_L0 | ACTION_QUIET, on_file, on_directory, s)
	 && s->failed == failed
	) {
		send_failure(s, path, EIO); /* something below it vanished, or can't be examined */
	}
}

static void send_end(struct sender *s)
{
	size_t len = sprintf((char *)s->out->payload + KT_NUMBER_LEN,
		"files=%llu folders=%llu bytes=%llu failed=%llu skipped=%llu",
		s->files, s->directories, s->bytes, s->failed, s->skipped);

	send_frame(s, KT_FILE_END, len);
}

static bool send_path(struct sender *s, const char *path)
{
	struct stat st;

	s->files = s->directories = s->bytes = s->failed = s->skipped = 0;
	send_entry(s, "begin", path);
	if (stat(path, &st) < 0) {
		send_failure(s, path, errno);
	} else {
		s->device = st.st_dev;
		send_tree(s, path);
	}
	send_end(s);
	return s->failed == 0 && s->files + s->directories > 0;
}

int ktget_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktget_main(int argc UNUSED_PARAM, char **argv)
{
	struct sender s = { .out = xmalloc(sizeof(*s.out)) };
	int result = EXIT_SUCCESS;
	char *port = NULL, *root = NULL;

	getopt32(argv, "^p:r:\0-1", &port, &root);
	argv += optind;
	s.port = kt_port_open(port);
	if (root)
		xchroot(root);
	for (; *argv; argv++)
		if (!send_path(&s, *argv))
			result = EXIT_FAILURE;
	return result;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sends frames.
 *
 * In:  a payload. Out: one frame in one write(2) on the port, a file or stdout.
 *
 * The kernel keeps one write of at most 32 KiB whole (drivers/char/virtio_console.c copies it into one
 * buffer), so processes that share the port need no lock, and killing one tears no frame. The port is never
 * polled: with several writers virtio_console loses wakeups. It is never non-blocking: that flag belongs to
 * the file description, which all processes share.
 */
//kbuild:lib-y += port.o

#include <poll.h>
#include "port.h"
#include "port_interrupt.h"
#include "process.h"
#include "uevent.h"

#define SYSFS_PORTS "/sys/class/virtio-ports"

static char *device_named(const char *name)
{
	DIR *dir = opendir(SYSFS_PORTS);
	struct dirent *entry;
	char *device = NULL;

	if (!dir)
		return NULL;
	while (!device && (entry = readdir(dir)) != NULL) {
		char path[sizeof(SYSFS_PORTS) + sizeof(entry->d_name) + sizeof("//name")];
		char found[64];
		ssize_t len;

		sprintf(path, SYSFS_PORTS "/%s/name", entry->d_name);
		len = open_read_close(path, found, sizeof(found) - 1);
		if (len <= 0)
			continue;
		found[len] = '\0';
		chomp(found);
		if (strcmp(found, name) == 0)
			device = xasprintf("/dev/%s", entry->d_name);
	}
	closedir(dir);
	return device;
}

/* The device node appears before the name does, and the name has a uevent of its own: so this waits for uevents,
 * not with inotify. */
char* FAST_FUNC kt_port_find(const char *name, int64_t deadline)
{
	struct pollfd uevents = { .fd = kt_uevent_open(), .events = POLLIN };
	char buf[KT_UEVENT_MAX];
	char *device;

	while ((device = device_named(name)) == NULL) {
		if (uevents.fd < 0 || poll(&uevents, 1, kt_poll_timeout(deadline)) == 0)
			break;
		while (kt_uevent_next(uevents.fd, buf) > 0)
			continue;
	}
	if (uevents.fd >= 0)
		close(uevents.fd);
	if (!device)
		errno = ETIMEDOUT;
	return device;
}

static int open_path(const char *path)
{
	if (LONE_DASH(path))
		return STDOUT_FILENO;
	return kt_xopen(path, O_WRONLY | O_CREAT | O_APPEND);
}

/* A program may have closed the port and opened something else at its number: a frame written there would be lost
 * without a word. KT_PORT_ID, DEVICE:INODE in hex, is what kt_exec() found at the number. */
static bool is_the_port(int fd)
{
	const char *id = getenv("KT_PORT_ID");
	char found[sizeof("ffffffffffffffff:ffffffffffffffff")];
	struct stat port;

	if (fstat(fd, &port) < 0)
		return false;
	sprintf(found, "%llx:%llx", (long long)port.st_dev, (long long)port.st_ino);
	return !id || strcmp(id, found) == 0;
}

static int inherited(const char *number)
{
	int fd = bb_strtou(number, NULL, 10);

	if (errno != 0 || fcntl(fd, F_GETFL) < 0)
		bb_perror_msg_and_die("unable to use KT_PORT_FD=%s", number);
	if (!is_the_port(fd))
		bb_error_msg_and_die("unable to use KT_PORT_FD=%s: this descriptor is the port no more", number);
	return fd;
}

int FAST_FUNC kt_port_open(const char *path)
{
	const char *number = getenv("KT_PORT_FD");
	char *device;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	if (path)
		return open_path(path);
	if (number)
		return inherited(number);
	device = kt_port_find(KT_BULK_PORT, kt_after_ms(KT_HANDSHAKE_MS));
	if (!device)
		bb_simple_error_msg_and_die("unable to find port '"KT_BULK_PORT"': no such name in "SYSFS_PORTS);
	fd = kt_xopen(device, O_WRONLY);
	free(device);
	return fd;
}

/* write(2) returns 0 when another writer took the last slot: nothing was sent. */
int FAST_FUNC kt_port_write(int fd, const struct kt_out *out, uint32_t length)
{
	const size_t size = KT_HEADER_LEN + length;
	ssize_t written;

	do
		written = write(fd, out, size);
	while (written == 0);
	if (written == (ssize_t)size)
		return 0;
	if (written > 0)
		errno = EIO;
	return -1;
}

int FAST_FUNC kt_port_send_encoded(int fd, const struct kt_out *out, uint32_t length)
{
	int result;

	do
		result = kt_port_write(fd, out, length);
	while (result < 0 && errno == EINTR);
	return result;
}

int FAST_FUNC kt_port_send(int fd, struct kt_out *out, uint32_t tag, uint32_t length)
{
	kt_header_encode(out->header, tag, out->payload, length);
	return kt_port_send_encoded(fd, out, length);
}

void FAST_FUNC kt_port_xsend(int fd, uint32_t tag, const void *payload, uint32_t length)
{
	struct kt_out out;

	memcpy(out.payload, payload, length);
	if (kt_port_send(fd, &out, tag, length) < 0)
		bb_simple_perror_msg_and_die("unable to write frame");
}

bool FAST_FUNC kt_marks_wanted(void)
{
	return getenv("KT_MARKS") != NULL;
}

uint32_t FAST_FUNC kt_mark_encode(uint8_t *payload, int64_t ms, const char *text, size_t len)
{
	len = MIN(len, (size_t)KT_MARK_TEXT_MAX);
	kt_put_u64(payload, ms);
	memcpy(payload + KT_STAMP_LEN, text, len);
	return KT_STAMP_LEN + len;
}

void FAST_FUNC kt_port_mark_at(int fd, int64_t ms, const char *text, int64_t deadline, bool *term_came)
{
	struct kt_out out;
	uint32_t len;

	if (!kt_marks_wanted())
		return;
	len = kt_mark_encode(out.payload, ms, text, strcspn(text, " "));
	if (term_came)
		kt_port_send_until(fd, &out, KT_MARK, len, deadline, term_came);
	else
		kt_port_send(fd, &out, KT_MARK, len);
}

void FAST_FUNC kt_port_mark(int fd, const char *text, int64_t deadline, bool *term_came)
{
	kt_port_mark_at(fd, kt_now_ms(), text, deadline, term_came);
}

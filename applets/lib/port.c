/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way out for frames.
 *
 * In:  a payload. Out: one frame in one write(2) on the port, a file or stdout.
 *
 * The kernel keeps one write of at most 32 KiB whole (drivers/char/virtio_console.c copies it into one
 * buffer), so processes that share the port need no lock, and a killed writer tears nothing. The port is
 * never polled: with several writers virtio_console loses wakeups. It is never made non-blocking: the
 * flag is in the shared file description.
 */
//kbuild:lib-y += port.o

#include <poll.h>
#include <sys/time.h>
#include "kt_open.h"
#include "port.h"
#include "uevent.h"

#define SYSFS_PORTS "/sys/class/virtio-ports"

/* How often a late signal is repeated while a write blocks: see interrupt_write() */
enum { REPEAT_US = 10000 };

/* The handler's only way to tell the code that it interrupts */
static volatile sig_atomic_t term_seen;

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

/* The node appears before the name does, and the name comes with an uevent of its own: so uevents, not
 * inotify. */
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

static int inherited(const char *number)
{
	int fd = bb_strtou(number, NULL, 10);

	if (errno != 0 || fcntl(fd, F_GETFL) < 0)
		bb_perror_msg_and_die("unable to use KT_PORT_FD=%s", number);
	return fd;
}

void* FAST_FUNC kt_xcalloc(size_t size)
{
	void *zeroes = calloc(1, size);

	if (!zeroes)
		bb_die_memory_exhausted();
	return zeroes;
}

int FAST_FUNC kt_port_open(const char *path)
{
	const char *number = getenv("KT_PORT_FD");
	char *device;
	int fd;

	signal(SIGPIPE, SIG_IGN); /* a port that is a pipe fails with EPIPE and a message, not by a silent death */
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

/* 0, or -1 and errno. A return of 0 from write(2) means that another writer took the last slot: nothing
 * was sent. */
static int write_frame(int fd, const struct kt_out *out, size_t size)
{
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
		result = write_frame(fd, out, KT_HEADER_LEN + length);
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

static void repeat_alarm_in_us(int64_t us)
{
	struct itimerval timer = {
		.it_value = { us / 1000000, us % 1000000 },
		.it_interval = { 0, REPEAT_US },
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* A signal that comes just before write(2) interrupts nothing, so after the first one an alarm repeats
 * until the write has returned. Nothing ticks as long as no signal has come. */
static void interrupt_write(int signo)
{
	if (signo == SIGTERM) {
		term_seen = 1;
		repeat_alarm_in_us(REPEAT_US);
	}
}

/* Once, since they are blocked but for our writes, and a stream of frames makes many of these */
static void install_handlers(void)
{
	static bool installed;
	struct sigaction action = { .sa_handler = interrupt_write }; /* no SA_RESTART */

	if (installed)
		return;
	installed = true;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
}

static void let_signals_interrupt(sigset_t *blocked, int64_t deadline)
{
	sigset_t both;

	install_handlers();
	if (deadline != KT_NEVER) {
		int64_t left_us = (deadline - kt_now_ms()) * 1000;

		repeat_alarm_in_us(left_us > 0 ? left_us : 1);
	}
	sigemptyset(&both);
	sigaddset(&both, SIGTERM);
	sigaddset(&both, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &both, blocked);
}

static void block_signals_again(const sigset_t *blocked, int64_t deadline)
{
	struct itimerval never = { { 0 } };

	sigprocmask(SIG_SETMASK, blocked, NULL);
	if (deadline != KT_NEVER || term_seen) /* else no alarm was set */
		setitimer(ITIMER_REAL, &never, NULL);
}

int FAST_FUNC kt_port_send_until(int fd, struct kt_out *out, uint32_t tag, uint32_t length,
		int64_t deadline, bool *term_came)
{
	sigset_t blocked;
	int result, saved_errno;

	kt_header_encode(out->header, tag, out->payload, length);
	let_signals_interrupt(&blocked, deadline);
	do
		result = write_frame(fd, out, KT_HEADER_LEN + length);
	while (result < 0 && errno == EINTR && !term_seen && kt_now_ms() < deadline);
	saved_errno = errno;
	block_signals_again(&blocked, deadline);
	if (term_seen)
		*term_came = true;
	term_seen = 0;
	errno = saved_errno;
	return result;
}

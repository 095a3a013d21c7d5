/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktrelay: bytes between a virtio port and a unix socket in the guest.
 *
 * In:   the port's name; the socket's path. The reference's host asks the scheduler for its statistics
 *       this way.
 * Out:  what comes on one goes out on the other. The socket is connected when bytes come from the host;
 *       when that fails the host gets one line, {"ktstr_relay_error":"no scheduler available"}, for the
 *       bytes of that read.
 * Ends: TERM; or there is no such port (the host does not offer it).
 * Exit: 0; 1 the port can't be used, or bad usage.
 */
//config:config KTRELAY
//config:	bool "ktrelay"
//config:	default y
//config:	help
//config:	Relay bytes between a virtio port and a unix socket: how the
//config:	reference's host asks a scheduler for its statistics.

//applet:IF_KTRELAY(APPLET(ktrelay, BB_DIR_USR_BIN, BB_SUID_DROP))

//kbuild:lib-$(CONFIG_KTRELAY) += ktrelay.o

//usage:#define ktrelay_trivial_usage
//usage:       "PORT SOCKET"
//usage:#define ktrelay_full_usage "\n\n"
//usage:       "Relay bytes between the virtio port PORT and the unix socket SOCKET"

#include <poll.h>
#include <sys/un.h>
#include "port.h"
#include "process.h"

static const char no_scheduler[] = "{\"ktstr_relay_error\":\"no scheduler available\"}\n";

enum { POLL_SIGNALS, POLL_PORT, POLL_SOCKET, POLL_COUNT };

struct relay {
	struct pollfd fds[POLL_COUNT]; /* the port's is -1 while the host is not connected */
	int port;
	const char *socket_path;
	bool term_came;
};

/* -1 and errno */
static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	safe_strncpy(address.sun_path, path, sizeof(address.sun_path));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void disconnect(struct relay *r)
{
	if (r->fds[POLL_SOCKET].fd >= 0)
		close(r->fds[POLL_SOCKET].fd);
	r->fds[POLL_SOCKET].fd = -1;
}

static void xwrite_port(struct relay *r, const char *bytes, size_t len)
{
	if (full_write(r->port, bytes, len) != (ssize_t)len)
		bb_simple_perror_msg_and_die("unable to write port");
}

static void to_socket(struct relay *r, const char *bytes, size_t len)
{
	if (r->fds[POLL_SOCKET].fd < 0)
		r->fds[POLL_SOCKET].fd = connect_to(r->socket_path);
	if (r->fds[POLL_SOCKET].fd >= 0 && full_write(r->fds[POLL_SOCKET].fd, bytes, len) == (ssize_t)len)
		return;
	disconnect(r);
	xwrite_port(r, no_scheduler, sizeof(no_scheduler) - 1);
}

/* A read of 0 means that the host is not connected; poll(2) says POLLHUP then without end, so it is not
 * asked about the port until SIGIO tells of a change (drivers/char/virtio_console.c, send_sigio_to_port).
 * */
static void on_port(struct relay *r)
{
	char bytes[4096];
	ssize_t len = safe_read(r->port, bytes, sizeof(bytes));

	if (len > 0)
		to_socket(r, bytes, len);
	else if (len == 0)
		r->fds[POLL_PORT].fd = -1;
	else if (errno != EAGAIN)
		bb_simple_perror_msg_and_die("unable to read port");
}

static void on_socket(struct relay *r)
{
	char bytes[4096];
	ssize_t len = safe_read(r->fds[POLL_SOCKET].fd, bytes, sizeof(bytes));

	if (len > 0)
		xwrite_port(r, bytes, len);
	else
		disconnect(r);
}

static void on_signals(struct relay *r)
{
	int signo;

	while ((signo = kt_signals_next(r->fds[POLL_SIGNALS].fd)) != 0) {
		r->term_came |= signo != SIGIO;
		r->fds[POLL_PORT].fd = r->port;
	}
}

static void step(struct relay *r)
{
	if (poll(r->fds, POLL_COUNT, -1) < 0 && errno != EINTR)
		bb_simple_perror_msg_and_die("unable to poll");
	if (r->fds[POLL_SIGNALS].revents)
		on_signals(r);
	if (r->fds[POLL_PORT].revents)
		on_port(r);
	if (r->fds[POLL_SOCKET].revents)
		on_socket(r);
}

/* Nobody else uses this port, so it may be polled, and reading it must not block. */
static int open_port(const char *device)
{
	int fd = kt_xopen(device, O_RDWR);

	fcntl(fd, F_SETOWN, getpid());
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC);
	return fd;
}

int ktrelay_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktrelay_main(int argc UNUSED_PARAM, char **argv)
{
	struct relay *r = xzalloc(sizeof(*r));
	char *device;
	int i;

	getopt32(argv, "^\0=2");
	argv += optind;
	device = kt_port_find(argv[0], kt_after_ms(KT_HANDSHAKE_MS));
	if (!device)
		return EXIT_SUCCESS;
	kt_daemon_priority();
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < POLL_COUNT; i++)
		r->fds[i] = (struct pollfd){ -1, POLLIN, 0 };
	r->fds[POLL_SIGNALS].fd = kt_signals_open(SIGTERM, SIGINT, SIGIO, 0);
	r->socket_path = argv[1];
	r->port = r->fds[POLL_PORT].fd = open_port(device);
	while (!r->term_came)
		step(r);
	return EXIT_SUCCESS;
}

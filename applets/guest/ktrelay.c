/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktrelay: relay bytes between a virtio port and a unix socket in the guest.
 *
 * In:   the port's name, or the path of a device; the socket's path. This is how ktstr's host asks a scheduler
 *       for its statistics.
 * Out:  bytes from each side on the other. ktrelay connects to the socket when bytes come from the host. When
 *       the socket does not take them, the host gets one line in answer,
 *       {"ktstr_relay_error":"no scheduler available"}.
 * Ends: TERM, even while one side takes nothing; or at once when there is no such port (not every host has it).
 * Exit: 0; 1 the port can't be used, or bad usage.
 *
 * ktrelay is the only opener of this port, so it may poll it and use O_NONBLOCK. It must: poll(2) says that a
 * port without a host is readable, a host that connects before the read makes a blocking read wait, and TERM
 * would not end it (will_read_block() in drivers/char/virtio_console.c).
 */
//config:config KTRELAY
//config:	bool "ktrelay"
//config:	default y
//config:	help
//config:	Relay bytes between a virtio port and a unix socket: how ktstr's host
//config:	asks a scheduler for its statistics.

//applet:IF_KTRELAY(APPLET(ktrelay, BB_DIR_USR_BIN, BB_SUID_DROP))

//kbuild:lib-$(CONFIG_KTRELAY) += ktrelay.o

//usage:#define ktrelay_trivial_usage
//usage:       "PORT SOCKET"
//usage:#define ktrelay_full_usage "\n\n"
//usage:       "Relay bytes between the virtio port PORT (a name, or a device's path)\n"
//usage:       "and the unix socket SOCKET"

#include <poll.h>
#include "byte_queue.h"
#include "port.h"
#include "process.h"
#include "unix_socket.h"

static const char no_scheduler[] = "{\"ktstr_relay_error\":\"no scheduler available\"}\n";

enum {
	QUEUE_BUSY = 64 * 1024, /* a side is not read while the other has this many bytes to take */
	/* Over QUEUE_BUSY by all that a side which has hung up still holds: a port 512 KiB, a socket 208 KiB. */
	QUEUE_MAX = 1024 * 1024,
};

enum { POLL_SIGNALS, POLL_PORT, POLL_SOCKET, POLL_COUNT };

struct relay {
	struct pollfd fds[POLL_COUNT];
	const char *socket_path;
	int port;
	int socket; /* -1: not connected */
	bool host_connected; /* as far as it is known */
	bool term_came;
	struct kt_byte_queue to_host, to_socket;
};

static void disconnect(struct relay *r)
{
	if (r->socket >= 0)
		close(r->socket);
	r->socket = -1;
	if (r->to_socket.len == 0)
		return;
	kt_queue_drop(&r->to_socket);
	kt_queue_add(&r->to_host, no_scheduler, sizeof(no_scheduler) - 1);
}

static void flush_to_socket(struct relay *r)
{
	if (r->socket < 0)
		r->socket = kt_unix_connect(r->socket_path);
	if (r->socket < 0 || kt_queue_write(&r->to_socket, r->socket, SIZE_MAX) < 0)
		disconnect(r);
}

static void flush_to_host(struct relay *r)
{
	if (kt_queue_write(&r->to_host, r->port, SIZE_MAX) < 0)
		bb_simple_perror_msg_and_die("unable to write port");
}

/* A read of 0 means that the host is not connected. poll(2) reports POLLHUP without end then, so the port is not
 * polled until SIGIO reports a change (drivers/char/virtio_console.c, send_sigio_to_port). */
static void read_port(struct relay *r)
{
	char bytes[4096];
	ssize_t len = safe_read(r->port, bytes, sizeof(bytes));

	if (len > 0)
		kt_queue_add(&r->to_socket, bytes, len);
	else if (len == 0)
		r->host_connected = false;
	else if (errno != EAGAIN)
		bb_simple_perror_msg_and_die("unable to read port");
}

static void read_socket(struct relay *r)
{
	char bytes[4096];
	ssize_t len = safe_read(r->socket, bytes, sizeof(bytes));

	if (len > 0)
		kt_queue_add(&r->to_host, bytes, len);
	else if (len == 0 || errno != EAGAIN)
		disconnect(r);
}

static void on_signals(struct relay *r)
{
	int signo;

	while ((signo = kt_signals_next(r->fds[POLL_SIGNALS].fd)) != 0) {
		r->term_came |= signo != SIGIO;
		r->host_connected = true; /* perhaps: the next read knows */
	}
}

static short events_of(const struct kt_byte_queue *in, const struct kt_byte_queue *out)
{
	return (in->len < QUEUE_BUSY ? POLLIN : 0) | (out->len ? POLLOUT : 0);
}

/* Backpressure: a side is not read while the other has much to take. */
static void choose_events(struct relay *r)
{
	short port_events = events_of(&r->to_socket, &r->to_host);
	short socket_events = events_of(&r->to_host, &r->to_socket);

	r->fds[POLL_PORT] = (struct pollfd){ port_events && r->host_connected ? r->port : -1, port_events, 0 };
	r->fds[POLL_SOCKET] = (struct pollfd){ socket_events ? r->socket : -1, socket_events, 0 };
}

/* Each side is read first, and what it gave is written at once where the other side takes it. The socket comes before
 * the port: the end of a connection is seen before a question that came after it, which then goes to the next one. */
static void step(struct relay *r)
{
	choose_events(r);
	if (poll(r->fds, POLL_COUNT, -1) < 0 && errno != EINTR)
		bb_simple_perror_msg_and_die("unable to poll");
	if (r->fds[POLL_SIGNALS].revents)
		on_signals(r);
	if (r->fds[POLL_SOCKET].revents & ~POLLOUT)
		read_socket(r);
	if (r->fds[POLL_PORT].revents & ~POLLOUT)
		read_port(r);
	if (r->to_socket.len)
		flush_to_socket(r);
	if (r->to_host.len)
		flush_to_host(r);
}

/* The kernel sends SIGIO when the host connects or disconnects. */
static int open_port(const char *device)
{
	int fd = kt_xopen(device, O_RDWR | O_NONBLOCK);

	fcntl(fd, F_SETOWN, getpid());
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC);
	return fd;
}

static char *find_device(const char *port)
{
	return strchr(port, '/') ? xstrdup(port) : kt_port_find(port, kt_after_ms(KT_HANDSHAKE_MS));
}

int ktrelay_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktrelay_main(int argc UNUSED_PARAM, char **argv)
{
	struct relay *r = xzalloc(sizeof(*r));
	char *device;

	getopt32(argv, "^\0=2");
	argv += optind;
	device = find_device(argv[0]);
	if (!device)
		return EXIT_SUCCESS;
	kt_daemon_priority();
	signal(SIGPIPE, SIG_IGN); /* a scheduler that closes its socket does not end the relay */
	r->fds[POLL_SIGNALS] = (struct pollfd){ kt_signals_open(SIGTERM, SIGINT, SIGIO, 0), POLLIN, 0 };
	r->socket_path = argv[1];
	r->socket = -1;
	r->host_connected = true;
	r->to_host.max = r->to_socket.max = QUEUE_MAX;
	r->port = open_port(device);
	while (!r->term_came)
		step(r);
	return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames both ways over a connection that has one opener at each end.
 *
 * In:  bytes of the other end, not trusted. Out: frames; and frames to the other end, as it takes them.
 *
 * Not the bulk port: that one is shared by many writers, so it is neither polled nor made non-blocking
 * (port.c).
 */
//kbuild:lib-y += frame_link.o

#include "frame_link.h"
#include "port.h"
#include "process.h"

enum {
	QUEUE_MAX = 64 * 1024 * 1024, /* out of reach: who sends looks at KT_LINK_BUSY, or reads from a person */
	WRITE_MAX = 4096, /* a buffer of the port each: so the queue of the device stays short */
};

static void init(struct kt_link *link, int in, int out)
{
	signal(SIGPIPE, SIG_IGN);
	link->in = in;
	link->out = out;
	link->queue.max = QUEUE_MAX;
	kt_reader_init(&link->reader, xmalloc(KT_WINDOW_SIZE), xmalloc(KT_CHECKPOINTS * sizeof(uint32_t)));
}

/* For reading and writing both: a fifo of which one side is not there yet can be opened then, and has no
 * end. */
static int open_fifo(const char *base, const char *suffix)
{
	char *name = xasprintf("%s.%s", base, suffix);
	int fd = kt_xopen(name, O_RDWR | O_NONBLOCK);

	free(name);
	return fd;
}

static int open_port(void)
{
	char *device = kt_port_find(KT_CTL_PORT, kt_after_ms(KT_HANDSHAKE_MS));
	int fd;

	if (!device)
		bb_simple_perror_msg_and_die("unable to find port '"KT_CTL_PORT"'");
	fd = kt_xopen(device, O_RDWR | O_NONBLOCK);
	free(device);
	return fd;
}

void FAST_FUNC kt_link_open_guest(struct kt_link *link, const char *base)
{
	int fd;

	if (base) {
		init(link, open_fifo(base, "in"), open_fifo(base, "out"));
		return;
	}
	fd = open_port();
	init(link, fd, fd);
}

void FAST_FUNC kt_link_open_host(struct kt_link *link, const char *base)
{
	init(link, open_fifo(base, "out"), open_fifo(base, "in"));
}

bool FAST_FUNC kt_link_fill(struct kt_link *link)
{
	size_t space;
	uint8_t *bytes = kt_reader_space(&link->reader, &space);
	ssize_t len = safe_read(link->in, bytes, MIN(space, (size_t)KT_LINK_READ));

	if (len > 0)
		kt_reader_filled(&link->reader, len);
	return len > 0 || (len < 0 && errno == EAGAIN);
}

bool FAST_FUNC kt_link_next(struct kt_link *link, struct kt_frame *frame)
{
	for (;;) {
		switch (kt_reader_next(&link->reader, frame)) {
		case KT_FRAME:
			return true;
		case KT_DAMAGE:
			link->damaged_bytes += frame->size;
			break;
		default:
			return false;
		}
	}
}

void FAST_FUNC kt_link_send(struct kt_link *link, uint32_t tag, const void *payload, uint32_t length)
{
	struct kt_out out;

	if (length) /* else payload may be NULL */
		memcpy(out.payload, payload, length);
	kt_header_encode(out.header, tag, out.payload, length);
	kt_queue_add(&link->queue, (const char *)&out, KT_HEADER_LEN + length);
}

int FAST_FUNC kt_link_flush(struct kt_link *link)
{
	size_t before;

	do {
		before = link->queue.len;
		if (before && kt_queue_write(&link->queue, link->out, WRITE_MAX) < 0)
			return -1;
	} while (link->queue.len && link->queue.len < before);
	return 0;
}

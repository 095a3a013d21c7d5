/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sends dumps to the host as frames.
 *
 * In:  a dump's bytes and its end.
 * Out: scx-dump frames (u32 number, bytes) and one scx-dump-end frame (text). They are built and queued here; a
 *      child writes them to the port one by one, and may block as long as the host stalls.
 */
//kbuild:lib-$(CONFIG_KTPIPE) += scx_dump_sender.o
//kbuild:CFLAGS_scx_dump_sender.o := -O2

#include "port.h"
#include "process.h"
#include "scx_dump_end.h"
#include "scx_dump_sender.h"

/* The writer: passes frames from a pipe to the port. Ends with the pipe, or when the port fails. */
static NORETURN void write_frames(int from, int port)
{
	struct kt_out *out = xmalloc(sizeof(*out));
	struct kt_header header;

	kt_daemon_priority(); /* reset on fork */
	signal(SIGTERM, SIG_IGN); /* a TERM for the whole group must not lose dumps */
	while (full_read(from, out->header, KT_HEADER_LEN) == KT_HEADER_LEN) {
		if (!kt_header_decode(out->header, &header) || header.length > KT_PAYLOAD_MAX
		 || full_read(from, out->payload, header.length) != (ssize_t)header.length
		) {
			bb_simple_error_msg_and_die("unable to read frame from ktpipe");
		}
		if (kt_port_send_encoded(port, out, header.length) < 0)
			bb_simple_perror_msg_and_die("unable to write frame");
	}
	exit(EXIT_SUCCESS);
}

void FAST_FUNC kt_dump_sender_open(struct kt_dump_sender *sender, int port, size_t queue_max)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		bb_simple_perror_msg_and_die("unable to make a pipe");
	sender->writer = xfork();
	if (sender->writer == 0) {
		close(fds[1]);
		write_frames(fds[0], port);
	}
	close(fds[0]);
	ndelay_on(fds[1]);
	sender->pipe = fds[1];
	sender->writer_end = kt_pidfd_open(sender->writer);
	sender->queue.max = queue_max;
}

/* Queues all of a frame, or nothing of it: a part would make the writer misread what follows. */
static void queue_frame(struct kt_dump_sender *sender, struct kt_out *out, uint32_t tag, uint32_t len)
{
	kt_header_encode(out->header, tag, out->payload, len);
	kt_queue_add(&sender->queue, (char *)out, KT_HEADER_LEN + len);
}

/* The mark has the time of now, not of when the port takes it. */
static void queue_mark(struct kt_dump_sender *sender, const char *what, unsigned number)
{
	char text[sizeof("dump-start-4294967295")];
	struct kt_out out;

	if (!kt_marks_wanted())
		return;
	sprintf(text, "dump-%s-%u", what, number);
	queue_frame(sender, &out, KT_MARK, kt_mark_encode(out.payload, kt_now_ms(), text, strlen(text)));
}

void FAST_FUNC kt_dump_sender_start(struct kt_dump_sender *sender, unsigned number)
{
	sender->unsent = 0;
	if (sender->pipe >= 0)
		queue_mark(sender, "start", number);
}

void FAST_FUNC kt_dump_sender_flush(struct kt_dump_sender *sender, unsigned number)
{
	if (sender->fill == 0 || sender->pipe < 0)
		return;
	kt_put_u32(sender->out.payload, number);
	queue_frame(sender, &sender->out, KT_SCX_DUMP, KT_NUMBER_LEN + sender->fill);
	sender->fill = 0;
}

void FAST_FUNC kt_dump_sender_bytes(struct kt_dump_sender *sender, unsigned number,
		const char *bytes, size_t len)
{
	if (sender->pipe < 0)
		return;
	while (len > 0) {
		size_t step = MIN(len, KT_PAYLOAD_MAX - KT_NUMBER_LEN - sender->fill);

		memcpy(sender->out.payload + KT_NUMBER_LEN + sender->fill, bytes, step);
		sender->fill += step;
		bytes += step;
		len -= step;
		if (sender->fill == KT_PAYLOAD_MAX - KT_NUMBER_LEN)
			kt_dump_sender_flush(sender, number);
	}
}

char* FAST_FUNC kt_dump_sender_end_text(struct kt_dump_sender *sender, const struct kt_dump_scan *scan)
{
	return kt_dump_end_text(scan, sender->unsent + sender->queue.dropped);
}

void FAST_FUNC kt_dump_sender_end(struct kt_dump_sender *sender, unsigned number, const char *text)
{
	size_t len = strnlen(text, KT_PAYLOAD_MAX);
	struct kt_out out;

	if (sender->pipe < 0)
		return;
	kt_dump_sender_flush(sender, number);
	queue_mark(sender, "end", number);
	memcpy(out.payload, text, len);
	queue_frame(sender, &out, KT_SCX_DUMP_END, len);
	sender->unsent += sender->queue.dropped;
	sender->queue.dropped = 0;
}

int FAST_FUNC kt_dump_sender_write(struct kt_dump_sender *sender)
{
	return kt_queue_write(&sender->queue, sender->pipe, SIZE_MAX);
}

void FAST_FUNC kt_dump_sender_close(struct kt_dump_sender *sender)
{
	if (sender->pipe >= 0)
		close(sender->pipe);
	sender->pipe = -1;
}

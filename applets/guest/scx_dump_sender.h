/* SPDX-License-Identifier: GPL-2.0-only */
/* Sends dumps to the host as frames, through a child that writes: a host that stalls must not stall the reader of
 * the trace. */
#ifndef KT_DUMP_SENDER_H
#define KT_DUMP_SENDER_H 1

#include "byte_queue.h"
#include "scx_dump_scan.h"
#include "port.h"

/* Opened by kt_dump_sender_open(). */
struct kt_dump_sender {
	int pipe; /* to the writer, non-blocking; -1: closed, or there is no port */
	pid_t writer;
	int writer_end; /* pidfd: readable when the writer has ended; -1 before and after */
	uint64_t unsent; /* bytes of the newest dump that the queue had no space for */
	uint32_t fill; /* bytes of dump in out.payload, after the number */
	struct kt_out out;
	struct kt_byte_queue queue; /* whole frames */
};

/* Starts the writer, which inherits the port. */
void kt_dump_sender_open(struct kt_dump_sender *sender, int port, size_t queue_max) FAST_FUNC;

/* Dump NUMBER has started. */
void kt_dump_sender_start(struct kt_dump_sender *sender, unsigned number) FAST_FUNC;

/* Adds bytes of dump NUMBER. They are sent when a frame is full, at flush and at the end of the dump. */
void kt_dump_sender_bytes(struct kt_dump_sender *sender, unsigned number,
		const char *bytes, size_t len) FAST_FUNC;
void kt_dump_sender_flush(struct kt_dump_sender *sender, unsigned number) FAST_FUNC;

/* The newest dump of *scan has ended: the text of its end, malloc'ed, and then to be sent. */
char *kt_dump_sender_end_text(struct kt_dump_sender *sender, const struct kt_dump_scan *scan) FAST_FUNC;
void kt_dump_sender_end(struct kt_dump_sender *sender, unsigned number, const char *text) FAST_FUNC;

/* To be called when pipe is writable. 0, or -1 and errno when the writer is gone. */
int kt_dump_sender_write(struct kt_dump_sender *sender) FAST_FUNC;

/* No more dumps: the writer ends when it has sent what it has. */
void kt_dump_sender_close(struct kt_dump_sender *sender) FAST_FUNC;

#endif

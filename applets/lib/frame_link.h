/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames in both directions over a connection with one opener at each end: the port ktbox-ctl in the guest, and
 * QEMU's pair of fifos on the host. So, unlike the bulk port, it may be polled and non-blocking.
 *
 * A process that has opened a link ignores SIGPIPE: with the other end gone, writing fails with EPIPE.
 */
#ifndef KT_FRAME_LINK_H
#define KT_FRAME_LINK_H 1

#include "byte_queue.h"
#include "frame_reader.h"

#define KT_CTL_PORT "ktbox-ctl"

enum {
	KT_LINK_READ = 64 * 1024, /* bytes read at once */
	KT_LINK_BUSY = 64 * 1024, /* with this many queued bytes, the source of more is not read */
};

struct kt_link {
	int in, out; /* non-blocking */
	struct kt_reader reader;
	struct kt_byte_queue queue; /* frames to send */
	uint64_t damaged_bytes; /* received bytes that were no frame */
};

/* The guest's end: the port ktbox-ctl, or the fifos BASE.in and BASE.out as the guest sees them. Dies with a
 * message when it can't be opened. */
void kt_link_open_guest(struct kt_link *link, const char *base_or_null) FAST_FUNC;

/* The host's end: the fifos BASE.in, which QEMU reads, and BASE.out. Dies likewise. */
void kt_link_open_host(struct kt_link *link, const char *base) FAST_FUNC;

/* Reads what has come. False at the end of the stream, and when it can't be read. */
bool kt_link_fill(struct kt_link *link) FAST_FUNC;

/* The next whole frame of what was read; false: none yet. Bytes that are no frame are counted and skipped. */
bool kt_link_next(struct kt_link *link, struct kt_frame *frame) FAST_FUNC;

/* Queues a frame of at most KT_PAYLOAD_MAX bytes of payload: all of it, or without memory nothing of it, since a
 * part would make the other end misread what follows. */
void kt_link_send(struct kt_link *link, uint32_t tag, const void *payload, uint32_t length) FAST_FUNC;

/* Writes what the other end takes now. 0, or -1 and errno when the other end is gone. */
int kt_link_flush(struct kt_link *link) FAST_FUNC;

#endif

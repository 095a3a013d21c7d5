/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sends frames: finds or inherits the bulk port, and writes each frame with one write(2).
 *
 * The rules and their reasons: docs/architecture.md, rule 2, and docs/internals/wire.md, "Writing". A write blocks as
 * long as the host stalls; daemons that must end nevertheless use port_interrupt.h.
 */
#ifndef KT_PORT_H
#define KT_PORT_H 1

#include "clock.h"
#include "wire.h"

#define KT_BULK_PORT "ktstr-bulk"

enum { KT_HANDSHAKE_MS = 5000 }; /* how long a port may take to appear at boot */

/* A frame under construction: contiguous, because only a write from one buffer is atomic. */
struct kt_out {
	uint8_t header[KT_HEADER_LEN];
	uint8_t payload[KT_PAYLOAD_MAX];
};

/* Where the frames of this process go: PATH ("-" is stdout, a file is appended to), or without it the
 * descriptor that KT_PORT_FD names, or else the bulk port, waiting for the handshake. Dies with a message
 * when it can't. From then on the process ignores SIGPIPE: a port that is a pipe fails with EPIPE and a
 * message, not by a silent death. */
int kt_port_open(const char *path_or_null) FAST_FUNC;

/* The device of the port with this sysfs name, "/dev/vport0p1", malloc'ed; waits for it by event until
 * the deadline. NULL and errno ETIMEDOUT when it is not there by then. */
char *kt_port_find(const char *name, int64_t deadline) FAST_FUNC;

/* Sends out->payload[0..length) as one frame. May block as long as the host stalls.
 * 0, or -1 and errno (EIO after a short write: the stream is torn there). */
int kt_port_send(int fd, struct kt_out *out, uint32_t tag, uint32_t length) FAST_FUNC;

/* The same for a frame that has its header. */
int kt_port_send_encoded(int fd, const struct kt_out *out, uint32_t length) FAST_FUNC;

/* The same, with payload copied; dies with a message when it can't. */
void kt_port_xsend(int fd, uint32_t tag, const void *payload, uint32_t length) FAST_FUNC;

/* One try of it: -1 and EINTR when a signal came before anything was sent. */
int kt_port_write(int fd, const struct kt_out *out, uint32_t length) FAST_FUNC;

/* Marks: frames that say when, on the guest's clock, something happened. They are sent only with KT_MARKS in the
 * environment, where /init puts it: elsewhere ktsend sends the frame that it is asked for and nothing else. */
bool kt_marks_wanted(void) FAST_FUNC;

/* The payload of a mark frame: milliseconds since boot, then TEXT. Returns its length. */
uint32_t kt_mark_encode(uint8_t *payload, int64_t ms, const char *text, size_t len) FAST_FUNC;

/* Sends a mark of TEXT, up to its first blank, if marks are wanted: as kt_port_send_until() does, or without
 * term_came as kt_port_send() does. Errors are ignored: the event's own frame follows, and its sender reports
 * them. */
void kt_port_mark(int fd, const char *text, int64_t deadline, bool *term_came) FAST_FUNC;

/* The same for an event at the time MS. */
void kt_port_mark_at(int fd, int64_t ms, const char *text, int64_t deadline, bool *term_came) FAST_FUNC;

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* The way out for frames: find the bulk port, or take an inherited one, and write one frame with one
 * write(2). The rules and their reasons: design.md rule 2, and docs/wire.md, "Writing". */
#ifndef KT_PORT_H
#define KT_PORT_H 1

#include "clock.h"
#include "wire.h"

#define KT_BULK_PORT "ktstr-bulk"

enum { KT_HANDSHAKE_MS = 5000 }; /* how long a port may take to show up at boot */

/* A frame under construction, contiguous, because only one write of one buffer is atomic. */
struct kt_out {
	uint8_t header[KT_HEADER_LEN];
	uint8_t payload[KT_PAYLOAD_MAX];
};

/* As xzalloc(), for what a daemon keeps its frames in: pages fresh from the kernel are zero already, and
 * those that are not written to take no memory. A short-lived frame lies on the stack: the unmapping of a
 * large heap block costs more than its write. */
void *kt_xcalloc(size_t size) FAST_FUNC;

/* Where the frames of this process go: PATH ("-" is stdout, a file is appended to), or without it the
 * descriptor that KT_PORT_FD names, or else the bulk port, waiting for the handshake. Dies with a message
 * when it can't. */
int kt_port_open(const char *path_or_null) FAST_FUNC;

/* The device of the port with this sysfs name, "/dev/vport0p1", malloc'ed; waits for it by event until
 * the deadline. NULL and errno ETIMEDOUT when it is not there by then. */
char *kt_port_find(const char *name, int64_t deadline) FAST_FUNC;

/* Sends out->payload[0..length) as one frame. May block as long as the host stalls.
 * 0, or -1 and errno (EIO after a short write: the stream is torn there). */
int kt_port_send(int fd, struct kt_out *out, uint32_t tag, uint32_t length) FAST_FUNC;

/* The same for a frame whose header is there already. */
int kt_port_send_encoded(int fd, const struct kt_out *out, uint32_t length) FAST_FUNC;

/* The same, with payload copied; dies with a message when it can't. */
void kt_port_xsend(int fd, uint32_t tag, const void *payload, uint32_t length) FAST_FUNC;

/* For daemons, that block TERM and ALRM: as kt_port_send(), but TERM and the deadline end the wait.
 * -1 and EINTR: nothing was sent, and either the deadline has passed or *term_came was set, once for all. */
int kt_port_send_until(int fd, struct kt_out *out, uint32_t tag, uint32_t length,
		int64_t deadline, bool *term_came) FAST_FUNC;

#endif

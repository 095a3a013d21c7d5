/* SPDX-License-Identifier: GPL-2.0-only */
/* A port write that TERM and a deadline can interrupt: for daemons, which block TERM and ALRM and read them from
 * a signalfd. Everything else sends with kt_port_send(), which blocks as long as the host stalls. */
#ifndef KT_PORT_INTERRUPT_H
#define KT_PORT_INTERRUPT_H 1

#include "port.h"

/* As kt_port_send(), but TERM and the deadline end the wait. -1 and EINTR: nothing was sent, and either the
 * deadline has passed or *term_came was set, once for all: that TERM does not come to the signalfd. */
int kt_port_send_until(int fd, struct kt_out *out, uint32_t tag, uint32_t length,
		int64_t deadline, bool *term_came) FAST_FUNC;

#endif

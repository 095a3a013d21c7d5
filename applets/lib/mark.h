/* SPDX-License-Identifier: GPL-2.0-only */
/* Marks: when, on the guest's clock, something happened. Only where KT_MARKS is in the environment, as /init
 * has it: who sends a frame elsewhere sends that frame and nothing else. */
#ifndef KT_MARK_H
#define KT_MARK_H 1

#include "port.h"

enum { KT_MARK_TEXT_MAX = 200 };

bool kt_marks_wanted(void) FAST_FUNC;

/* The payload of a mark frame: milliseconds since boot, then TEXT. Returns its length. */
uint32_t kt_mark_encode(uint8_t *payload, int64_t ms, const char *text, size_t len) FAST_FUNC;

/* Sends a mark of TEXT, up to its first blank, if marks are wanted; as kt_port_send_until() does, or
 * without a term_came (it is no daemon) as kt_port_send(). What can't be sent is not: the frame that tells
 * what happened comes behind it, and its sender complains. */
void kt_port_mark(int fd, const char *text, int64_t deadline, bool *term_came) FAST_FUNC;

/* The same for something that happened at MS. */
void kt_port_mark_at(int fd, int64_t ms, const char *text, int64_t deadline, bool *term_came) FAST_FUNC;

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The statistics that a scheduler of the scx project serves: a line of JSON for each line that asks.
 *
 * Source: rust/scx_stats of that project. A scheduler listens on /var/run/scx/root/stats, answers a request that is
 * {"req":"stats","args":{"target":"top"}}, and keeps the connection. Each connection has its own interval between two
 * answers, so one connection is kept.
 */
#ifndef KT_SCX_STATS_H
#define KT_SCX_STATS_H 1

#include "libbb.h"

enum { KT_SCX_STATS_MAX = 256 * 1024 }; /* of an answer; a longer one ends the connection */

struct kt_scx_stats {
	char path[108];
	int fd; /* to poll for POLLIN; -1: not connected */
	bool asked; /* the answer has not come */
	const char *problem; /* why the answer to the last request does not come; NULL: it may */
	uint32_t used;
	char answer[KT_SCX_STATS_MAX]; /* of the last request, without its newline, ends with a NUL */
};

/* ROOT stands for /. */
void kt_scx_stats_init(struct kt_scx_stats *s, const char *root) FAST_FUNC;

/* Connects where that was not done yet, and asks. Nothing happens without a socket, or while an answer is due: a
 * scheduler that hangs is not asked twice. A problem: it can't be asked. Never waits. */
void kt_scx_stats_ask(struct kt_scx_stats *s) FAST_FUNC;

/* Reads what has come. True: the answer is whole, and stays until the next request. False with a problem: it does not
 * come any more. */
bool kt_scx_stats_read(struct kt_scx_stats *s) FAST_FUNC;

#endif

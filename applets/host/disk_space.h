/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much the files that a guest can have any number of may take: sched-N.log, dump-N.txt and those below get/. The
 * other artifacts need no such bound: together they have no more bytes than the stream.
 */
#ifndef KT_DISK_SPACE_H
#define KT_DISK_SPACE_H 1

#include "libbb.h"

/* A file or directory takes an inode and a block even when it is empty. */
enum { KT_INODE_COST = 4096 };

struct kt_space {
	uint64_t left; /* bytes; UINT64_MAX: no bound */
	uint64_t unwritten; /* bytes that were not written for lack of space */
};

/* Takes COST bytes. False when so much is not left: then nothing is left for smaller ones either, since a file must
 * not go on after a gap. */
static inline bool kt_space_reserve(struct kt_space *space, uint64_t cost)
{
	if (space->left == UINT64_MAX)
		return true;
	if (space->left < cost) {
		space->left = 0;
		return false;
	}
	space->left -= cost;
	return true;
}

#endif

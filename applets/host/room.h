/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much the files that a guest can have any number of may take: sched-N.log, dump-N.txt and those below get/. The
 * other artifacts need no such bound: together they have no more bytes than the stream.
 */
#ifndef KT_ROOM_H
#define KT_ROOM_H 1

#include "libbb.h"

/* A file or directory takes an inode and a block even when it is empty. */
enum { KT_INODE_COST = 4096 };

struct kt_room {
	uint64_t left; /* bytes; UINT64_MAX: no bound */
	uint64_t unwritten; /* bytes that there was no room for */
};

/* Takes COST bytes. False when there is no room: then there is none for smaller ones either, since a file must not
 * go on after a gap. */
static inline bool kt_room_take(struct kt_room *room, uint64_t cost)
{
	if (room->left == UINT64_MAX)
		return true;
	if (room->left < cost) {
		room->left = 0;
		return false;
	}
	room->left -= cost;
	return true;
}

#endif

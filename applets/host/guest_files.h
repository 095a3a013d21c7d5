/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of the guest, written below one directory of the artifacts. Their names are the guest's, and can't lead out
 * of that directory. */
#ifndef KT_GUEST_FILES_H
#define KT_GUEST_FILES_H 1

#include "file_list.h"
#include "disk_space.h"

#define KT_GET_DIR "get"

/* A hostile guest may send a file with every frame; after this many files and directories all are refused. */
enum { KT_GUEST_FILES_MAX = 65536 };

/* Files that are open for senders that take turns; the others are opened again. */
enum { KT_GUEST_FILES_OPEN = 64 };

/* Starts as zero, but for dir and top: -1. */
struct kt_guest_files {
	int dir; /* descriptor of the artifacts; -1: frames are only counted */
	int top; /* descriptor of get/ in it, from the first file on */
	struct kt_space *space;
	struct kt_file_record *open[KT_GUEST_FILES_OPEN]; /* whose fd is open; NULL: none */
	unsigned opened; /* so many times; the next takes this place */
	unsigned entries; /* files and directories made so far */
};

/* Handles a file, file-data or file-end frame, whose records are in list. Dies when the host can't write. */
void kt_guest_files_frame(struct kt_guest_files *files, struct kt_file_list *list,
		const struct kt_frame *frame) FAST_FUNC;

#endif

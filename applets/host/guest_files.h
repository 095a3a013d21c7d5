/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of the guest, written below one folder of the artifacts. Their names are the guest's: they are taken
 * apart, and never lead out of that folder. */
#ifndef KT_GUEST_FILES_H
#define KT_GUEST_FILES_H 1

#include "file_list.h"

#define KT_GET_FOLDER "get"

/* A hostile guest may send a file with every frame; after this many files and folders all are refused. */
enum { KT_GUEST_FILES_MAX = 65536 };

/* Starts as zero, but for dir and fd: -1. */
struct kt_guest_files {
	int dir; /* descriptor of the artifacts; -1: none are wanted, frames are only counted */
	int fd; /* of the file that was written last, -1: none */
	const struct kt_file_record *owner; /* whose file that is */
	unsigned entries; /* made so far */
};

/* A file, file-data or file-end frame, whose records are in list. Dies when the host can't write. */
void kt_guest_files_frame(struct kt_guest_files *files, struct kt_file_list *list,
		const struct kt_frame *frame) FAST_FUNC;

#endif

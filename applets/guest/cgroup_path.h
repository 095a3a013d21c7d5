/* SPDX-License-Identifier: GPL-2.0-only */
/* The path of a cgroup, by its id. */
#ifndef KT_CGROUP_PATH_H
#define KT_CGROUP_PATH_H 1

#include "libbb.h"

/* Malloc'ed, from the root of the hierarchy on ("/a"), quoted as in scx_dump_end.h; NULL when there is no such cgroup,
 * or no cgroup2 at /sys/fs/cgroup. */
char *kt_cgroup_path(uint64_t id) FAST_FUNC;

#endif

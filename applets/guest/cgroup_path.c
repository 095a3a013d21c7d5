/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The path of a cgroup, by its id.
 *
 * In:  a cgroup's id, which is its directory's file handle (cgroup_id() in include/linux/cgroup.h,
 *      kernfs_fh_to_dentry() in fs/kernfs/mount.c). Out: its path.
 */
//kbuild:lib-$(CONFIG_KTEXITMON) += cgroup_path.o

#include "cgroup_path.h"
#include "scx_dump_end.h"

#define HIERARCHY "/sys/fs/cgroup"

enum { FILEID_KERNFS = 0xfe }; /* include/linux/exportfs.h */

static int open_by_id(uint64_t id)
{
	union {
		struct file_handle handle;
		char bytes[sizeof(struct file_handle) + sizeof(id)];
	} u = { .handle = { .handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS } };
	int mount = open(HIERARCHY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd;

	memcpy(u.handle.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(mount, &u.handle, O_RDONLY | O_CLOEXEC);
	close(mount);
	return fd;
}

char* FAST_FUNC kt_cgroup_path(uint64_t id)
{
	int fd = open_by_id(id);
	char *link, *path = NULL;
	const char *below;

	if (fd < 0)
		return NULL;
	link = xmalloc_readlink(auto_string(xasprintf("/proc/self/fd/%d", fd)));
	below = link ? is_prefixed_with(link, HIERARCHY) : NULL;
	if (below)
		path = kt_dump_quote(below[0] ? below : "/");
	free(link);
	close(fd);
	return path;
}

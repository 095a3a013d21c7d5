/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's uevents.
 *
 * In:  netlink messages "ACTION@PATH\0NAME=VALUE\0...". Out: their values by name.
 * Source: lib/kobject_uevent.c; kernel/sched/ext.c adds SCXOPS (seen in test/vm).
 */
//kbuild:lib-y += uevent.o

#include <linux/netlink.h>
#include "uevent.h"

enum { KERNEL_GROUP = 1 };

int FAST_FUNC kt_uevent_open(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

ssize_t FAST_FUNC kt_uevent_next(int fd, char buf[KT_UEVENT_MAX])
{
	struct sockaddr_nl sender = { .nl_pid = 1 }; /* not the kernel's own 0, until recvfrom() says so */
	socklen_t sender_len;
	ssize_t len;

	do {
		sender_len = sizeof(sender);
		len = recvfrom(fd, buf, KT_UEVENT_MAX - 1, 0, (struct sockaddr *)&sender, &sender_len);
		if (len < 0 && errno == ENOBUFS)
			return -1;
		if (len <= 0)
			return 0;
	} while (sender.nl_pid != 0);
	buf[len] = '\0';
	return len;
}

const char* FAST_FUNC kt_uevent_value(const char *buf, size_t len, const char *name)
{
	size_t name_len = strlen(name);
	size_t at;

	for (at = 0; at < len; at += strlen(buf + at) + 1)
		if (strncmp(buf + at, name, name_len) == 0 && buf[at + name_len] == '=')
			return buf + at + name_len + 1;
	return NULL;
}

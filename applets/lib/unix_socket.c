/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client's end of a unix socket.
 *
 * In:  the path that a server listens on. Out: a descriptor.
 */
//kbuild:lib-y += unix_socket.o

#include <sys/un.h>
#include "unix_socket.h"

int FAST_FUNC kt_unix_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	safe_strncpy(address.sun_path, path, sizeof(address.sun_path));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

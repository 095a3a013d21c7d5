/* SPDX-License-Identifier: GPL-2.0-only */
/* open(2) that dies. In: a name. Out: a descriptor; or a message, and exit with xfunc_error_retval. */
//kbuild:lib-y += kt_open.o

#include "kt_open.h"

int FAST_FUNC kt_xopen(const char *name, int flags)
{
	int fd = open(name, flags | O_NOCTTY | O_CLOEXEC, 0666);

	if (fd < 0)
		bb_perror_msg_and_die("unable to open '%s'", name);
	return fd;
}

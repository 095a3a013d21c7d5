/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program's place on a terminal.
 *
 * In:  a terminal, a program and its arguments. Out: by becoming the program. Exit: its own; 126 or 127 as
 *      a shell when it can't run; xfunc_error_retval when the terminal can't be taken.
 *
 * setsid -c would do but for the signals: what a shell starts in the background has SIGINT ignored for good.
 */
//kbuild:lib-y += kt_login.o

#include <sys/ioctl.h>
#include "process.h"
#include "kt_login.h"

void FAST_FUNC kt_login(int fd, const char *name, char **argv)
{
	if (setsid() < 0)
		bb_simple_perror_msg_and_die("unable to start a session");
	if (ioctl(fd, TIOCSCTTY, 1) < 0)
		bb_perror_msg_and_die("unable to take '%s' as controlling terminal", name);
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
	kt_undo_daemon();
	kt_exec_or_die(argv);
}

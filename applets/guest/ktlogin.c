/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktlogin: start a program as the leader of a session on a terminal.
 *
 * In:   a tty and a program with its arguments.
 * Out:  the tty is the program's stdin, stdout, stderr and controlling terminal, so that Ctrl-C and job
 *       control work; priority, oom_score_adj and signals are the ordinary ones, whatever /init has.
 * Ends: by becoming the program.
 * Exit: the program's own; 126 or 127 as a shell when it can't run; 1 the tty can't be opened, or bad
 *       usage.
 */
//config:config KTLOGIN
//config:	bool "ktlogin"
//config:	default y
//config:	help
//config:	Run a program as the leader of a session on a terminal, with ordinary
//config:	priority and signals: the interactive shell of shell mode.

//applet:IF_KTLOGIN(APPLET(ktlogin, BB_DIR_USR_BIN, BB_SUID_DROP))

//kbuild:lib-$(CONFIG_KTLOGIN) += ktlogin.o

//usage:#define ktlogin_trivial_usage
//usage:       "TTY PROG [ARG]..."
//usage:#define ktlogin_full_usage "\n\n"
//usage:       "Run PROG as the leader of a session on the terminal TTY"

#include "process.h"
#include "kt_login.h"
#include "kt_open.h"

/* TIOCSCTTY wants a session leader, and that wants a process that leads no group. */
static void lead_no_group(void)
{
	if (getpid() == getpgrp() && xfork() != 0) {
		int status;

		wait(&status);
		exit(kt_shell_status(status));
	}
}

int ktlogin_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktlogin_main(int argc UNUSED_PARAM, char **argv)
{
	getopt32(argv, "^+\0-2");
	argv += optind;
	lead_no_group();
	kt_login(kt_xopen(argv[0], O_RDWR), argv[0], argv + 1);
}

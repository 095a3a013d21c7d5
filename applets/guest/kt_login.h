/* SPDX-License-Identifier: GPL-2.0-only */
/* A program's place on a terminal: leader of a session whose controlling terminal it is. */
#ifndef KT_LOGIN_H
#define KT_LOGIN_H 1

#include "libbb.h"

/* In a process that leads no group: FD becomes its stdin, stdout, stderr and controlling terminal; priority,
 * oom_score_adj and signals become ordinary. Then the program. Dies with a message that names the terminal.
 * */
void kt_login(int fd, const char *name, char **argv) NORETURN FAST_FUNC;

#endif

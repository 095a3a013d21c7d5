/* SPDX-License-Identifier: GPL-2.0-only */
/* What the shell of /init does instead of exec: the patch of shell/ash.c calls these. */
#ifndef KTSH_H
#define KTSH_H

/* The applet that NAME means in this shell; -1: NAME is looked up on PATH, as always in a shell that is not ktsh. */
int kt_shell_applet(const char *name) FAST_FUNC;

/* A background command has this shell's stdin, rather than /dev/null: in ktsh. */
bool kt_keeps_stdin(void) FAST_FUNC;

/* It needs no child: run_nofork_applet() runs it. */
bool kt_runs_in_shell(int applet) FAST_FUNC;

/* In a child of the shell: what exec of the applet would do. ARGV and ENVIRONMENT stay in use. */
void kt_run_applet_and_exit(int applet, char **argv, char **environment) FAST_FUNC NORETURN;

#endif

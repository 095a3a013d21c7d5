/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktsh: the shell of /init. It is BusyBox's ash, which runs the commands of its own binary by itself.
 *
 * In:   as ash. A command's name is looked up among the applets before PATH is.
 * Out:  as ash. An applet runs in a child that does not exec; one that BusyBox lists as NOFORK runs in the shell
 *       itself. A background command has the shell's stdin.
 * Ends: as ash.
 *
 * Two reasons. In a guest under TCG, exec costs as much as fork, and /init starts some forty programs. And the payload
 * may remove, replace or hide /bin, /usr, /proc and /dev: /init needs none of them.
 *
 * Every other shell (sh, ash) finds programs on PATH alone: a user's `ls` is the one that the user brought.
 * The calls of these functions are a patch of shell/ash.c.
 */
//config:config KTSH
//config:	bool "ktsh"
//config:	default y
//config:	help
//config:	The shell of /init: ash that runs the applets of its own binary
//config:	without exec, and some of them without a process.

//applet:IF_KTSH(APPLET_ODDNAME(ktsh, ash, BB_DIR_BIN, BB_SUID_DROP, ash))

//kbuild:lib-$(CONFIG_KTSH) += ktsh.o

#include <sys/prctl.h>
#include "busybox.h"
#include "ktsh.h"

int ash_main(int argc, char **argv);

static bool is_ktsh(void)
{
	return strcmp(applet_name, "ktsh") == 0;
}

bool FAST_FUNC kt_keeps_stdin(void)
{
	return is_ktsh();
}

/* A shell that has run is not started a second time in the same process: its variables are in use. */
int FAST_FUNC kt_shell_applet(const char *name)
{
	int applet = is_ktsh() ? find_applet_by_name(name) : -1;

	return applet >= 0 && applet_main[applet] != ash_main ? applet : -1;
}

bool FAST_FUNC kt_runs_in_shell(int applet)
{
	return applet >= 0 && APPLET_IS_NOFORK(applet);
}

/* As exec leaves them: what was caught has the default action, what was ignored stays ignored. */
static void reset_signals(void)
{
	struct sigaction action;
	int signo;

	for (signo = 1; signo < NSIG; signo++)
		if (sigaction(signo, NULL, &action) == 0 && action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN)
			signal(signo, SIG_DFL);
}

/* So that ps and /proc/PID/cmdline show the applet's words, as after exec. The text stays: the kernel reads it. */
static void show_arguments(char **argv)
{
	size_t len = 0;
	char *text;
	int i;

	for (i = 0; argv[i]; i++)
		len += strlen(argv[i]) + 1;
	text = xmalloc(len);
	for (len = 0, i = 0; argv[i]; i++)
		len = stpcpy(text + len, argv[i]) + 1 - text;
	prctl(PR_SET_MM, PR_SET_MM_ARG_START, text, 0, 0); /* the start first: it may not be after the end */
	prctl(PR_SET_MM, PR_SET_MM_ARG_END, text + len, 0, 0);
	set_task_comm(argv[0]);
}

void FAST_FUNC kt_run_applet_and_exit(int applet, char **argv, char **environment)
{
	reset_signals();
	environ = environment;
	logmode = LOGMODE_STDIO;
	xfunc_error_retval = EXIT_FAILURE;
	die_func = NULL;
	GETOPT_RESET();
	show_arguments(argv);
	run_applet_no_and_exit(applet, argv[0], argv);
}

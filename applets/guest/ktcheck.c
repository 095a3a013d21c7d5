/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktcheck: check that this kernel has the system calls without which the kt commands can't work. A kernel may be built
 * without each of them.
 *
 * Out:  a line for each that is missing, on stdout: the kernel's option.
 * Ends: at once.
 * Exit: 0 none is missing; 1 at least one is, or bad usage.
 *
 * Calls with an argument that can't be right change nothing, and tell by errno.
 */
//config:config KTCHECK
//config:	bool "ktcheck"
//config:	default y
//config:	help
//config:	Check that the kernel has the system calls that the kt commands
//config:	need.

//applet:IF_KTCHECK(APPLET_NOFORK(ktcheck, ktcheck, BB_DIR_USR_BIN, BB_SUID_DROP, ktcheck))

//kbuild:lib-$(CONFIG_KTCHECK) += ktcheck.o

//usage:#define ktcheck_trivial_usage
//usage:       ""
//usage:#define ktcheck_full_usage "\n\n"
//usage:       "Print the options of the system calls that this kernel lacks\n"

#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include "uevent.h"

static int call_signalfd(void)
{
	sigset_t none;

	sigemptyset(&none);
	return signalfd(-1, &none, SFD_CLOEXEC);
}

static int call_inotify(void)
{
	return inotify_init1(IN_CLOEXEC);
}

static int call_flock(void)
{
	return flock(-1, LOCK_SH);
}

static int call_getitimer(void)
{
	return getitimer(-1, NULL);
}

static const struct {
	const char *option;
	int (*call)(void);
} calls[] = {
	{ "CONFIG_NET", kt_uevent_open },
	{ "CONFIG_SIGNALFD", call_signalfd },
	{ "CONFIG_INOTIFY_USER", call_inotify },
	{ "CONFIG_FILE_LOCKING", call_flock },
	{ "CONFIG_POSIX_TIMERS", call_getitimer },
};

static bool is_missing(int (*call)(void))
{
	int fd = call();

	if (fd >= 0) {
		close(fd);
		return false;
	}
	return errno == ENOSYS || errno == EAFNOSUPPORT;
}

int ktcheck_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktcheck_main(int argc UNUSED_PARAM, char **argv)
{
	int result = EXIT_SUCCESS;
	unsigned i;

	getopt32(argv, "^\0=0");
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (is_missing(calls[i].call)) {
			puts(calls[i].option);
			result = EXIT_FAILURE;
		}
	return result;
}

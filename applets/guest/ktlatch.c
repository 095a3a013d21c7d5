/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktlatch: set, test, reset and await one-shot events between processes, from shell.
 *
 * In:   names; KT_RUN_DIR (default /run/kt), the directory that holds them.
 * Out:  files in that directory; wait -a prints the first latch that is set, or "process.ended".
 * Ends: at once; wait: when the latches are set, the time has passed, or the process has ended.
 * Exit: 0 done, or set (wait -a -i: 10 and the place of the latch in the list, from 0); 1 not set (test), an error, bad
 *       usage; 124 wait's time has passed; 125 its process has ended.
 */
//config:config KTLATCH
//config:	bool "ktlatch"
//config:	default y
//config:	help
//config:	One-shot events between processes, for shell: set, test, reset, and
//config:	wait with a time limit and without polling.

//applet:IF_KTLATCH(APPLET_NOFORK(ktlatch, ktlatch, BB_DIR_USR_BIN, BB_SUID_DROP, ktlatch))

//kbuild:lib-$(CONFIG_KTLATCH) += ktlatch.o

//usage:#define ktlatch_trivial_usage
//usage:       "set|test|reset NAME | wait [-t SECS] [-p PID] [-a [-i]] [NAME]..."
//usage:#define ktlatch_full_usage "\n\n"
//usage:       "Handle one-shot events between processes, kept in KT_RUN_DIR (/run/kt)\n"
//usage:     "\n	set	Set NAME, and wake the processes that wait for it"
//usage:     "\n	test	Exit 0 if NAME is set, 1 if not"
//usage:     "\n	reset	Unset NAME"
//usage:     "\n	wait	Wait until all NAMEs are set; exit 124 if that takes longer than SECS"
//usage:     "\n	-t SECS	Wait at most SECS (0.5 is fine)"
//usage:     "\n	-p PID	Wait no longer than process PID lives; exit 125 when it has ended"
//usage:     "\n		(with -a and no NAME: for its end)"
//usage:     "\n	-a	Wait for any of them, and print the first that is set (process.ended)"
//usage:     "\n	-i	With -a: print nothing, exit 10 if it is the first NAME, 11 the second, ..."

#include "process.h"
#include "run_dir.h"

static void check_name(const char *name)
{
	if (!kt_latch_name_is_valid(name))
		bb_error_msg_and_die("unable to use name '%s': only a-z, 0-9, _ and - make a latch's name", name);
}

/* -1: it has ended */
static int open_process(const char *pid)
{
	int pidfd = kt_pidfd_open(xatoi_positive(pid));

	if (pidfd < 0 && errno != ESRCH)
		bb_perror_msg_and_die("unable to watch process %s", pid);
	return pidfd;
}

enum { FIRST_INDEX = 10, INDEX_MAX = 100 }; /* below the statuses 124 and 125 */

static int wait_main(char **argv)
{
	/* in the order of the option string */
	enum { OPT_TIME = 1 << 0, OPT_PROCESS = 1 << 1, OPT_ANY = 1 << 2, OPT_INDEX = 1 << 3 };
	int64_t deadline = KT_NEVER;
	bool gone = false;
	int pidfd = -1;
	char *secs, *pid;
	unsigned opts;
	int i;

	opts = getopt32(argv, "+t:p:ai", &secs, &pid);
	argv += optind;
	if ((!argv[0] && !(opts & OPT_PROCESS)) || (opts & (OPT_ANY | OPT_INDEX)) == OPT_INDEX)
		bb_show_usage();
	for (i = 0; argv[i]; i++)
		check_name(argv[i]);
	if ((opts & OPT_INDEX) && i > INDEX_MAX)
		bb_error_msg_and_die("unable to wait for %d latches with -i: at most %d", i, INDEX_MAX);
	if (opts & OPT_TIME)
		deadline = kt_after_ms(kt_seconds_to_ms(parse_duration_str(secs)));
	if (opts & OPT_PROCESS) {
		pidfd = open_process(pid);
		gone = pidfd < 0;
	}
	if (gone)
		deadline = kt_now_ms();
	i = kt_latch_wait(argv, opts & OPT_ANY, deadline, pidfd);
	if (pidfd >= 0)
		close(pidfd);
	if (i < 0 && !gone && i != KT_LATCH_ENDED)
		return 124;
	if (opts & OPT_INDEX)
		return i < 0 ? 125 : FIRST_INDEX + i;
	if (opts & OPT_ANY)
		puts(i < 0 ? "process.ended" : argv[i]); /* no latch has a dot */
	return i < 0 ? 125 : EXIT_SUCCESS;
}

int ktlatch_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktlatch_main(int argc, char **argv)
{
	const char *verb = argv[1];

	if (argc < 2)
		bb_show_usage();
	if (strcmp(verb, "wait") == 0)
		return wait_main(argv + 1);
	if (argc != 3)
		bb_show_usage();
	check_name(argv[2]);
	if (strcmp(verb, "set") == 0)
		return !kt_latch_set_or_warn(argv[2]);
	if (strcmp(verb, "reset") == 0)
		return !kt_latch_reset_or_warn(argv[2]);
	if (strcmp(verb, "test") == 0)
		return !kt_latch_is_set(argv[2]);
	bb_show_usage();
}

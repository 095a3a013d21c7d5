/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktlatch: one-shot events between processes, for shell.
 *
 * In:   names; KT_RUN_DIR (default /run/kt), the folder that holds them.
 * Out:  the latch is set, reset, or waited for; wait -a prints the first that is set, or "process.ended".
 * Ends: at once, or with wait when the latches are set, the time is over, or the process has ended.
 * Exit: 0 done, or set; 1 not set (test), an error, bad usage; 124 wait's time is over; 125 its process has
 *       ended.
 */
//config:config KTLATCH
//config:	bool "ktlatch"
//config:	default y
//config:	help
//config:	One-shot events between processes, for shell: set, test, reset, and
//config:	wait with a time limit and without polling.

//applet:IF_KTLATCH(APPLET(ktlatch, BB_DIR_USR_BIN, BB_SUID_DROP))

//kbuild:lib-$(CONFIG_KTLATCH) += ktlatch.o

//usage:#define ktlatch_trivial_usage
//usage:       "set|test|reset NAME | wait [-t SECS] [-p PID] [-a] [NAME]..."
//usage:#define ktlatch_full_usage "\n\n"
//usage:       "One-shot events between processes, kept in KT_RUN_DIR (/run/kt)\n"
//usage:     "\n	set	Set NAME, now and for good; wakes who waits for it"
//usage:     "\n	test	Exit 0 if NAME is set, 1 if not"
//usage:     "\n	reset	Make NAME unset"
//usage:     "\n	wait	Wait until all NAMEs are set; exit 124 if that takes over SECS"
//usage:     "\n	-t SECS	Wait at most SECS (0.5 is fine)"
//usage:     "\n	-p PID	Wait no longer than process PID lives; exit 125 when it has ended"
//usage:     "\n		(with -a and no NAME: for its end)"
//usage:     "\n	-a	Wait for any of them, and print the first that is set (process.ended)"

#include "process.h"
#include "run_dir.h"

static void check_name(const char *name)
{
	if (!kt_latch_name_is_valid(name))
		bb_error_msg_and_die("unable to use name '%s': only a-z, 0-9, _ and - make a latch's name", name);
}

/* -1: it is gone */
static int open_process(const char *pid)
{
	int pidfd = kt_pidfd_open(xatoi_positive(pid));

	if (pidfd < 0 && errno != ESRCH)
		bb_perror_msg_and_die("unable to watch process %s", pid);
	return pidfd;
}

static int wait_main(char **argv)
{
	enum { OPT_TIME = 1 << 0, OPT_PROCESS = 1 << 1, OPT_ANY = 1 << 2 }; /* in the order of the option string */
	int64_t deadline = KT_NEVER;
	bool gone = false;
	int pidfd = -1;
	char *secs, *pid;
	unsigned opts;
	int i;

	opts = getopt32(argv, "+t:p:a", &secs, &pid);
	argv += optind;
	if (!argv[0] && !(opts & OPT_PROCESS))
		bb_show_usage();
	for (i = 0; argv[i]; i++)
		check_name(argv[i]);
	if (opts & OPT_TIME)
		deadline = kt_after_ms(kt_seconds_to_ms(parse_duration_str(secs)));
	if (opts & OPT_PROCESS) {
		pidfd = open_process(pid);
		gone = pidfd < 0;
	}
	if (gone)
		deadline = kt_now_ms();
	i = kt_latch_wait(argv, opts & OPT_ANY, deadline, pidfd);
	if (i < 0 && !gone && i != KT_LATCH_ENDED)
		return 124;
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

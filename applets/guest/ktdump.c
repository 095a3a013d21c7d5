/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktdump: send scheduler logs to the host. (The kernel's dumps of a scheduler are ktpipe's.)
 *
 * In:   log files; or the staged logs of a directory; or a text; or with -f a log that is being written, or a
 *       FIFO that a log is written to.
 * Out:  one block of sched-log frames per log (START, bytes, END), one frame for a text; sched-live frames
 *       with -f (history frames with -H), and the newest bytes in COPY with -c.
 * Ends: when all are sent. A log that is still growing is sent up to the size that it had. -f: by TERM, or
 *       when the process PID has ended, after sending what the log has by then.
 * Exit: 0 sent; 1 a log was missing or unreadable (its block is sent, empty), the port failed, or bad
 *       usage.
 */
//config:config KTDUMP
//config:	bool "ktdump"
//config:	default y
//config:	help
//config:	Send scheduler logs to the host as checksummed frames, one block per
//config:	log, staged logs in the order in which their schedulers were spawned.

//applet:IF_KTDUMP(APPLET(ktdump, BB_DIR_USR_BIN, BB_SUID_DROP))

//kbuild:lib-$(CONFIG_KTDUMP) += ktdump.o

//usage:#define ktdump_trivial_usage
//usage:       "[-p PATH] FILE... | -s [DIR] | -m TEXT | -f FILE [-Ht] [-P PID] [-c COPY]"
//usage:#define ktdump_full_usage "\n\n"
//usage:       "Send scheduler logs to the host, one block per log\n"
//usage:     "\n	-s	Send every non-empty sched_*.log in DIR (/tmp), in the order of their numbers"
//usage:     "\n	-m TEXT	Send one frame with TEXT, cut off at 32752 bytes"
//usage:     "\n	-f FILE	Send FILE (a FIFO: what is written to it) as it is being written, until TERM"
//usage:     "\n	-H	With -f: send it as the history of a shell, not as a log"
//usage:     "\n	-t	With -f: make FILE, a link to a raw terminal whose writer writes line by line"
//usage:     "\n	-P PID	With -f: end when process PID has ended"
//usage:     "\n	-c COPY	Keep the newest bytes in COPY too, at most 4 MiB"
//usage:     "\n	-p PATH	Send to PATH (- is stdout), not to the bulk port"

#include "log_follower.h"
#include "sched_log.h"

#define STAGED_PREFIX "sched_"
#define STAGED_SUFFIX ".log"

static bool is_staged_log(const char *dir, const char *name)
{
	size_t len = strlen(name);
	struct stat st;
	char *path;
	bool wanted;

	if (!is_prefixed_with(name, STAGED_PREFIX) || len < sizeof(STAGED_PREFIX STAGED_SUFFIX) - 1
	 || !is_suffixed_with(name, STAGED_SUFFIX)
	) {
		return false;
	}
	path = concat_path_file(dir, name);
	wanted = stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
	free(path);
	return wanted;
}

/* The digits before ".log", without leading zeros; *len is their count. */
static const char *sequence_number(const char *name, size_t *len)
{
	const char *end = name + strlen(name) - (sizeof(STAGED_SUFFIX) - 1);
	const char *first = end;

	while (first > name && isdigit(first[-1]))
		first--;
	while (first < end && *first == '0')
		first++;
	*len = end - first;
	return first;
}

/* Numbers follow the order in which schedulers were spawned, names do not; 9 comes before 10. */
static int by_sequence_number(const void *a, const void *b)
{
	const char *name_a = *(char *const *)a;
	const char *name_b = *(char *const *)b;
	size_t len_a, len_b;
	const char *number_a = sequence_number(name_a, &len_a);
	const char *number_b = sequence_number(name_b, &len_b);
	int order;

	if (len_a != len_b)
		return len_a < len_b ? -1 : 1;
	order = memcmp(number_a, number_b, len_a);
	return order ? order : strcmp(name_a, name_b);
}

static int send_staged(int port, const char *dir)
{
	DIR *open_dir = opendir(dir);
	struct dirent *entry;
	char **names = NULL;
	int count = 0, result = 0, i;

	if (!open_dir)
		bb_perror_msg_and_die("unable to open '%s'", dir);
	while ((entry = readdir(open_dir)) != NULL) {
		if (!is_staged_log(dir, entry->d_name))
			continue;
		names = xrealloc_vector(names, 4, count);
		names[count++] = xstrdup(entry->d_name);
	}
	closedir(open_dir);
	if (count > 1)
		qsort(names, count, sizeof(names[0]), by_sequence_number);
	for (i = 0; i < count; i++)
		result |= kt_sched_log_send(port, concat_path_file(dir, names[i]));
	return result;
}

static int send_files(int port, char **files)
{
	int result = 0;

	for (; *files; files++)
		result |= kt_sched_log_send(port, *files);
	return result;
}

int ktdump_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktdump_main(int argc UNUSED_PARAM, char **argv)
{
	enum { /* in the order of the option string */
		OPT_PATH = 1 << 0,
		OPT_STAGED = 1 << 1,
		OPT_TEXT = 1 << 2,
		OPT_FOLLOW = 1 << 3,
		OPT_PID = 1 << 4,
		OPT_COPY = 1 << 5,
		OPT_HISTORY = 1 << 6,
		OPT_TERMINAL = 1 << 7,
	};
	char *path = NULL, *text, *followed, *pid = NULL, *copy = NULL;
	unsigned opts = getopt32(argv, "^p:sm:f:P:c:Ht\0s--mf:m--sf:f--sm", &path, &text, &followed, &pid, &copy);
	bool wants_files = !(opts & (OPT_STAGED | OPT_TEXT | OPT_FOLLOW));
	int port;

	argv += optind;
	if ((opts & OPT_STAGED) ? (argv[0] && argv[1]) : wants_files == !argv[0])
		bb_show_usage();
	port = kt_port_open(path);
	if (opts & OPT_FOLLOW)
		return kt_log_follow(port, opts & OPT_HISTORY ? KT_HISTORY : KT_SCHED_LIVE, followed, opts & OPT_TERMINAL, copy,
				pid ? xatoi_positive(pid) : 0) != 0;
	if (opts & OPT_TEXT) {
		kt_sched_log_send_text(port, text);
		return EXIT_SUCCESS;
	}
	if (opts & OPT_STAGED)
		return send_staged(port, argv[0] ? argv[0] : "/tmp") != 0;
	return send_files(port, argv) != 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktresume: the process in which a guest is saved and resumed. It makes a resumed guest as fresh as one that has just
 * booted: the kernel's random generator gets a seed of its own, and the clock is set.
 *
 * In:   on stdin, from the host: "go SEED" when the guest has been resumed, SEED in hexadecimal digits; and after each
 *       "time" the host's clock, as SECONDS.NANOSECONDS with nine digits.
 * Out:  on stdout, to the host, a line each: WORD, which is "ready" for a guest that may be saved; "time"; "running".
 *       CLOCK_REALTIME; a random generator whose next number no other guest has.
 * Ends: when the clock is set; when the host closes the port.
 * Exit: 0; 1 the host said something else or has closed the port, the clock or the generator could not be set, or bad
 *       usage.
 *
 * Each guest that is resumed from one file has the same generator in its memory. A write to /dev/urandom alone waits
 * for the kernel's next reseeding, which may be a minute away; until then all of them would draw the same addresses of
 * stacks and the same UUIDs. The host's time is older when it arrives, by more than a second on a busy machine: so the
 * guest asks for it, and the error is at most half of what the answer took.
 */
//config:config KTRESUME
//config:	bool "ktresume"
//config:	default y
//config:	help
//config:	Wait to be resumed; then set the clock and reseed the kernel's random
//config:	generator.

//applet:IF_KTRESUME(APPLET(ktresume, BB_DIR_USR_BIN, BB_SUID_DROP))

//kbuild:lib-$(CONFIG_KTRESUME) += ktresume.o

//usage:#define ktresume_trivial_usage
//usage:       "WORD"
//usage:#define ktresume_full_usage "\n\n"
//usage:       "Tell the host, on stdout, WORD: the guest can be saved if it is \"ready\". When it\n"
//usage:       "is resumed, set the clock, and reseed the kernel's random generator"

#include "libbb.h"
#include <linux/random.h>

enum {
	SEED_MIN = 16,
	SEED_MAX = 64,
	LINE_MAX_LEN = 160, /* "go ", SEED_MAX * 2 digits */
	TRIES = 5,
	GOOD_MS = 200, /* an answer that took no longer is not asked for again */
	DECIMALS = 9,
};

static void say(const char *word)
{
	char line[LINE_MAX_LEN];
	int length = snprintf(line, sizeof(line), "%s\n", word);

	xwrite(STDOUT_FILENO, line, MIN(length, (int)sizeof(line) - 1));
}

/* One byte at a time: what follows is an archive, for another process. */
static void read_line(char *line)
{
	size_t length = 0;

	for (;;) {
		if (safe_read(STDIN_FILENO, line + length, 1) != 1)
			bb_simple_error_msg_and_die("the host has closed the port");
		if (line[length] == '\n')
			break;
		if (++length == LINE_MAX_LEN)
			bb_simple_error_msg_and_die("a line from the host without an end");
	}
	line[length] = '\0';
}

/* ENODATA: the generator has had no seed at all yet, and draws from what was written before its first number. */
static void reseed(const char *line)
{
	const char *digits = is_prefixed_with(line, "go ");
	char seed[SEED_MAX];
	char *end = digits ? hex2bin(seed, digits, SEED_MAX) : NULL;
	int fd;

	if (!end || errno || end - seed < SEED_MIN)
		bb_error_msg_and_die("not 'go SEED': '%s'", line);
	fd = xopen("/dev/urandom", O_WRONLY | O_CLOEXEC);
	xwrite(fd, seed, end - seed);
	if (ioctl(fd, RNDRESEEDCRNG) != 0 && errno != ENODATA)
		bb_simple_perror_msg_and_die("unable to reseed the random generator");
	close(fd);
}

static int64_t parse_ns(char *line)
{
	char *fraction = strchr(line, '.');

	if (!fraction || strlen(fraction + 1) != DECIMALS)
		bb_error_msg_and_die("not a time: '%s'", line);
	*fraction++ = '\0';
	return xatoull_range(line, 0, INT64_MAX / 1000000000 - 1) * 1000000000LL + xatoull_range(fraction, 0, 999999999);
}

/* How far the host's clock is ahead of CLOCK_MONOTONIC; the error is at most *took_ns / 2. */
static int64_t ask_offset_ns(int64_t *took_ns)
{
	char line[LINE_MAX_LEN];
	int64_t asked = monotonic_ns(), answered;

	say("time");
	read_line(line);
	answered = monotonic_ns();
	*took_ns = answered - asked;
	return parse_ns(line) - (asked + answered) / 2;
}

static void set_clock(void)
{
	int64_t least_ns = INT64_MAX, offset_ns = 0;
	struct timespec now;
	unsigned i;

	for (i = 0; i < TRIES && least_ns > GOOD_MS * 1000000LL; i++) {
		int64_t took_ns;
		int64_t answer_ns = ask_offset_ns(&took_ns);

		if (took_ns < least_ns) {
			least_ns = took_ns;
			offset_ns = answer_ns;
		}
	}
	offset_ns += monotonic_ns();
	now.tv_sec = offset_ns / 1000000000;
	now.tv_nsec = offset_ns % 1000000000;
	if (clock_settime(CLOCK_REALTIME, &now) != 0)
		bb_simple_perror_msg_and_die("unable to set the clock");
}

int ktresume_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktresume_main(int argc UNUSED_PARAM, char **argv)
{
	char line[LINE_MAX_LEN];

	getopt32(argv, "^\0=1");
	say(argv[optind]);
	read_line(line);
	reseed(line);
	set_clock();
	say("running");
	return EXIT_SUCCESS;
}

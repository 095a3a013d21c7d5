/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kttsc: the frequency of this machine's time stamp counter, for a guest that can't measure it.
 *
 * In:   the counter, and CLOCK_MONOTONIC, at two moments SPAN_MS apart.
 * Out:  kHz, on stdout.
 * Ends: after SPAN_MS, or later on a busy machine, which makes it no less exact.
 * Exit: 0; 1 the machine has no such counter, or bad usage.
 *
 * QEMU's TCG gives a guest the host's counter. The guest's kernel measures it against an emulated timer, and
 * a host that takes the CPU away meanwhile makes that wrong: a guest that took 2445 MHz for 60 had its clock
 * run 40 times too fast, and all of its time-outs were over at once.
 */
//config:config KTTSC
//config:	bool "kttsc"
//config:	default y
//config:	help
//config:	Print the frequency of this machine's time stamp counter. This is the
//config:	host's side: a guest under TCG has the same counter, and measures it
//config:	badly when the host is busy.

//applet:IF_KTTSC(APPLET(kttsc, BB_DIR_USR_BIN, BB_SUID_DROP))

//kbuild:lib-$(CONFIG_KTTSC) += kttsc.o

//usage:#define kttsc_trivial_usage
//usage:       ""
//usage:#define kttsc_full_usage "\n\n"
//usage:       "Print the frequency of this machine's time stamp counter in kHz"

#include "libbb.h"

#if defined(__x86_64__)
static uint64_t read_counter(void)
{
	return __builtin_ia32_rdtsc();
}
#else
static uint64_t read_counter(void)
{
	return 0;
}
#endif

enum {
	SPAN_MS = 10, /* with moments that are exact to 100 ns: 20 millionths */
	TRIES = 16,
};

struct moment {
	uint64_t counter;
	int64_t ns;
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Of several tries the one in which the clock took least: there nobody came in between. */
static struct moment best_moment(void)
{
	struct moment best = { 0 };
	uint64_t least = UINT64_MAX;
	unsigned i;

	for (i = 0; i < TRIES; i++) {
		uint64_t before = read_counter();
		int64_t ns = now_ns();
		uint64_t took = read_counter() - before;

		if (took < least) {
			least = took;
			best = (struct moment){ before + took / 2, ns };
		}
	}
	return best;
}

int kttsc_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int kttsc_main(int argc UNUSED_PARAM, char **argv)
{
	struct moment from, to;
	uint64_t ns;

	getopt32(argv, "^\0=0");
	from = best_moment();
	usleep(SPAN_MS * 1000);
	to = best_moment();
	if (to.counter == from.counter)
		bb_simple_error_msg_and_die("unable to read a time stamp counter: this machine has none");
	ns = to.ns - from.ns;
	printf("%llu\n", (unsigned long long)(((to.counter - from.counter) * 1000000 + ns / 2) / ns));
	return EXIT_SUCCESS;
}

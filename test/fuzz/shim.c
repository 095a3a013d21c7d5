/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzzers need of BusyBox's frame around an applet.
 *
 * In and out: nothing; a call of these is an error of the fuzzer. Defined here, they keep appletlib.o, whose
 * main() is not ours, out of the program.
 */
#include "libbb.h"

const char *applet_name = "fuzz";

void bb_show_usage(void)
{
	abort();
}

void FAST_FUNC xfunc_die(void)
{
	abort();
}

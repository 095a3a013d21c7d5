/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzzers need of BusyBox's frame around an applet.
 *
 * In and out: errno, where BusyBox looks for it, and the length of a list; a call of the others is an error
 * of the fuzzer. Defined here, they keep appletlib.o, whose main() is not ours, out of the program.
 */
#include <errno.h>
static int *libc_errno(void) { return &errno; } /* before BusyBox gives the word another meaning */
#include "libbb.h"

const char *applet_name = "fuzz";

static void __attribute__((constructor)) know_errno(void)
{
	ASSIGN_CONST_PTR(&bb_errno, libc_errno());
}

unsigned FAST_FUNC string_array_len(char **list)
{
	unsigned len = 0;

	while (list[len])
		len++;
	return len;
}

void bb_show_usage(void)
{
	abort();
}

void FAST_FUNC xfunc_die(void)
{
	abort();
}

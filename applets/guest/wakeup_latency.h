/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Histograms of the kernel's own, in a tracefs instance of their own: the time from each task's wakeup to its run, and
 * migrations between CPUs. A task that was made after the payload's start is counted apart.
 *
 * Order: arm, begin, any number of start and stop, end. What the kernel refuses is named in the frame of `begin`.
 */
#ifndef KT_WAKEUP_LATENCY_H
#define KT_WAKEUP_LATENCY_H 1

#include "stats_frame.h"

struct kt_wakeups {
	const char *root;
	bool is_armed, has_migrations, is_running;
	unsigned tasks_max; /* that the kernel remembers a wakeup of */
	char *lacks; /* malloc'ed: what the kernel refused, and why; NULL: nothing */
};

/* Makes the instance and the synthetic event. ALL: for wakeups of the whole run, not of a short window. */
void kt_wakeups_arm(struct kt_wakeups *wakeups, const char *root, bool all) FAST_FUNC;

/* Makes the histograms, for tasks before and after now. */
void kt_wakeups_begin(struct kt_wakeups *wakeups, struct kt_stats *stats) FAST_FUNC;

/* Wakeups count from start to stop. A wakeup before it is none of them, and a wait that has not ended by then is not
 * measured. */
void kt_wakeups_start(struct kt_wakeups *wakeups) FAST_FUNC;
void kt_wakeups_stop(struct kt_wakeups *wakeups) FAST_FUNC;

/* Sends the histograms. */
void kt_wakeups_end(struct kt_wakeups *wakeups, struct kt_stats *stats) FAST_FUNC;

#endif

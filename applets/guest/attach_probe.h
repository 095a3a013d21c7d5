/* SPDX-License-Identifier: GPL-2.0-only */
/* When a scheduler began to attach. */
#ifndef KT_ATTACH_PROBE_H
#define KT_ATTACH_PROBE_H 1

#include "libbb.h"

struct kt_attach_probe {
	int64_t *began_ms; /* shared with the probe's process; 0: nothing since the last call. NULL: no probe */
};

/* Starts the probe's process, which ends with this one, and returns at once: an attach that comes before the
 * probe is there is not heard. Where the kernel has no kprobes, or this process may not use them, all times
 * are unknown. Only the main thread of `pid` is heard. */
void kt_attach_probe_open(struct kt_attach_probe *probe, pid_t pid) FAST_FUNC;

/* CLOCK_MONOTONIC milliseconds of the newest begin of an attach since the last call; -1: none is known. */
int64_t kt_attach_probe_ms(struct kt_attach_probe *probe) FAST_FUNC;

#endif

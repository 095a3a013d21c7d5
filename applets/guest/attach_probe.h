/* SPDX-License-Identifier: GPL-2.0-only */
/* Notes when a scheduler began to attach. */
#ifndef KT_ATTACH_PROBE_H
#define KT_ATTACH_PROBE_H 1

#include "libbb.h"

struct kt_attach_probe {
	pid_t pid; /* of the probe's process; 0 or less: there is none */
	int64_t *began_ms; /* shared with the probe's process; 0: none since the last call. NULL: no probe */
};

/* Starts the probe's process, which ends with this one, and returns at once: an attach that begins before the
 * probe is ready is not noted. Without kprobes in the kernel, or permission for them, all times are unknown. Only
 * the main thread of `pid` is probed. */
void kt_attach_probe_open(struct kt_attach_probe *probe, pid_t pid) FAST_FUNC;

/* When the newest attach since the last call began, in CLOCK_MONOTONIC milliseconds; -1: unknown. */
int64_t kt_attach_probe_ms(struct kt_attach_probe *probe) FAST_FUNC;

#endif

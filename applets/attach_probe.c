/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When a scheduler began to attach: what lies before that is its load (programs, maps, the verifier).
 *
 * In:  a kprobe on bpf_scx_reg(), the kernel's entry into an attach since 6.12. It is called through a
 *      pointer of struct bpf_struct_ops, so no compiler inlines it. Out: times.
 * The kernel sends a uevent for the end of an attach only. The probe is a perf event: it belongs to a
 * descriptor, goes with it, and leaves tracefs, which is the developer's and ktpipe's, alone. (A kprobe event
 * and an instance there cost 90 ms instead of 10, measured under TCG.)
 */
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "attach_probe.h"
#include "daemon.h"

#define KPROBE_TYPE "/sys/bus/event_source/devices/kprobe/type"

#ifndef SYS_close_range
# define SYS_close_range 436
#endif

enum { RING_SIZE = 4096 };

struct sample { /* as PERF_SAMPLE_TIME alone makes it; RING_SIZE is a multiple of it, so none is split */
	struct perf_event_header header;
	uint64_t ns;
};

static int open_event(pid_t pid)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_TIME,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.kprobe_func = (uintptr_t)"bpf_scx_reg",
	};
	char type[sizeof(int) * 3];
	ssize_t len = open_read_close(KPROBE_TYPE, type, sizeof(type) - 1);

	if (len <= 0)
		return -1;
	type[len] = '\0';
	attr.type = strtoul(type, NULL, 10);
	return syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* The last close of a kprobe waits for RCU, 70 ms, in which an ejection would go unnoticed and a finished run
 * would wait. So the last one to close is a process that nobody waits for. */
static void leave_close_to_another(int event)
{
	pid_t parent = getpid();

	if (fork() != 0)
		return;
	dup2(event, STDIN_FILENO);
	syscall(SYS_close_range, STDOUT_FILENO, ~0U, 0); /* the bulk port above all */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	kt_daemon_priority(); /* a fork has reset it */
	while (getppid() == parent)
		pause();
	_exit(EXIT_SUCCESS);
}

void FAST_FUNC kt_attach_probe_open(struct kt_attach_probe *probe, pid_t pid)
{
	int event = open_event(pid);
	void *pages;

	if (event < 0)
		return;
	/* read-only, which makes the kernel overwrite old samples: the newest is always there */
	pages = mmap(NULL, getpagesize() + RING_SIZE, PROT_READ, MAP_SHARED, event, 0);
	if (pages != MAP_FAILED) {
		probe->pages = pages;
		leave_close_to_another(event);
	}
	close(event);
}

int64_t FAST_FUNC kt_attach_probe_ms(struct kt_attach_probe *probe)
{
	const struct perf_event_mmap_page *page = (const void *)probe->pages;
	const struct sample *newest;
	uint64_t head;

	if (!page)
		return -1;
	head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
	if (head == probe->seen)
		return -1;
	probe->seen = head;
	newest = (const void *)(probe->pages + getpagesize() + (head - sizeof(*newest)) % RING_SIZE);
	return newest->ns / 1000000;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Notes when a scheduler began to attach: the time before that is its load (programs, maps, the verifier).
 *
 * In:  a kprobe on bpf_scx_reg(), the kernel's entry into an attach since 6.12. It is called through a
 *      pointer of struct bpf_struct_ops, so no compiler inlines it. Out: times.
 *
 * The kernel sends a uevent only at the end of an attach. The probe is a perf event: it belongs to a
 * descriptor, ends with it, and does not touch tracefs, which is the developer's and ktpipe's. (A kprobe event
 * and an instance there cost 90 ms instead of 10, measured under TCG.)
 *
 * A separate process opens and closes the probe. The close waits for RCU, holding a mutex that the next open
 * needs: among 2 000 runnable tasks that took up to a minute, in which a scheduler's death went unnoticed.
 * Nothing waits for that process.
 */
//kbuild:lib-$(CONFIG_KTEXITMON) += attach_probe.o

#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "attach_probe.h"
#include "process.h"

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
		.wakeup_events = 1,
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

/* 0 before the first one */
static int64_t newest_ms(const uint8_t *pages)
{
	const struct perf_event_mmap_page *page = (const void *)pages;
	uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
	const struct sample *newest = (const void *)(pages + getpagesize()
			+ (head - sizeof(*newest)) % RING_SIZE);

	return head ? newest->ns / 1000000 : 0;
}

/* Has the kernel send SIGIO, which stays blocked, for each sample. A poll would wake at the end of PID, too, and take
 * the CPU that is to report it: 0.4 ms under TCG. */
static void ask_for_signals(int fd, sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGIO);
	sigprocmask(SIG_BLOCK, signals, NULL);
	if (fcntl(fd, F_SETOWN, getpid()) < 0 || fcntl(fd, F_SETFL, O_ASYNC) < 0)
		_exit(EXIT_FAILURE);
}

/* Runs until ktexitmon, its parent, ends. */
static NORETURN void note_attaches(const struct kt_attach_probe *probe, pid_t pid, pid_t parent)
{
	sigset_t signals;
	uint8_t *pages;
	int fd;

	syscall(SYS_close_range, 0, ~0U, 0); /* the bulk port above all */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	kt_daemon_priority(); /* a fork has reset it */
	fd = open_event(pid);
	/* mapped read-only, so that the kernel overwrites old samples: the newest is always there */
	pages = mmap(NULL, getpagesize() + RING_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	if (fd < 0 || pages == MAP_FAILED || getppid() != parent)
		_exit(EXIT_FAILURE);
	ask_for_signals(fd, &signals);
	do
		__atomic_store_n(probe->began_ms, newest_ms(pages), __ATOMIC_RELEASE);
	while (sigwaitinfo(&signals, NULL) == SIGIO);
	_exit(EXIT_FAILURE);
}

void FAST_FUNC kt_attach_probe_open(struct kt_attach_probe *probe, pid_t pid)
{
	pid_t parent = getpid();

	probe->began_ms = mmap(NULL, sizeof(*probe->began_ms), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (probe->began_ms == MAP_FAILED)
		probe->began_ms = NULL;
	else if ((probe->pid = fork()) == 0)
		note_attaches(probe, pid, parent);
}

int64_t FAST_FUNC kt_attach_probe_ms(struct kt_attach_probe *probe)
{
	int64_t began_ms = 0;

	if (probe->began_ms)
		began_ms = __atomic_exchange_n(probe->began_ms, 0, __ATOMIC_ACQ_REL);
	return began_ms ? began_ms : -1;
}

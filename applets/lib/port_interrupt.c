/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A port write that TERM and a deadline can interrupt.
 *
 * In:  one frame, a deadline. Out: the frame in one write(2); or nothing of it, and why.
 *
 *   the daemon's poll loop  | kt_port_send_until()                          | the poll loop again
 *   TERM, ALRM: blocked     | unblocked, with handlers without SA_RESTART   | blocked
 *   TERM: into its signalfd | TERM: the write ends with EINTR, *term_came   | TERM: into its signalfd
 *   no timer                | from TERM or the deadline on, ALRM per 10 ms  | no timer
 */
//kbuild:lib-y += port_interrupt.o

#include <sys/time.h>
#include "port_interrupt.h"

/* How often a late signal is repeated while a write blocks: see interrupt_write() */
enum { REPEAT_US = 10000 };

/* The handler's only way to tell the code that it interrupts */
static volatile sig_atomic_t term_seen;

static void repeat_alarm_in_us(int64_t us)
{
	struct itimerval timer = {
		.it_value = { us / 1000000, us % 1000000 },
		.it_interval = { 0, REPEAT_US },
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* A signal that comes just before write(2) interrupts nothing, so after the first one an alarm repeats
 * until the write has returned. Nothing ticks as long as no signal has come. */
static void interrupt_write(int signo)
{
	if (signo == SIGTERM) {
		term_seen = 1;
		repeat_alarm_in_us(REPEAT_US);
	}
}

/* Once, since they are blocked but for our writes, and a stream of frames makes many of these */
static void install_handlers(void)
{
	static bool installed;
	struct sigaction action = { .sa_handler = interrupt_write }; /* no SA_RESTART */

	if (installed)
		return;
	installed = true;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
}

static void let_signals_interrupt(sigset_t *blocked, int64_t deadline)
{
	sigset_t both;

	install_handlers();
	if (deadline != KT_NEVER) {
		int64_t left_us = (deadline - kt_now_ms()) * 1000;

		repeat_alarm_in_us(left_us > 0 ? left_us : 1);
	}
	sigemptyset(&both);
	sigaddset(&both, SIGTERM);
	sigaddset(&both, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &both, blocked);
}

static void block_signals_again(const sigset_t *blocked, int64_t deadline)
{
	struct itimerval never = { { 0 } };

	sigprocmask(SIG_SETMASK, blocked, NULL);
	if (deadline != KT_NEVER || term_seen) /* else no alarm was set */
		setitimer(ITIMER_REAL, &never, NULL);
}

int FAST_FUNC kt_port_send_until(int fd, struct kt_out *out, uint32_t tag, uint32_t length,
		int64_t deadline, bool *term_came)
{
	sigset_t blocked;
	int result, saved_errno;

	kt_header_encode(out->header, tag, out->payload, length);
	let_signals_interrupt(&blocked, deadline);
	do
		result = kt_port_write(fd, out, length);
	while (result < 0 && errno == EINTR && !term_seen && kt_now_ms() < deadline);
	saved_errno = errno;
	block_signals_again(&blocked, deadline);
	if (term_seen)
		*term_came = true;
	term_seen = 0;
	errno = saved_errno;
	return result;
}

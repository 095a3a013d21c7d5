/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kthvc: act on wake bytes that the host sends on a console.
 *
 * In:   single bytes on TTY (/dev/hvc0), which is put into raw mode first: a cooked tty echoes them to
 *       the host and wakes no reader without a newline. Source of the bytes: docs/internals/wire.md, "Wake bytes".
 * Out:  0xD1: D to SYSRQ_FILE (a sched_ext dump); ktbox's own: 0xB7: t (all tasks), 0xB8: w (blocked tasks),
 *       to the kernel's console; in this order, each once per read. The others set latches:
 *       0xBF bpf_map_write_done, 0xAC accessor_ready, 0xAD periodic_ready, 0xAE artifacts_received, and,
 *       after all others of the same read, 0xD3 shutdown, on which /init tears down in order. Latch
 *       hvc_ready: the tty is raw.
 *       With KT_MARKS in the environment, one mark frame for the known bytes of a read: sent after acting on
 *       them, with the time at which they came.
 * Ends: TERM, or the tty hangs up. Restores the tty's mode. Reports how many bytes were unknown.
 * Exit: 0; 1 the tty can't be opened or read (also reported on COM2, or KT_LAST_WORDS, which works in a guest
 *       without a console).
 */
//config:config KTHVC
//config:	bool "kthvc"
//config:	default y
//config:	help
//config:	Act on wake bytes that the host sends on a virtio console: dump,
//config:	shutdown, and latches.

//applet:IF_KTHVC(APPLET(kthvc, BB_DIR_USR_BIN, BB_SUID_DROP))

//kbuild:lib-$(CONFIG_KTHVC) += kthvc.o

//usage:#define kthvc_trivial_usage
//usage:       "[-i TTY] [-s SYSRQ_FILE]"
//usage:#define kthvc_full_usage "\n\n"
//usage:       "Act on wake bytes from the host until TERM\n"
//usage:     "\n	-i TTY	Read TTY (/dev/hvc0)"
//usage:     "\n	-s FILE	Write D, t and w to FILE (/proc/sysrq-trigger)"

#include <poll.h>
#include <sys/syscall.h>
#include "port.h"
#include "process.h"
#include "run_dir.h"
#include "wake_bytes.h"

#define LAST_WORDS_NAME "KT_LAST_WORDS" /* which UART it is differs between architectures */

enum { POLL_SIGNALS, POLL_TTY, POLL_COUNT };
enum { MARK_MS = 1000 };

static void report_on_com2(const char *text)
{
	const char *name = getenv(LAST_WORDS_NAME);
	int fd = open(name ? name : "/dev/ttyS1", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	full_write(fd, text, strlen(text)); /* there is no better place to report an error */
	close(fd);
}

static int open_tty(const char *name)
{
	int fd = open(name, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		char *text = xasprintf("kthvc: unable to open '%s': %s\n", name, strerror(errno));

		report_on_com2(text);
		full_write(STDERR_FILENO, text, strlen(text));
		xfunc_die();
	}
	return fd;
}

/* False when it is no tty: tests use a fifo. */
static bool make_raw(int fd, struct termios *before)
{
	struct termios raw;

	if (tcgetattr(fd, before) < 0)
		return false;
	raw = *before;
	cfmakeraw(&raw);
	return tcsetattr(fd, TCSANOW, &raw) == 0;
}

static void trigger(const char *sysrq_file, char command)
{
	int fd = open(sysrq_file, O_WRONLY | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || safe_write(fd, &command, 1) != 1)
		bb_perror_msg("unable to write '%s'", sysrq_file);
	if (fd >= 0)
		close(fd);
}

static void act_on(const uint8_t *bytes, size_t len, const char *sysrq_file)
{
	const struct kt_wake_action *action;
	unsigned at = 0;

	while ((action = kt_wake_next(bytes, len, &at)) != NULL)
		if (action->latch)
			kt_latch_set_or_warn(action->latch);
		else
			trigger(sysrq_file, action->sysrq);
}

/* Host and guest have different clocks, so the guest reports when bytes came, in one mark per read. A host that
 * does not read delays this by MARK_MS at most. */
static void send_mark(int port, int64_t came, const uint8_t *bytes, size_t len, bool *term_came)
{
	char text[KT_MARK_TEXT_MAX + 1];

	if (kt_wake_text(text, sizeof(text), bytes, len))
		kt_port_mark_at(port, came, text, kt_after_ms(MARK_MS), term_came);
}

/* Until TERM or the end of the tty. Returns how many bytes were unknown, -1 after a read error. */
static int listen_to(struct pollfd *fds, const char *sysrq_file, int port)
{
	bool term_came = false;
	uint8_t bytes[256];
	int unknown = 0;

	while (!term_came) {
		ssize_t len;

		if (poll(fds, POLL_COUNT, -1) < 0 && errno != EINTR)
			return -1;
		if (fds[POLL_SIGNALS].revents)
			return unknown;
		if (!fds[POLL_TTY].revents)
			continue;
		len = safe_read(fds[POLL_TTY].fd, bytes, sizeof(bytes));
		if (len > 0) {
			int64_t came = kt_now_ms();

			act_on(bytes, len, sysrq_file);
			unknown += kt_wake_unknown(bytes, len);
			if (port >= 0)
				send_mark(port, came, bytes, len, &term_came);
		} else if (len == 0 || errno == EIO) /* EIO: the tty has hung up */
			return unknown;
		else if (errno != EAGAIN)
			return -1;
	}
	return unknown;
}

enum { SCHED_DEADLINE_POLICY = 6, SCHED_FLAG_RESET = 1 }; /* <linux/sched.h>, which musl's sched.h excludes */

/* The kernel's struct of sched_setattr(2), first version: 48 bytes */
struct deadline {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

/* A payload may spin on each CPU at the highest real-time priority. A deadline task runs before it: most of one CPU,
 * and only when wake bytes come, which ask what the tasks do. A kernel that refuses leaves it at real-time priority. */
static void run_before_real_time(void)
{
	struct deadline wanted = {
		.size = sizeof(wanted),
		.policy = SCHED_DEADLINE_POLICY,
		.flags = SCHED_FLAG_RESET,
		.runtime_ns = 80000000,
		.deadline_ns = 100000000,
		.period_ns = 100000000,
	};

	syscall(SYS_sched_setattr, 0, &wanted, 0);
}

int kthvc_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int kthvc_main(int argc UNUSED_PARAM, char **argv)
{
	const char *tty = "/dev/hvc0", *sysrq_file = "/proc/sysrq-trigger";
	struct pollfd fds[POLL_COUNT];
	struct termios before;
	bool raw;
	int unknown, port;

	getopt32(argv, "^i:s:\0=0", &tty, &sysrq_file);
	kt_daemon_priority();
	run_before_real_time();
	fds[POLL_SIGNALS] = (struct pollfd){ kt_signals_open(SIGTERM, SIGINT, 0), POLLIN, 0 };
	fds[POLL_TTY] = (struct pollfd){ open_tty(tty), POLLIN, 0 };
	raw = make_raw(fds[POLL_TTY].fd, &before);
	kt_latch_set_or_warn("hvc_ready");
	port = kt_marks_wanted() ? kt_port_open(NULL) : -1;
	unknown = listen_to(fds, sysrq_file, port);
	if (unknown < 0)
		bb_perror_msg("unable to read '%s'", tty);
	if (unknown > 0)
		bb_error_msg("%d unknown bytes ignored", unknown);
	if (raw)
		tcsetattr(fds[POLL_TTY].fd, TCSANOW, &before);
	return unknown < 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktterm: run a program on a pty that is connected to the terminal of ktrun's user.
 *
 * In:   a program and its arguments; frames on the port ktbox-ctl: stdin (what the user types), window-size
 *       (also the answer to tty-begin, for which the program's start waits), tty-ack.
 * Out:  frames on the same port: tty-begin, tty-output (what the program writes), tty-end after all of its
 *       output.
 * Ends: when the program has ended and the host has shown its output (tty-ack), or has not within ACK_MS.
 *       At TERM, HUP, an empty stdin frame, or when the host is gone, the program gets HUP, as when a terminal
 *       hangs up.
 * Exit: the program's own, 128+N for a signal, 126 or 127 as a shell when it can't run; 1 there is no port
 *       or no terminal, or bad usage.
 *
 * A virtconsole would not do: a console must never make its kernel wait, so QEMU drops what a slow terminal does
 * not take (measured: 12 637 of 100 000 lines when it stopped for 6 s), and QEMU 7.2 does not report the
 * window's size to it. On the port, each side waits for the other.
 */
/*
 * ktlogin: start a program as the leader of a session on a terminal.
 *
 * In:   a tty and a program with its arguments.
 * Out:  the tty becomes the program's stdin, stdout, stderr and controlling terminal, so that Ctrl-C and job
 *       control work; priority, oom_score_adj and signals become ordinary, whatever /init has.
 * Ends: by becoming the program.
 * Exit: the program's own; 126 or 127 as a shell when it can't run; 1 the tty can't be opened, or bad
 *       usage.
 */
//config:config KTTERM
//config:	bool "ktterm"
//config:	default y
//config:	help
//config:	Run a program on a pty that is connected to the terminal of the
//config:	host's ktrun: the interactive shell, with its window's size.
//config:config KTLOGIN
//config:	bool "ktlogin"
//config:	default y
//config:	help
//config:	Run a program as the leader of a session on a terminal, with ordinary
//config:	priority and signals: the interactive shell of shell mode.

//applet:IF_KTTERM(APPLET(ktterm, BB_DIR_USR_BIN, BB_SUID_DROP))
//applet:IF_KTLOGIN(APPLET(ktlogin, BB_DIR_USR_BIN, BB_SUID_DROP))

//kbuild:lib-$(CONFIG_KTTERM) += ktterm.o
//kbuild:lib-$(CONFIG_KTLOGIN) += ktterm.o

//usage:#define ktterm_trivial_usage
//usage:       "[-p BASE] PROG [ARG]..."
//usage:#define ktterm_full_usage "\n\n"
//usage:       "Run PROG on a terminal that is connected to that of the host's ktrun\n"
//usage:     "\n	-p BASE	Use BASE.in and BASE.out, not the port ktbox-ctl"
//usage:#define ktlogin_trivial_usage
//usage:       "TTY PROG [ARG]..."
//usage:#define ktlogin_full_usage "\n\n"
//usage:       "Run PROG as the leader of a session on the terminal TTY"

#include <poll.h>
#include <sys/ioctl.h>
#include "clock.h"
#include "frame_link.h"
#include "process.h"

enum {
	SIZE_MS = 5000, /* for the host to report the window's size */
	ACK_MS = 10000, /* for the host to show the last output */
	INPUT_MAX = 1024 * 1024, /* over KT_LINK_BUSY by all frames that one read can hold */
	LAST_MAX = 64 * 1024, /* more than the kernel buffers of a terminal's output: a flip buffer and a page */
};

enum { POLL_SIGNALS, POLL_PROGRAM, POLL_FROM_HOST, POLL_TO_HOST, POLL_MASTER, POLL_COUNT };

enum phase { STARTING, RUNNING, ENDING, DONE };

struct session {
	struct pollfd fds[POLL_COUNT];
	struct kt_link link;
	struct kt_byte_queue input; /* for the terminal, from the host */
	char **argv;
	int master; /* -1 when all output has been read after the program's end */
	int slave; /* kept open: without an opener the master would report POLLHUP without end */
	size_t last; /* bytes read after the program's end */
	pid_t pid;
	enum phase phase;
	int64_t deadline;
	int status;
};

/* Makes a cooked line erase whole characters. The user's terminal is assumed to use UTF-8, as ash does. */
static void speak_utf8(int fd)
{
	struct termios modes;

	tcgetattr(fd, &modes);
	modes.c_iflag |= IUTF8;
	tcsetattr(fd, TCSANOW, &modes);
}

static void open_master(struct session *s)
{
	s->master = kt_xopen("/dev/ptmx", O_RDWR | O_NONBLOCK);
	if (grantpt(s->master) < 0 || unlockpt(s->master) < 0)
		bb_simple_perror_msg_and_die("unable to make a terminal");
	speak_utf8(s->master);
	s->slave = kt_xopen(ptsname(s->master), O_RDWR);
}

/* Makes FD the stdin, stdout, stderr and controlling terminal of this process, which must not lead a group, makes
 * priority, oom_score_adj and signals ordinary, and executes the program. (setsid -c would do, but for the
 * signals: a shell makes its background processes ignore SIGINT.) */
static NORETURN void login(int fd, const char *name, char **argv)
{
	if (setsid() < 0)
		bb_simple_perror_msg_and_die("unable to start a session");
	if (ioctl(fd, TIOCSCTTY, 1) < 0)
		bb_perror_msg_and_die("unable to take '%s' as controlling terminal", name);
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
	kt_drop_daemon_privileges();
	kt_exec_or_die(argv);
}

static void start(struct session *s)
{
	s->phase = RUNNING;
	s->deadline = KT_NEVER;
	s->pid = xfork();
	if (s->pid == 0)
		login(s->slave, ptsname(s->master), s->argv);
	s->fds[POLL_PROGRAM].fd = kt_pidfd_open(s->pid);
	if (s->fds[POLL_PROGRAM].fd < 0)
		bb_simple_perror_msg_and_die("unable to open pidfd");
}

/* CONT: a stopped process must get the HUP too. */
static void hang_up(struct session *s)
{
	if (s->phase == STARTING)
		s->phase = DONE;
	if (s->phase != RUNNING)
		return;
	kill(s->pid, SIGHUP);
	kill(s->pid, SIGCONT);
}

/* Called when all output of the program has been read. */
static void end_output(struct session *s)
{
	close(s->master);
	s->master = -1;
	kt_link_send(&s->link, KT_TTY_END, NULL, 0);
	s->deadline = kt_after_ms(ACK_MS);
}

static void on_output(struct session *s)
{
	uint8_t bytes[4096];
	ssize_t len = safe_read(s->master, bytes, sizeof(bytes));

	if (len > 0)
		kt_link_send(&s->link, KT_TTY_OUTPUT, bytes, len);
	if (s->phase != ENDING)
		return;
	s->last += MAX(len, 0);
	if (len <= 0 || s->last > LAST_MAX)
		end_output(s);
}

static bool output_has_space(const struct session *s)
{
	return s->link.queue.len < KT_LINK_BUSY;
}

/* Reads what the program had written, which needs no event: a read flushes the terminal's buffers before it
 * returns EAGAIN (n_tty_read). LAST_MAX bounds it, since a background process may continue to write. */
static void drain(struct session *s)
{
	while (s->master >= 0 && output_has_space(s))
		on_output(s);
}

static void on_typed(struct session *s)
{
	if (kt_queue_write(&s->input, s->master, s->input.len) < 0)
		kt_queue_drop(&s->input);
}

static void set_size(struct session *s, const struct kt_frame *frame)
{
	struct winsize size = { 0 };

	if (frame->length < 4)
		return;
	size.ws_row = frame->payload[0] | frame->payload[1] << 8;
	size.ws_col = frame->payload[2] | frame->payload[3] << 8;
	if (size.ws_row && size.ws_col)
		ioctl(s->master, TIOCSWINSZ, &size); /* the kernel sends SIGWINCH to the foreground job */
	if (s->phase == STARTING)
		start(s);
}

static void on_frame(struct session *s, const struct kt_frame *frame)
{
	switch (frame->tag) {
	case KT_WINSIZE:
		set_size(s, frame);
		break;
	case KT_STDIN:
		if (frame->length)
			kt_queue_add(&s->input, (const char *)frame->payload, frame->length);
		else
			hang_up(s);
		break;
	case KT_TTY_ACK:
		if (s->master < 0)
			s->phase = DONE;
	}
}

static void on_link(struct session *s)
{
	struct kt_frame frame;

	if (!kt_link_fill(&s->link)) {
		s->link.in = -1;
		hang_up(s);
	}
	while (kt_link_next(&s->link, &frame))
		on_frame(s, &frame);
}

static void on_program_end(struct session *s)
{
	int wait_status;

	if (safe_waitpid(s->pid, &wait_status, 0) < 0)
		bb_simple_perror_msg_and_die("unable to wait for the program");
	s->status = kt_shell_status(wait_status);
	close(s->fds[POLL_PROGRAM].fd);
	s->fds[POLL_PROGRAM].fd = -1;
	s->phase = ENDING;
	kt_queue_drop(&s->input);
}

static void on_deadline(struct session *s)
{
	if (s->phase == STARTING)
		start(s); /* a host that does not report the size may still have a user */
	else
		s->phase = DONE;
}

/* Backpressure: a side is not read while the queue that it feeds is full. */
static void choose_events(struct session *s)
{
	short events = s->input.len ? POLLOUT : 0;

	if (output_has_space(s))
		events |= POLLIN;
	s->fds[POLL_MASTER].events = events;
	s->fds[POLL_MASTER].fd = events && s->phase == RUNNING ? s->master : -1;
	s->fds[POLL_FROM_HOST].fd = s->input.len < KT_LINK_BUSY ? s->link.in : -1;
	s->fds[POLL_TO_HOST].fd = s->link.queue.len ? s->link.out : -1;
}

/* No event reports that there is space for the rest of the output: step() tries again at once. */
static int timeout_of(const struct session *s)
{
	if (s->phase == ENDING && s->master >= 0 && output_has_space(s))
		return 0;
	return kt_poll_timeout(s->deadline);
}

static void step(struct session *s)
{
	choose_events(s);
	if (poll(s->fds, POLL_COUNT, timeout_of(s)) < 0 && errno != EINTR)
		bb_simple_perror_msg_and_die("unable to poll");
	if (s->fds[POLL_SIGNALS].revents) {
		kt_signals_next(s->fds[POLL_SIGNALS].fd);
		hang_up(s);
	}
	if (s->fds[POLL_FROM_HOST].revents)
		on_link(s);
	if (s->fds[POLL_PROGRAM].revents)
		on_program_end(s);
	if (s->fds[POLL_MASTER].revents & POLLOUT)
		on_typed(s);
	if (s->fds[POLL_MASTER].revents & POLLIN)
		on_output(s);
	if (s->phase == ENDING)
		drain(s);
	if (s->link.queue.len && kt_link_flush(&s->link) < 0)
		s->phase = DONE;
	if (kt_now_ms() >= s->deadline)
		on_deadline(s);
}

int ktterm_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktterm_main(int argc UNUSED_PARAM, char **argv)
{
	struct session *s = xzalloc(sizeof(*s));
	char *base = NULL;
	int i;

	getopt32(argv, "^+p:\0-1", &base);
	s->argv = argv + optind;
	for (i = 0; i < POLL_COUNT; i++)
		s->fds[i] = (struct pollfd){ -1, POLLIN, 0 };
	s->fds[POLL_TO_HOST].events = POLLOUT;
	s->input.max = INPUT_MAX;
	kt_link_open_guest(&s->link, base);
	open_master(s);
	kt_daemon_priority();
	s->fds[POLL_SIGNALS].fd = kt_signals_open(SIGTERM, SIGHUP, 0);
	s->deadline = kt_after_ms(SIZE_MS);
	kt_link_send(&s->link, KT_TTY_BEGIN, NULL, 0);
	while (s->phase != DONE)
		step(s);
	return s->status;
}

/* TIOCSCTTY needs a session leader, and setsid(2) a process that leads no group. */
static void lead_no_group(void)
{
	if (getpid() == getpgrp() && xfork() != 0) {
		int status;

		wait(&status);
		exit(kt_shell_status(status));
	}
}

int ktlogin_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktlogin_main(int argc UNUSED_PARAM, char **argv)
{
	getopt32(argv, "^+\0-2");
	argv += optind;
	lead_no_group();
	login(kt_xopen(argv[0], O_RDWR), argv[0], argv + 1);
}

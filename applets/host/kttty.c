/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kttty: pass ktrun's stdin, or its terminal, to the guest (the host's end of the port ktbox-ctl).
 *
 * In:   stdin; the fifo BASE.out, in which QEMU writes what the guest sends: tty-begin, tty-output, tty-end.
 *       The guest may write text to the terminal, and nothing else.
 * Out:  frames in the fifo BASE.in, which QEMU reads: stdin, at its end an empty one. With -t stdin is a
 *       terminal: kttty makes it raw, writes tty-output to stdout, answers tty-begin with window-size, sends
 *       that again when the window changes, and answers tty-end with tty-ack once all output before it has been
 *       shown.
 * Ends: TERM, after showing what has come from the guest; with -t the key Ctrl-CHAR, when it comes alone: in
 *       pasted text it is text. The end of stdin does not end it: closing the fifo before QEMU opens it would
 *       discard the data.
 * Exit: 0; 3 the key was pressed; 1 a file or the terminal can't be used, or bad usage.
 *
 * As a background job it does not stop for reading the terminal (SIGTTIN): it runs without input until it is in
 * the foreground.
 */
//config:config KTTTY
//config:	bool "kttty"
//config:	default y
//config:	help
//config:	Pass stdin, or the terminal of a shell, to the guest: the host's end
//config:	of the port that carries both.

//applet:IF_KTTTY(APPLET(kttty, BB_DIR_USR_BIN, BB_SUID_DROP))

//kbuild:lib-$(CONFIG_KTTTY) += kttty.o

//usage:#define kttty_trivial_usage
//usage:       "[-tp] [-e CHAR] BASE"
//usage:#define kttty_full_usage "\n\n"
//usage:       "Pass stdin to the guest, by the fifos BASE.in and BASE.out\n"
//usage:     "\n	-t	Connect the guest's shell to the terminal that stdin is"
//usage:     "\n	-p	Show a status line until the shell begins (with -t)"
//usage:     "\n	-e CHAR	End when Ctrl-CHAR is pressed (with -t)"

#include <poll.h>
#include <sys/ioctl.h>
#include "clock.h"
#include "frame_link.h"
#include "process.h"
#include "progress.h"

enum {
	EXIT_ESCAPED = 3,
	INPUT_QUEUE_MAX = 32 * 1024 * 1024, /* large: kttty must read the key even when a hung guest takes nothing */
	OUTPUT_QUEUE_MAX = 32 * 1024 * 1024, /* over KT_LINK_BUSY by the largest frame that a guest can send */
	LAST_OUTPUT_MS = 1000, /* at TERM, for a terminal that takes nothing */
};

enum { POLL_SIGNALS, POLL_STDIN, POLL_TO_GUEST, POLL_FROM_GUEST, POLL_TERMINAL, POLL_COUNT };

struct attachment {
	struct pollfd fds[POLL_COUNT];
	struct kt_link link;
	struct kt_byte_queue to_terminal; /* output of the guest */
	struct kt_progress progress; /* until the guest begins to use the terminal */
	int terminal_fd;
	bool terminal;
	uint8_t escape; /* 0: none */
	struct termios before; /* of the terminal */
	bool raw;
	bool stdin_ended;
	bool in_background; /* until CONT */
	bool owes_size, owes_ack; /* answers, of which a guest may ask for any number */
	bool escaped;
	bool term_came;
};

static void restore(struct attachment *a)
{
	signal(SIGTTOU, SIG_IGN); /* restore it even if it is another job's now */
	if (a->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &a->before);
	a->raw = false;
}

static void make_raw(struct attachment *a)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &raw) < 0)
		bb_simple_perror_msg_and_die("unable to use the terminal");
	if (!a->raw)
		a->before = raw;
	cfmakeraw(&raw);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	a->raw = true;
}

/* Sends 0 x 0 when the terminal has no size, since the guest waits for an answer. */
static void send_size(struct attachment *a)
{
	struct winsize size = { 0 };
	uint8_t payload[4];

	ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
	payload[0] = size.ws_row;
	payload[1] = size.ws_row >> 8;
	payload[2] = size.ws_col;
	payload[3] = size.ws_col >> 8;
	kt_link_send(&a->link, KT_WINSIZE, payload, sizeof(payload));
}

static void end_stdin(struct attachment *a)
{
	kt_link_send(&a->link, KT_STDIN, NULL, 0);
	a->stdin_ended = true;
}

/* The end of a pipe that is for writing never becomes readable. */
static void check_stdin(struct attachment *a)
{
	if ((fcntl(STDIN_FILENO, F_GETFL) & O_ACCMODE) != O_WRONLY)
		return;
	bb_simple_error_msg("unable to read stdin: it is open for writing only");
	end_stdin(a);
}

static bool is_escape(const struct attachment *a, const uint8_t *bytes, ssize_t len)
{
	ssize_t i;

	for (i = 0; i < len; i++)
		if (bytes[i] != a->escape)
			return false;
	return a->escape != 0;
}

/* EIO from a terminal means that it was closed, or else that another job is in the foreground. */
static void on_read_error(struct attachment *a)
{
	int error = errno;
	bool has_hung_up = a->fds[POLL_STDIN].revents & POLLHUP;
	bool is_terminals = error == EIO && (has_hung_up || isatty(STDIN_FILENO));

	if (error == EAGAIN)
		return;
	if (is_terminals && !has_hung_up) {
		a->in_background = true;
		return;
	}
	if (!is_terminals) {
		errno = error;
		bb_simple_perror_msg("unable to read stdin");
	}
	end_stdin(a);
}

static void on_stdin(struct attachment *a)
{
	uint8_t bytes[32 * 1024 - KT_HEADER_LEN];
	ssize_t len = safe_read(STDIN_FILENO, bytes, sizeof(bytes));

	if (len < 0)
		on_read_error(a);
	else if (len == 0)
		end_stdin(a);
	else if (a->terminal && is_escape(a, bytes, len))
		a->escaped = true;
	else
		kt_link_send(&a->link, KT_STDIN, bytes, len);
}

static void end_progress(struct attachment *a)
{
	kt_progress_erase(&a->progress);
	a->progress.on = false;
}

static void on_frame(struct attachment *a, const struct kt_frame *frame)
{
	switch (frame->tag) {
	case KT_TTY_BEGIN:
		end_progress(a);
		a->owes_size = true;
		break;
	case KT_TTY_OUTPUT:
		kt_queue_add(&a->to_terminal, (const char *)frame->payload, frame->length);
		break;
	case KT_TTY_END:
		a->owes_ack = true;
	}
}

static void on_guest(struct attachment *a)
{
	struct kt_frame frame;

	kt_link_fill(&a->link);
	while (kt_link_next(&a->link, &frame))
		on_frame(a, &frame);
}

/* The reader of stdout may be gone, which is no fault of the guest. */
static void show(struct attachment *a)
{
	if (kt_queue_write(&a->to_terminal, a->terminal_fd, a->to_terminal.len) < 0)
		kt_queue_drop(&a->to_terminal);
}

static void on_signals(struct attachment *a)
{
	int signo;

	while ((signo = kt_signals_next(a->fds[POLL_SIGNALS].fd)) != 0) {
		a->in_background = false;
		a->term_came |= signo == SIGTERM;
		if (!a->terminal)
			continue;
		if (signo == SIGCONT)
			make_raw(a);
		send_size(a);
	}
}

static bool reads_stdin(const struct attachment *a)
{
	size_t max = a->terminal ? INPUT_QUEUE_MAX : KT_LINK_BUSY;

	return !a->stdin_ended && !a->in_background && a->link.queue.len < max;
}

static void choose_events(struct attachment *a)
{
	a->fds[POLL_STDIN].fd = reads_stdin(a) ? STDIN_FILENO : -1;
	a->fds[POLL_TO_GUEST].fd = a->link.queue.len ? a->link.out : -1;
	a->fds[POLL_FROM_GUEST].fd = a->terminal && a->to_terminal.len < KT_LINK_BUSY ? a->link.in : -1;
	a->fds[POLL_TERMINAL].fd = a->to_terminal.len ? a->terminal_fd : -1;
}

/* Not while the guest takes nothing: with a queue full of answers the terminal, and so the key, would not be read. */
static void answer(struct attachment *a)
{
	if (a->link.queue.len >= KT_LINK_BUSY)
		return;
	if (a->owes_size)
		send_size(a);
	a->owes_size = false;
	if (!a->owes_ack || a->to_terminal.len > 0)
		return;
	kt_link_send(&a->link, KT_TTY_ACK, NULL, 0);
	a->owes_ack = false;
}

static void step(struct attachment *a)
{
	choose_events(a);
	kt_progress_show(&a->progress);
	if (poll(a->fds, POLL_COUNT, kt_poll_timeout(kt_progress_next_ms(&a->progress))) < 0 && errno != EINTR)
		bb_simple_perror_msg_and_die("unable to poll");
	if (a->fds[POLL_SIGNALS].revents)
		on_signals(a);
	if (a->fds[POLL_STDIN].revents)
		on_stdin(a);
	if (a->fds[POLL_FROM_GUEST].revents)
		on_guest(a);
	if (a->to_terminal.len)
		show(a);
	answer(a);
	if (a->link.queue.len && kt_link_flush(&a->link) < 0)
		bb_simple_perror_msg_and_die("unable to write to the guest");
}

/* Opens stdout again: O_NONBLOCK on ktrun's own file description would affect the user's shell too. */
static int open_terminal(void)
{
	int fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? STDOUT_FILENO : fd;
}

/* Bounded: a guest may continue to write. */
static void show_the_rest(struct attachment *a)
{
	struct pollfd shown = { .fd = a->terminal_fd, .events = POLLOUT };
	int64_t deadline = kt_after_ms(LAST_OUTPUT_MS);

	do {
		on_guest(a);
		if (a->to_terminal.len == 0)
			return;
		safe_poll(&shown, 1, kt_poll_timeout(deadline));
		show(a);
	} while (kt_now_ms() < deadline);
}

static void begin(struct attachment *a, const char *base)
{
	int i;

	for (i = 0; i < POLL_COUNT; i++)
		a->fds[i] = (struct pollfd){ -1, POLLIN, 0 };
	a->fds[POLL_TO_GUEST].events = a->fds[POLL_TERMINAL].events = POLLOUT;
	a->to_terminal.max = OUTPUT_QUEUE_MAX;
	a->fds[POLL_SIGNALS].fd = kt_signals_open(SIGTERM, SIGCONT, SIGWINCH, 0);
	kt_link_open_host(&a->link, base);
	if (a->terminal) {
		a->terminal_fd = open_terminal();
		make_raw(a);
	} else {
		signal(SIGTTIN, SIG_IGN);
		check_stdin(a);
	}
}

int kttty_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int kttty_main(int argc UNUSED_PARAM, char **argv)
{
	enum { OPT_TERMINAL = 1 << 0, OPT_PROGRESS = 1 << 1, OPT_ESCAPE = 1 << 2 }; /* in the order of the option string */
	struct attachment *a = xzalloc(sizeof(*a));
	char *key;
	unsigned opts;

	opts = getopt32(argv, "^tpe:\0=1", &key);
	a->terminal = opts & OPT_TERMINAL;
	if (opts & OPT_ESCAPE)
		a->escape = key[0] & 0x1f;
	begin(a, argv[optind]);
	if (a->terminal && (opts & OPT_PROGRESS))
		kt_progress_start(&a->progress);
	while (!a->escaped && !a->term_came)
		step(a);
	end_progress(a);
	if (a->terminal && !a->escaped)
		show_the_rest(a);
	restore(a);
	return a->escaped ? EXIT_ESCAPED : EXIT_SUCCESS;
}

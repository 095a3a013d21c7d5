/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktexec: run a program, send its stdout and stderr as frames, exit with its status.
 *
 * In:   a program and its arguments, or with -a a file of both, each ended by a NUL. It gets ktexec's stdin,
 *       environment (kt_exec() in process.h) and ordinary priority, in a process group of its own.
 * Out:  stdout and stderr frames as the bytes come; latch LATCH.
 * Ends: when the program has ended and both pipes are drained. A descendant that holds a pipe open delays
 *       that by at most LINGER_MS. At TERM, or after -t SECS, the program's group gets TERM, and KILL after
 *       GRACE_MS; once the host has taken nothing for LINGER_MS, ktexec gives up the rest of the output with a
 *       message.
 * Exit: the program's own, 128+N for a signal, 126 or 127 as a shell when it can't run; 124 the time of -t has
 *       passed; 1 the port failed (the program is killed then: nothing could report it), or bad usage.
 */
//config:config KTEXEC
//config:	bool "ktexec"
//config:	default y
//config:	help
//config:	Run a program, send its stdout and stderr as frames, exit with its
//config:	status; with an optional time limit.

//applet:IF_KTEXEC(APPLET(ktexec, BB_DIR_USR_BIN, BB_SUID_DROP))

//kbuild:lib-$(CONFIG_KTEXEC) += ktexec.o

//usage:#define ktexec_trivial_usage
//usage:       "[-p PATH] [-t SECS] [-l LATCH] PROG [ARG]... | -a FILE"
//usage:#define ktexec_full_usage "\n\n"
//usage:       "Run PROG, send its stdout and stderr to the host, exit with its status\n"
//usage:     "\n	-t SECS	End it after SECS with TERM, then KILL; exit 124"
//usage:     "\n	-a FILE	Read PROG and ARGs from FILE, a NUL after each; a shell's builtin"
//usage:     "\n		is a PROG, too"
//usage:     "\n	-l LATCH	Set LATCH once PROG's exit code is known: a killed ktexec"
//usage:     "\n		sets none"
//usage:     "\n	-p PATH	Send to PATH (- is stdout), not to the bulk port"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include "port.h"
#include "port_interrupt.h"
#include "process.h"
#include "run_dir.h"

enum {
	GRACE_MS = 3000, /* from TERM to KILL, and from KILL to giving up on a process that can't die */
	LINGER_MS = 1000, /* for a descendant that holds stdout or stderr open after the program's end */
	/* With the usual 64 KiB, program and ktexec wait for each other at every second frame, which halves the
	 * speed. No more than this, since a panic loses what is in the pipe. */
	PIPE_SIZE = 512 * 1024,
	/* How many frames one read fills. Each read of a pipe keeps its writer out, and in a guest under TCG the writer
	 * spends that time of its CPU on waiting. */
	FRAMES = 8,
	EXIT_TIMED_OUT = 124,
};

enum { POLL_SIGNALS, POLL_PROGRAM, POLL_STDOUT, POLL_STDERR, POLL_COUNT };

struct stream {
	const char *name;
	uint32_t tag;
	int *fd; /* in the poll array; -1 at its end */
	uint32_t pending; /* bytes in frames that have not been sent */
	unsigned next; /* the frame that has the first of them */
	int owed; /* bytes that the program left in the pipe: to be sent, however slowly the host reads */
	struct kt_out frames[FRAMES];
};

/* The steps of the end; each sets the deadline of the next. */
enum phase { RUNNING, TERMINATING, KILLED, DRAINING };

struct run {
	int port;
	pid_t pid;
	enum phase phase;
	int64_t deadline;
	bool timed_out;
	bool term_came;
	int status; /* as a shell's $? */
	struct pollfd fds[POLL_COUNT];
	struct stream streams[2];
};

static void signal_group(struct run *run, int signo)
{
	kill(-run->pid, signo);
}

static void die_of_port(struct run *run)
{
	bb_simple_perror_msg("unable to write frame");
	signal_group(run, SIGKILL);
	xfunc_die();
}

static unsigned count_of(char **argv)
{
	unsigned count = 0;

	while (argv[count])
		count++;
	return count;
}

/* What the user typed after "ktrun --": a builtin (exit 3), or a script without #!, is the shell's. The shell is not
 * used for the rest, since it changes variables that it has an own use for (PWD, IFS, OPTIND). */
static void try_shell(char **argv)
{
	const unsigned count = count_of(argv);
	char **words = xzalloc((count + 5) * sizeof(*words));

	if (errno != ENOEXEC && (errno != ENOENT || strchr(argv[0], '/')))
		return;
	words[0] = (char*)"sh";
	words[1] = (char*)"-c";
	words[2] = (char*)"\"$@\"";
	words[3] = (char*)"sh";
	memcpy(words + 4, argv, count * sizeof(*words));
	execve("/bin/sh", words, environ);
}

static NORETURN void run_program(char **argv, bool is_typed, const int out[2], const int err[2])
{
	setpgid(0, 0);
	dup2(out[1], STDOUT_FILENO);
	dup2(err[1], STDERR_FILENO);
	kt_drop_daemon_privileges();
	kt_exec(argv);
	if (is_typed)
		try_shell(argv);
	kt_exec_failed(argv[0]);
}

/* The arguments in FILE. */
static char **read_arguments(const char *file)
{
	size_t size = INT_MAX - 4095;
	char *text = xmalloc_xopen_read_close(file, &size);
	char *at;
	char **argv;
	unsigned count = 0;

	if (size == 0 || text[size - 1] != '\0')
		bb_error_msg_and_die("unable to read arguments from '%s': no NUL at its end", file);
	for (at = text; at < text + size; at += strlen(at) + 1)
		count++;
	argv = xzalloc((count + 1) * sizeof(*argv));
	count = 0;
	for (at = text; at < text + size; at += strlen(at) + 1)
		argv[count++] = at;
	return argv;
}

static void open_stream(struct run *run, int index, int fd)
{
	struct stream *stream = &run->streams[index];

	ndelay_on(fd);
	run->fds[POLL_STDOUT + index].fd = fd;
	stream->fd = &run->fds[POLL_STDOUT + index].fd;
	stream->name = index ? "stderr" : "stdout";
	stream->tag = index ? KT_STDERR : KT_STDOUT;
}

/* A size that the kernel refuses (pipe-max-size) is no reason not to run the program. */
static void xpipe_cloexec(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) < 0)
		bb_simple_perror_msg_and_die("unable to make a pipe");
	fcntl(fds[0], F_SETPIPE_SZ, PIPE_SIZE);
}

static void start(struct run *run, char **argv, bool is_typed)
{
	int out[2], err[2];

	xpipe_cloexec(out);
	xpipe_cloexec(err);
	run->pid = xfork();
	if (run->pid == 0)
		run_program(argv, is_typed, out, err);
	setpgid(run->pid, run->pid); /* here too: a TERM for the group may come before the child runs */
	close(out[1]);
	close(err[1]);
	open_stream(run, 0, out[0]);
	open_stream(run, 1, err[0]);
	run->fds[POLL_PROGRAM].fd = kt_pidfd_open(run->pid);
	if (run->fds[POLL_PROGRAM].fd < 0) {
		signal_group(run, SIGKILL);
		bb_simple_perror_msg_and_die("unable to open pidfd");
	}
}

static void enter(struct run *run, enum phase phase, int64_t ms)
{
	run->phase = phase;
	run->deadline = kt_after_ms(ms);
}

static void terminate(struct run *run)
{
	if (run->phase != RUNNING)
		return;
	signal_group(run, SIGTERM);
	enter(run, TERMINATING, GRACE_MS);
}

static void close_stream(struct stream *stream)
{
	if (*stream->fd >= 0)
		close(*stream->fd);
	*stream->fd = -1;
}

static void give_up_on(struct stream *stream)
{
	if (stream->pending || stream->owed)
		bb_error_msg("unable to send the last %u bytes of %s: the host does not read",
			(unsigned)stream->pending + stream->owed, stream->name);
	else if (*stream->fd >= 0)
		bb_error_msg("unable to wait for %s: a descendant of the program holds it open", stream->name);
	stream->pending = 0;
	close_stream(stream);
}

static bool must_end(const struct run *run)
{
	return run->term_came || run->timed_out;
}

/* Gives up what the program itself wrote only after TERM or the time limit. What a descendant may still write is
 * not owed. */
static void end_drain(struct run *run)
{
	int i;

	for (i = 0; i < 2; i++)
		if (must_end(run) || (!run->streams[i].pending && !run->streams[i].owed))
			give_up_on(&run->streams[i]);
}

static void on_deadline(struct run *run)
{
	switch (run->phase) {
	case RUNNING:
		run->timed_out = true;
		terminate(run);
		break;
	case TERMINATING:
		signal_group(run, SIGKILL);
		enter(run, KILLED, GRACE_MS);
		break;
	case KILLED:
		bb_error_msg("unable to wait for process %d: it does not end by KILL", (int)run->pid);
		run->status = 128 + SIGKILL;
		close(run->fds[POLL_PROGRAM].fd);
		run->fds[POLL_PROGRAM].fd = -1;
		enter(run, DRAINING, 0);
		break;
	case DRAINING:
		end_drain(run);
	}
}

/* ALRM may be left over from the sending of a frame. */
static void on_signal(struct run *run)
{
	int signal;

	while ((signal = kt_signals_next(run->fds[POLL_SIGNALS].fd)) != 0)
		if (signal == SIGTERM)
			run->term_came = true;
}

static void on_program_end(struct run *run)
{
	int wait_status, i;

	if (safe_waitpid(run->pid, &wait_status, 0) < 0)
		bb_simple_perror_msg_and_die("unable to wait for the program");
	run->status = kt_shell_status(wait_status);
	close(run->fds[POLL_PROGRAM].fd);
	run->fds[POLL_PROGRAM].fd = -1;
	for (i = 0; i < 2; i++)
		if (*run->streams[i].fd >= 0)
			ioctl(*run->streams[i].fd, FIONREAD, &run->streams[i].owed);
	enter(run, DRAINING, LINGER_MS);
}

static void on_stream(struct stream *stream)
{
	struct iovec payloads[FRAMES];
	ssize_t len;
	int i;

	for (i = 0; i < FRAMES; i++)
		payloads[i] = (struct iovec){ stream->frames[i].payload, KT_PAYLOAD_MAX };
	len = readv(*stream->fd, payloads, FRAMES);
	if (len > 0) {
		stream->pending = len;
		stream->next = 0;
		stream->owed = MAX(stream->owed - (int)len, 0);
	} else if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
		if (len < 0)
			bb_perror_msg("unable to read %s", stream->name);
		close_stream(stream);
	}
}

/* A slow host has not stalled: while it takes frames, the program's output is not given up. */
static void on_sent(struct run *run, struct stream *stream, uint32_t len)
{
	stream->pending -= len;
	stream->next++;
	if (run->phase == DRAINING && stream->owed)
		run->deadline = kt_after_ms(LINGER_MS);
}

/* Blocks while the host stalls, but no longer than TERM or the next step of the end allow. A TERM that came before
 * interrupts no write: it must have set the deadline. */
static void send_pending(struct run *run, struct stream *stream)
{
	int64_t deadline;
	uint32_t len;

	if (run->term_came)
		terminate(run);
	if (stream->pending == 0)
		return;
	len = MIN(stream->pending, (uint32_t)KT_PAYLOAD_MAX);
	deadline = run->phase == DRAINING && !must_end(run) ? KT_NEVER : run->deadline;
	if (kt_port_send_until(run->port, &stream->frames[stream->next], stream->tag, len,
			deadline, &run->term_came) == 0)
		on_sent(run, stream, len);
	else if (errno != EINTR)
		die_of_port(run);
}

static bool is_done(const struct run *run)
{
	return run->phase == DRAINING
		&& *run->streams[0].fd < 0 && !run->streams[0].pending
		&& *run->streams[1].fd < 0 && !run->streams[1].pending;
}

/* With bytes that could not be sent, poll(2) must not wait: the next thing to do is to send them. */
static int timeout_of(const struct run *run)
{
	if (run->streams[0].pending || run->streams[1].pending)
		return 0;
	return kt_poll_timeout(run->deadline);
}

static void step(struct run *run)
{
	int i;

	if (poll(run->fds, POLL_COUNT, timeout_of(run)) < 0 && errno != EINTR)
		bb_simple_perror_msg_and_die("unable to poll");
	if (run->fds[POLL_SIGNALS].revents)
		on_signal(run);
	for (i = 0; i < 2; i++) {
		if (run->fds[POLL_STDOUT + i].revents && run->streams[i].pending == 0)
			on_stream(&run->streams[i]);
		send_pending(run, &run->streams[i]);
	}
	if (run->fds[POLL_PROGRAM].revents)
		on_program_end(run);
	if (run->term_came)
		terminate(run);
	if (kt_now_ms() >= run->deadline)
		on_deadline(run);
}

int ktexec_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktexec_main(int argc UNUSED_PARAM, char **argv)
{
	struct run *run = kt_zalloc_lazy(sizeof(*run));
	char *path = NULL, *secs = NULL, *file = NULL, *latch = NULL;
	int i;

	getopt32(argv, "+p:t:a:l:", &path, &secs, &file, &latch);
	argv = file ? read_arguments(file) : argv + optind;
	if (!argv[0])
		bb_show_usage();
	run->deadline = secs ? kt_after_ms(kt_seconds_to_ms(parse_duration_str(secs))) : KT_NEVER;
	run->port = kt_port_open(path);
	for (i = 0; i < POLL_COUNT; i++)
		run->fds[i].events = POLLIN;
	kt_daemon_priority();
	run->fds[POLL_SIGNALS].fd = kt_signals_open(SIGTERM, SIGALRM, 0);
	start(run, argv, file != NULL);
	while (!is_done(run))
		step(run);
	if (latch)
		kt_latch_set_or_warn(latch);
	return run->timed_out ? EXIT_TIMED_OUT : run->status;
}

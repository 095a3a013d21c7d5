// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_demo: load and attach a sched_ext scheduler that works, and fails on purpose when asked to. ktbox's
 * demonstration and its tests use it: it fails as real schedulers do, at a chosen moment.
 *
 * In:   options (see usage below), SIGTERM and SIGINT, SIGUSR1. Needs root and a kernel with sched_ext.
 * Out:  stdout: "scx_demo: attached", the noise, and at the end the kernel's dump and a line
 *       "scx_demo: EXIT: kind K, code C, REASON (MESSAGE)". stderr: errors and the verifier's log.
 *       Nothing is buffered, so nothing is lost in a crash.
 * Ends: on SIGTERM or SIGINT (it detaches first), or when the kernel has ejected the scheduler, or as
 *       its options say. However it ends, the kernel detaches the scheduler, since its BPF link is closed.
 * Exit: 0 ended by a signal; 1 refused, not attached, or ejected by the kernel; 2 bad options;
 *       CODE for --exit-after; killed by SIGSEGV for --segfault-after.
 *
 * The clock of --*-after starts at the attach, with --noise when the noise has been written. SIGUSR1 ends the wait, so
 * that a test can bring the fault when its payload is ready. With --linger it stays after the kernel has ejected the
 * scheduler, and SIGTERM or SIGINT ends it with 0.
 *
 * The noise follows the line "scx_demo: attached" at once. Its byte number i, from 0, is
 *     (i * 2654435761 mod 2^32) >> 24
 * so every stretch of a few hundred bytes holds all 256 values, lines have no fixed length, and no two places
 * look alike. After it comes a newline and "scx_demo: N bytes of noise written".
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <elf.h>
#include <errno.h>
#include <getopt.h>
#include <linux/bpf.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "scx_demo.h"

enum {
	LINK_FLAG = 1 << 13,		/* BPF_F_LINK: newer than Debian 12's headers */
	KIND_UNREGISTERED = 64,		/* the end that the loader asked for */
	KIND_BY_KERNEL = 66,		/* the kernel wants a restart: CPU hotplug */
	STALL_WATCHDOG_MS = 2000,	/* a stall is to be seen soon ... */
	QUIET_WATCHDOG_MS = 30000,	/* ... and a slow machine is not to be taken for one */
	DETACH_LIMIT_MS = 5000,
	NOISE_CHUNK = 4096,		/* PIPE_BUF: what poll calls writable takes it without blocking */
	AFTER_MAX_MS = 24 * 3600 * 1000,
	RUNNING = -1,
	EXIT_USAGE = 2,
};

/* BPF_STRUCT_OPS, likewise */
static const enum bpf_attach_type attach_struct_ops = 44;

enum fault { FAULT_NONE, FAULT_ERROR, FAULT_STALL, FAULT_EXIT, FAULT_SEGFAULT };

enum { FD_SIGNAL, FD_TIMER, FD_RING, FD_NOISE, FD_COUNT };

struct options {
	enum fault fault;
	uint64_t after_ms;
	int exit_code;
	uint32_t watchdog_ms;	/* 0: not given */
	uint64_t noise_len;
	uint32_t delay_us;
	bool reject;
	bool linger;
	bool restart;
	bool background;
	const char *words;	/* a file */
};

struct demo {
	struct options opt;
	struct bpf_object *obj;
	struct ring_buffer *ring;
	struct demo_shared *shared;
	struct pollfd fds[FD_COUNT];	/* fd -1: not now */
	int link_fd;
	uint64_t noise_done;
	bool fail_now;			/* SIGUSR1 has come */
	bool ended;			/* the kernel has taken the scheduler off */
	int status;			/* RUNNING, then the exit code */
};

/* The BPF object, as the linker embedded it. */
extern const char _binary_scheduler_bpf_o_start[];
extern const char _binary_scheduler_bpf_o_end[];

static const char usage_text[] =
	"usage: scx_demo [options]\n"
	"Attach a first-in-first-out scheduler and run it until SIGTERM or SIGINT.\n"
	"  --error-after MS      end by scx_bpf_error\n"
	"  --stall-after MS      stop dispatching; the kernel's watchdog ends it\n"
	"  --exit-after MS CODE  the loader exits with CODE (0-255) without detaching\n"
	"  --segfault-after MS   the loader crashes\n"
	"  --reject              have a program that the verifier refuses\n"
	"  --linger              stay alive after the kernel has ejected the scheduler\n"
	"  --restart             attach again when the kernel asks for it (a CPU has come or gone)\n"
	"  --background          leave the rest to a child after the attach, and end with 0\n"
	"  --dump-words FILE     print the first 1023 bytes of FILE in ops.dump()\n"
	"  --delay US            waste US microseconds (at most 100000) before each task is queued\n"
	"  --noise BYTES         write so many bytes of binary log to stdout, then start the clock\n"
	"  --watchdog MS         the kernel's stall time-out, 1-30000 (2000 with --stall-after, else 30000)\n"
	"  --help                this text\n"
	"At most one --*-after. SIGUSR1 brings its fault at once.\n";

static void __attribute__((noreturn, format(printf, 1, 2))) die_usage(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("scx_demo: ", stderr);
	vfprintf(stderr, fmt, args);
	fputs(" (see --help)\n", stderr);
	va_end(args);
	exit(EXIT_USAGE);
}

/* "unable to WHAT: errno's text", exit 1. A scheduler that is attached goes with the process. */
static void __attribute__((noreturn)) die_errno(const char *what)
{
	fprintf(stderr, "scx_demo: unable to %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* Options */

static uint64_t xparse_number(const char *option, const char *text, uint64_t min, uint64_t max)
{
	unsigned long long value;
	char *end;

	if (!text)
		die_usage("%s: a number is missing", option);
	errno = 0;
	value = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || value < min || value > max)
		die_usage("%s: '%s' is not a number from %llu to %llu", option, text,
			  (unsigned long long)min, (unsigned long long)max);
	return value;
}

static void set_fault(struct options *opt, enum fault fault, const char *option, const char *ms)
{
	if (opt->fault != FAULT_NONE)
		die_usage("%s: there is another --*-after, and at most one can be given", option);
	opt->fault = fault;
	opt->after_ms = xparse_number(option, ms, 0, AFTER_MAX_MS);
}

enum { OPT_ERROR = 1, OPT_STALL, OPT_EXIT, OPT_SEGFAULT, OPT_REJECT, OPT_LINGER, OPT_NOISE, OPT_WATCHDOG,
       OPT_HELP, OPT_RESTART, OPT_BACKGROUND, OPT_WORDS, OPT_DELAY };

static const struct option long_options[] = {
	{ "error-after", required_argument, NULL, OPT_ERROR },
	{ "stall-after", required_argument, NULL, OPT_STALL },
	{ "exit-after", required_argument, NULL, OPT_EXIT },
	{ "segfault-after", required_argument, NULL, OPT_SEGFAULT },
	{ "reject", no_argument, NULL, OPT_REJECT },
	{ "linger", no_argument, NULL, OPT_LINGER },
	{ "noise", required_argument, NULL, OPT_NOISE },
	{ "watchdog", required_argument, NULL, OPT_WATCHDOG },
	{ "restart", no_argument, NULL, OPT_RESTART },
	{ "background", no_argument, NULL, OPT_BACKGROUND },
	{ "dump-words", required_argument, NULL, OPT_WORDS },
	{ "delay", required_argument, NULL, OPT_DELAY },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static void set_option(struct options *opt, int which, char **argv)
{
	switch (which) {
	case OPT_ERROR:
		set_fault(opt, FAULT_ERROR, "--error-after", optarg);
		break;
	case OPT_STALL:
		set_fault(opt, FAULT_STALL, "--stall-after", optarg);
		break;
	case OPT_EXIT:
		set_fault(opt, FAULT_EXIT, "--exit-after", optarg);
		opt->exit_code = xparse_number("--exit-after MS CODE", argv[optind], 0, 255);
		optind++;
		break;
	case OPT_SEGFAULT:
		set_fault(opt, FAULT_SEGFAULT, "--segfault-after", optarg);
		break;
	case OPT_REJECT:
		opt->reject = true;
		break;
	case OPT_LINGER:
		opt->linger = true;
		break;
	case OPT_NOISE:
		opt->noise_len = xparse_number("--noise", optarg, 1, UINT32_MAX);
		break;
	case OPT_WATCHDOG:
		opt->watchdog_ms = xparse_number("--watchdog", optarg, 1, DEMO_WATCHDOG_MAX_MS);
		break;
	case OPT_RESTART:
		opt->restart = true;
		break;
	case OPT_BACKGROUND:
		opt->background = true;
		break;
	case OPT_DELAY:
		opt->delay_us = xparse_number("--delay", optarg, 0, DEMO_DELAY_MAX_US);
		break;
	case OPT_WORDS:
		opt->words = optarg;
		break;
	case OPT_HELP:
		fputs(usage_text, stdout);
		exit(EXIT_SUCCESS);
	default:	/* getopt has said what is wrong */
		fputs(usage_text, stderr);
		exit(EXIT_USAGE);
	}
}

static void parse_options(struct options *opt, int argc, char **argv)
{
	int which;

	/* "+": no reordering, so that --exit-after finds its second argument after the first. */
	while ((which = getopt_long(argc, argv, "+", long_options, NULL)) >= 0)
		set_option(opt, which, argv);
	if (optind < argc)
		die_usage("unexpected argument '%s'", argv[optind]);
	if (!opt->watchdog_ms)
		opt->watchdog_ms = opt->fault == FAULT_STALL ? STALL_WATCHDOG_MS : QUIET_WATCHDOG_MS;
}

/* Load and attach */

/*
 * libbpf 1.1 has no way to change a struct_ops map before the load, so the time-out is written into our copy
 * of the object file, where section .struct_ops holds the one struct sched_ext_ops.
 */
static void set_watchdog(char *image, uint32_t watchdog_ms)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)image;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(image + header->e_shoff);
	const char *names = image + sections[header->e_shstrndx].sh_offset;
	int i;

	for (i = 0; i < header->e_shnum; i++) {
		if (strcmp(names + sections[i].sh_name, ".struct_ops"))
			continue;
		memcpy(image + sections[i].sh_offset + offsetof(struct sched_ext_ops, timeout_ms),
		       &watchdog_ms, sizeof(watchdog_ms));
		return;
	}
	errno = ENOENT;
	die_errno("find .struct_ops in the BPF object");
}

static struct bpf_object *xopen_object(const struct options *opt)
{
	size_t len = _binary_scheduler_bpf_o_end - _binary_scheduler_bpf_o_start;
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = DEMO_NAME);
	struct bpf_object *obj;
	char *image = malloc(len);

	if (!image)
		die_errno("copy the BPF object");
	memcpy(image, _binary_scheduler_bpf_o_start, len);
	set_watchdog(image, opt->watchdog_ms);
	obj = bpf_object__open_mem(image, len, &opts);
	if (!obj)
		die_errno("open the BPF object");
	return obj;	/* which may point into image: kept */
}

static struct bpf_map *xfind_map(struct bpf_object *obj, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, name);

	if (!map)
		die_errno("find a map of the BPF object");
	return map;
}

/* libbpf 1.1 knows no section name for a struct_ops program that may sleep. */
static void xmark_sleepable(struct bpf_object *obj, const char *name)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(obj, name);

	if (!prog || bpf_program__set_flags(prog, BPF_F_SLEEPABLE))
		die_errno("mark a BPF program as one that may sleep");
}

static void xload_object(struct bpf_object *obj, const struct options *opt)
{
	struct demo_cfg cfg = { .reject = opt->reject, .delay_us = opt->delay_us };

	if (bpf_map__set_initial_value(xfind_map(obj, ".rodata.cfg"), &cfg, sizeof(cfg)))
		die_errno("configure the BPF object");
	if (bpf_map__set_map_flags(xfind_map(obj, DEMO_NAME), LINK_FLAG))
		die_errno("ask for a BPF link");
	xmark_sleepable(obj, "demo_init");
	xmark_sleepable(obj, "demo_exit");
	if (bpf_object__load(obj))
		die_errno("load the BPF object");
}

static struct demo_shared *xmap_shared(struct bpf_object *obj)
{
	int fd = bpf_map__fd(xfind_map(obj, ".bss"));
	void *memory = mmap(NULL, sizeof(struct demo_shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		die_errno("map the memory shared with BPF");
	return memory;
}

/*
 * Returns the link's descriptor: the scheduler is attached as long as somebody has it open. libbpf 1.1 only
 * registers the map and gives back the map's own descriptor; later versions make the link themselves.
 */
static int xattach(struct bpf_object *obj)
{
	struct bpf_map *map = xfind_map(obj, DEMO_NAME);
	struct bpf_link *link = bpf_map__attach_struct_ops(map);
	int fd;

	if (!link)
		die_errno("register the scheduler");
	if (bpf_link__fd(link) != bpf_map__fd(map))
		return bpf_link__fd(link);
	fd = bpf_link_create(bpf_map__fd(map), 0, attach_struct_ops, NULL);
	if (fd < 0)
		die_errno("attach the scheduler");
	return fd;
}

/* The end */

static int on_end_event(void *context, void *data, size_t len)
{
	struct demo *demo = context;

	demo->ended = true;
	return 0;
}

static void print_end(const struct demo_end *end)
{
	static const char rule[] =
		"================================================================================";

	if (end->dump[0])
		printf("scx_demo: DEBUG DUMP\n%s\n%s\n%s\n", rule, end->dump, rule);
	printf("scx_demo: EXIT: kind %d, code %lld, %s", end->kind, (long long)end->exit_code, end->reason);
	if (end->msg[0])
		printf(" (%s)", end->msg);
	putchar('\n');
}

/*
 * Sets the status. Normally close(2) returns after the kernel has unregistered the scheduler. The kernel may
 * have ejected it just before, which is a failure, except for --linger.
 */
static void detach(struct demo *demo)
{
	struct pollfd ring = { .fd = demo->fds[FD_RING].fd, .events = POLLIN };
	bool asked_for;

	close(demo->link_fd);
	while (!demo->ended && poll(&ring, 1, DETACH_LIMIT_MS) > 0)
		ring_buffer__consume(demo->ring);
	if (!demo->ended) {
		fprintf(stderr, "scx_demo: unable to detach the scheduler: no end within %d ms\n",
			DETACH_LIMIT_MS);
		demo->status = EXIT_FAILURE;
		return;
	}
	asked_for = demo->shared->end.kind == KIND_UNREGISTERED;
	demo->status = asked_for || demo->opt.linger ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void set_words(struct demo *demo)
{
	FILE *file = fopen(demo->opt.words, "r");

	if (!file)
		die_errno("open the file of --dump-words");
	/* .bss was zeroed: the text ends with a NUL */
	if (fread(demo->shared->dump_words, 1, DEMO_WORDS_LEN - 1, file) == 0)
		die_errno("read the file of --dump-words");
	fclose(file);
}

static void start_clock(struct demo *demo);

static void attach(struct demo *demo)
{
	demo->obj = xopen_object(&demo->opt);
	xload_object(demo->obj, &demo->opt);
	demo->shared = xmap_shared(demo->obj);
	if (demo->opt.words)
		set_words(demo);
	demo->ring = ring_buffer__new(bpf_map__fd(xfind_map(demo->obj, "ended")), on_end_event, demo, NULL);
	if (!demo->ring)
		die_errno("open the ring buffer");
	demo->fds[FD_RING].fd = ring_buffer__epoll_fd(demo->ring);
	demo->link_fd = xattach(demo->obj);
	puts("scx_demo: attached");
	if (demo->opt.noise_len)
		demo->fds[FD_NOISE].fd = STDOUT_FILENO;
	else
		start_clock(demo);
}

/* All of the old one goes first: the kernel takes one root scheduler at a time. */
static void restart(struct demo *demo)
{
	puts("scx_demo: restarting");
	close(demo->link_fd);
	ring_buffer__free(demo->ring);
	munmap(demo->shared, sizeof(*demo->shared));
	bpf_object__close(demo->obj);
	demo->ended = false;
	attach(demo);
}

/* One event each */

static void on_ring(struct demo *demo)
{
	ring_buffer__consume(demo->ring);
	if (!demo->ended)
		return;
	print_end(&demo->shared->end);
	if (demo->opt.restart && demo->shared->end.kind == KIND_BY_KERNEL) {
		restart(demo);
		return;
	}
	puts("scx_demo: ejected by the kernel");
	if (!demo->opt.linger) {
		demo->status = EXIT_FAILURE;
		return;
	}
	puts("scx_demo: lingering until SIGTERM");
	demo->fds[FD_RING].fd = -1;
}

static void on_end_signal(struct demo *demo, uint32_t number)
{
	if (demo->ended) {
		printf("scx_demo: signal %u\n", number);
		demo->status = EXIT_SUCCESS;
		return;
	}
	detach(demo);	/* before the messages: their reader may be stuck */
	printf("scx_demo: signal %u: detach\n", number);
	if (demo->ended)
		print_end(&demo->shared->end);
}

static void on_fault_signal(struct demo *demo)
{
	demo->fail_now = true;
	if (!demo->ended && demo->fds[FD_NOISE].fd < 0)
		start_clock(demo);
}

static void on_signal(struct demo *demo)
{
	struct signalfd_siginfo info;

	if (read(demo->fds[FD_SIGNAL].fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGUSR1)
		on_fault_signal(demo);
	else
		on_end_signal(demo, info.ssi_signo);
}

static void crash(void)
{
	volatile int *volatile nowhere = NULL;	/* both volatile, or gcc drops the store */

	puts("scx_demo: crashing now");
	*nowhere = 1;
}

/* The BPF programs look at the clock themselves: for them the timer only makes sure that a task wakes up. */
static void on_timer(struct demo *demo)
{
	uint64_t count;

	if (read(demo->fds[FD_TIMER].fd, &count, sizeof(count)) != sizeof(count))
		return;
	if (demo->opt.fault == FAULT_SEGFAULT)
		crash();
	if (demo->opt.fault == FAULT_EXIT) {
		printf("scx_demo: exiting with %d\n", demo->opt.exit_code);
		exit(demo->opt.exit_code);
	}
}

static void start_clock(struct demo *demo)
{
	struct itimerspec at = { 0 };
	uint64_t at_ns;

	if (demo->opt.fault == FAULT_NONE)
		return;
	clock_gettime(CLOCK_MONOTONIC, &at.it_value);
	at_ns = at.it_value.tv_sec * 1000000000ull + at.it_value.tv_nsec;
	if (!demo->fail_now)
		at_ns += demo->opt.after_ms * 1000000ull;
	at.it_value.tv_sec = at_ns / 1000000000;
	at.it_value.tv_nsec = at_ns % 1000000000;
	if (timerfd_settime(demo->fds[FD_TIMER].fd, TFD_TIMER_ABSTIME, &at, NULL))
		die_errno("set the timer");
	demo->shared->error_after_ms = demo->opt.after_ms;
	if (demo->opt.fault == FAULT_ERROR)
		demo->shared->error_at_ns = at_ns;
	if (demo->opt.fault == FAULT_STALL)
		demo->shared->stall_at_ns = at_ns;
}

static unsigned char noise_byte(uint64_t i)
{
	return (uint32_t)(i * 2654435761u) >> 24;
}

static void on_noise(struct demo *demo)
{
	unsigned char chunk[NOISE_CHUNK];
	uint64_t left = demo->opt.noise_len - demo->noise_done;
	size_t len = left < NOISE_CHUNK ? left : NOISE_CHUNK;
	ssize_t written;
	size_t i;

	for (i = 0; i < len; i++)
		chunk[i] = noise_byte(demo->noise_done + i);
	written = write(STDOUT_FILENO, chunk, len);
	if (written < 0 && errno != EAGAIN && errno != EINTR)
		die_errno("write the noise");
	if (written > 0)
		demo->noise_done += written;
	if (demo->noise_done < demo->opt.noise_len)
		return;
	demo->fds[FD_NOISE].fd = -1;
	printf("\nscx_demo: %llu bytes of noise written\n", (unsigned long long)demo->noise_done);
	start_clock(demo);
}

/* Set-up and loop */

static int xopen_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		die_errno("open a signalfd");
	return fd;
}

static void open_events(struct demo *demo)
{
	int i;

	for (i = 0; i < FD_COUNT; i++)
		demo->fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	demo->fds[FD_SIGNAL].fd = xopen_signals();
	demo->fds[FD_TIMER].fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (demo->fds[FD_TIMER].fd < 0)
		die_errno("open a timerfd");
	demo->fds[FD_NOISE].events = POLLOUT;
}

/* The child inherits the link, so the scheduler stays attached. Its memory is shared, too. */
static void go_to_background(void)
{
	pid_t child = fork();

	if (child < 0)
		die_errno("fork");
	if (child > 0)
		exit(EXIT_SUCCESS);
	setsid();
}

/* The end first: a signal that comes with it finds a scheduler that is off already. */
static const struct {
	int which;
	void (*on_event)(struct demo *demo);
} handlers[] = {
	{ FD_RING, on_ring },
	{ FD_SIGNAL, on_signal },
	{ FD_TIMER, on_timer },
	{ FD_NOISE, on_noise },
};

static void run(struct demo *demo)
{
	size_t i;

	while (demo->status == RUNNING) {
		if (poll(demo->fds, FD_COUNT, -1) < 0) {
			if (errno != EINTR)
				die_errno("wait for events");
			continue;	/* revents are those of the last round */
		}
		for (i = 0; i < sizeof(handlers) / sizeof(handlers[0]) && demo->status == RUNNING; i++)
			if (demo->fds[handlers[i].which].revents)
				handlers[i].on_event(demo);
	}
}

int main(int argc, char **argv)
{
	static struct demo demo = { .status = RUNNING };

	setvbuf(stdout, NULL, _IONBF, 0);
	parse_options(&demo.opt, argc, argv);
	open_events(&demo);
	attach(&demo);
	if (demo.opt.background)
		go_to_background();
	run(&demo);
	return demo.status;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a kt process does once, and what it asks of other processes.
 *
 * In:  process ids, names, argument lists. Out: priority, descriptors, wait statuses.
 *
 * A flag that a handler sets and a loop checks before poll(2) loses a signal that comes between the two; a
 * signalfd does not. The one exception, a port write that must be interruptible, is in port_interrupt.c.
 */
//kbuild:lib-y += process.o

#include <sched.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include "clock.h"
#include "process.h"
#include "run_dir.h"

enum {
	FIFO_PRIORITY = 50,
	USER_PORT_FD = 1000, /* below the usual limit of open files, 1024 */
};

#ifndef SCHED_RESET_ON_FORK
# define SCHED_RESET_ON_FORK 0x40000000
#endif
#ifndef SYS_pidfd_open
# define SYS_pidfd_open 434
#endif

/* From include/uapi/linux/pidfd.h of 6.15; older headers have neither the struct nor the numbers. */
enum {
	PIDFD_INFO_SIZE = 64,
	PIDFD_INFO_EXIT_CODE_AT = 60,
	PIDFD_INFO_HAS_EXIT = 1 << 3,
};
#define PIDFD_GET_INFO _IOWR(0xff, 11, char[PIDFD_INFO_SIZE])

/* musl's sched_setscheduler() returns ENOSYS on purpose, so this makes the system call itself. */
static void set_scheduler(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	syscall(SYS_sched_setscheduler, 0, policy, &param);
}

static void set_oom_score_adj(const char *value)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	write(fd, value, strlen(value)); /* errors are ignored, as kt_daemon_priority() promises */
	close(fd);
}

void FAST_FUNC kt_daemon_priority(void)
{
	set_scheduler(SCHED_FIFO | SCHED_RESET_ON_FORK, FIFO_PRIORITY);
	set_oom_score_adj("-1000");
}

void FAST_FUNC kt_drop_daemon_privileges(void)
{
	sigset_t none;

	set_scheduler(SCHED_OTHER, 0);
	set_oom_score_adj("0");
	bb_signals((1 << SIGINT) | (1 << SIGQUIT) | (1 << SIGPIPE), SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Shell scripts name descriptors with one digit, and `exec 9>lock; flock 9` is what flock's manual tells them to
 * write. So a program gets the port at a number that none of them takes, with the port's identity: kt_port_open()
 * finds out when it is taken nevertheless. */
static void move_port(void)
{
	const char *number = getenv("KT_PORT_FD");
	struct stat port;
	int fd, moved;

	if (!number)
		return;
	fd = bb_strtou(number, NULL, 10);
	if (errno != 0 || fstat(fd, &port) < 0)
		return;
	moved = fcntl(fd, F_DUPFD, USER_PORT_FD);
	if (moved >= 0)
		close(fd);
	else
		moved = fd; /* the limit of open files is lower than that */
	putenv(xasprintf("KT_PORT_FD=%d", moved));
	putenv(xasprintf("KT_PORT_ID=%llx:%llx", (long long)port.st_dev, (long long)port.st_ino));
}

/* The environment of a user's program, as kt_exec() describes it. The strings stay: they become the program's. */
static char **user_environment(const char *file)
{
	size_t size = INT_MAX - 4095;
	char *text = file ? xmalloc_xopen_read_close(file, &size) : NULL;
	char *at;
	char **copy;
	int count;

	for (at = text; text && at < text + size; at += strlen(at) + 1)
		putenv(at);
	for (count = 0; environ[count]; count++)
		continue;
	copy = xmalloc((count + 1) * sizeof(*copy));
	return memcpy(copy, environ, (count + 1) * sizeof(*copy));
}

/* putenv(3) and no setenv(3), which would free the string that the copy of the environment has. */
static void set_search_path(const char *first, const char *rest)
{
	if (first)
		putenv(xasprintf("PATH=%s:%s", first, rest ? rest : bb_default_root_path));
}

/* The user's files may be in a root of their own (ktrun --host-root), and the user in a directory of it. */
static void enter_user_root(const char *root, const char *directory)
{
	xfunc_error_retval = 126;
	if (root && (chdir(root) < 0 || chroot(".") < 0))
		bb_perror_msg_and_die("unable to enter '%s'", root);
	if (directory && chdir(directory) < 0)
		bb_perror_msg_and_die("unable to enter '%s'", directory);
}

void FAST_FUNC kt_exec(char **argv)
{
	const char *file = getenv("KT_USER_ENV");
	const char *first = getenv("KT_USER_PATH");
	const char *root = getenv("KT_USER_ROOT");
	const char *directory = getenv("KT_USER_DIR");
	char **environment;

	move_port();
	unsetenv("KT_USER_ENV");
	unsetenv("KT_USER_PATH");
	unsetenv("KT_USER_ROOT");
	unsetenv("KT_USER_DIR");
	if (directory) /* /init and its own processes are in the run directory, and name it by "." */
		putenv((char *)"KT_RUN_DIR=" KT_RUN_DIR_DEFAULT);
	set_search_path(first, getenv("PATH"));
	environment = user_environment(file);
	enter_user_root(root, directory);
	set_search_path(first, getenv("PATH")); /* -i NAME -- NAME, whatever PATH the user has set */
	execvpe(argv[0], argv, environment);
	environ = environment; /* for a shell that is tried next */
}

void FAST_FUNC kt_exec_failed(const char *program)
{
	const char *why = strerror(errno);

	xfunc_error_retval = errno == ENOENT ? 127 : 126;
	if (errno == ENOENT && strchr(program, '/') && access(program, F_OK) == 0)
		why = "it is there, but the interpreter or loader that it names is not";
	bb_error_msg_and_die("unable to run '%s': %s", program, why);
}

void FAST_FUNC kt_exec_or_die(char **argv)
{
	kt_exec(argv);
	kt_exec_failed(argv[0]);
}

int FAST_FUNC kt_signals_open(int first, ...)
{
	sigset_t set;
	va_list more;
	int signo, fd;

	sigemptyset(&set);
	va_start(more, first);
	for (signo = first; signo != 0; signo = va_arg(more, int))
		sigaddset(&set, signo);
	va_end(more);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		bb_simple_perror_msg_and_die("unable to open signalfd");
	return fd;
}

int FAST_FUNC kt_signals_next(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : 0;
}

int FAST_FUNC kt_pidfd_open(pid_t pid)
{
	return syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself */
}

int FAST_FUNC kt_xopen(const char *name, int flags)
{
	int fd = open(name, flags | O_NOCTTY | O_CLOEXEC, 0666);

	if (fd < 0)
		bb_perror_msg_and_die("unable to open '%s'", name);
	return fd;
}

void* FAST_FUNC kt_zalloc_lazy(size_t size)
{
	void *zeroes = calloc(1, size);

	if (!zeroes)
		bb_die_memory_exhausted();
	return zeroes;
}

static int status_of_reaped(int pidfd)
{
	union {
		uint64_t mask;
		char bytes[PIDFD_INFO_SIZE];
	} info;
	int32_t status;

	memset(&info, 0, sizeof(info));
	info.mask = PIDFD_INFO_HAS_EXIT;
	if (ioctl(pidfd, PIDFD_GET_INFO, &info) < 0 || !(info.mask & PIDFD_INFO_HAS_EXIT))
		return -1;
	memcpy(&status, info.bytes + PIDFD_INFO_EXIT_CODE_AT, sizeof(status));
	return status;
}

enum { STAT_MAX = 1024, STATUS_MAX = 4096 };

/* The fields of /proc/PID/stat from the third on, preceded by a blank; NULL: there is no such process. The name in the
 * second may hold blanks and parentheses, so the search begins at the last ")". */
static const char *stat_fields(pid_t pid, char stat[STAT_MAX])
{
	char path[sizeof("/proc/2147483647/stat")];
	const char *name_end;
	ssize_t len;

	sprintf(path, "/proc/%d/stat", (int)pid);
	len = open_read_close(path, stat, STAT_MAX - 1);
	if (len <= 0)
		return NULL;
	stat[len] = '\0';
	name_end = strrchr(stat, ')');
	return name_end ? name_end + 1 : NULL;
}

static int status_of_zombie(pid_t pid)
{
	char stat[STAT_MAX];
	const char *fields = stat_fields(pid, stat);

	if (!fields || !is_prefixed_with(fields, " Z"))
		return -1;
	return (int)strtol(strrchr(fields, ' ') + 1, NULL, 10);
}

/* The number in a field of /proc/PID/stat; false: there is no such process. */
static bool stat_number(pid_t pid, int wanted, uint64_t *number)
{
	enum { STATE_FIELD = 3 };
	char stat[STAT_MAX];
	const char *at = stat_fields(pid, stat);
	int field;

	for (field = STATE_FIELD; at && field < wanted; field++)
		at = strchr(at + 1, ' ');
	if (at)
		*number = strtoull(at + 1, NULL, 10);
	return at != NULL;
}

int64_t FAST_FUNC kt_process_start_ms(pid_t pid)
{
	enum { START_FIELD = 22, TICKS_PER_SEC = 100 /* USER_HZ */ };
	uint64_t ticks;

	return stat_number(pid, START_FIELD, &ticks) ? (int64_t)ticks * (1000 / TICKS_PER_SEC) : kt_now_ms();
}

/* The flags of include/linux/sched.h; a zombie keeps them. */
static bool is_exiting(pid_t pid)
{
	enum { FLAGS_FIELD = 9, PF_EXITING = 0x4, PF_DUMPCORE = 0x200, PF_SIGNALED = 0x400 };
	uint64_t flags;

	return !stat_number(pid, FLAGS_FIELD, &flags) || (flags & (PF_EXITING | PF_DUMPCORE | PF_SIGNALED));
}

/* The signals of a line of /proc/PID/status, bit N-1 for signal N. */
static uint64_t signal_set(const char *status, const char *name)
{
	const char *at = strstr(status, name);

	return at ? strtoull(at + strlen(name), NULL, 16) : 0;
}

#define SIGNAL_BIT(signo) (1ULL << ((signo) - 1))

/* A signal that ends a process by dumping its core, or comes to one that does not run, waits until the process has a CPU. */
static bool is_being_killed(pid_t pid)
{
	static const uint64_t harmless = SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP)
		| SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH);
	char path[sizeof("/proc/2147483647/status")], status[STATUS_MAX];
	uint64_t pending, survived;
	ssize_t len;

	sprintf(path, "/proc/%d/status", (int)pid);
	len = open_read_close(path, status, sizeof(status) - 1);
	if (len <= 0)
		return true;
	status[len] = '\0';
	pending = signal_set(status, "\nSigPnd:\t") | signal_set(status, "\nShdPnd:\t");
	survived = signal_set(status, "\nSigBlk:\t") | signal_set(status, "\nSigIgn:\t") | signal_set(status, "\nSigCgt:\t");
	return (pending & ~survived & ~harmless) != 0;
}

bool FAST_FUNC kt_is_ending(pid_t pid)
{
	return is_exiting(pid) || is_being_killed(pid);
}

int FAST_FUNC kt_exit_status_of(int pidfd, pid_t pid)
{
	int status = status_of_zombie(pid);

	/* in this order: a parent that reaps between the two moves the status from the first place to the second */
	return status >= 0 ? status : status_of_reaped(pidfd);
}

int FAST_FUNC kt_shell_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktsh-lite against a parser of this file's own, written from the head of applets/guest/ktsh_lite.c.
 *
 * In:  a control byte, whose lowest bit asks for -n, and a script. The applet's main() is run as it is; what
 *      it asks of the system is answered here (--wrap in scripts/build-fuzzer.sh): the script is in memory,
 *      and no file is written. A path ending with x can't be opened, with y takes a byte less, with z none.
 * Out: an abort where the two differ: a file opened that no valid line names, another flag, another text, a
 *      line left out, another exit status; a file that is left open.
 */
#include "input.h"

int ktsh_lite_main(int argc, char **argv);

enum { SCRIPT_MAX = 4096, JOURNAL_MAX = 4 * SCRIPT_MAX, FAKE_FD = 1000 };

/* What was done, or is to be done, to files */
struct journal {
	char text[JOURNAL_MAX];
	size_t len;
};

static struct journal done, wanted;
static const char *script;
static size_t script_len;
static char opened[SCRIPT_MAX]; /* the path of FAKE_FD; empty when it is closed */

static void put(struct journal *journal, const char *bytes, size_t len)
{
	if (len > JOURNAL_MAX - journal->len)
		abort();
	memcpy(journal->text + journal->len, bytes, len);
	journal->len += len;
}

static void put_text(struct journal *journal, const char *text)
{
	put(journal, text, strlen(text));
}

static void put_open(struct journal *journal, bool append, bool create, const char *path, size_t len)
{
	put_text(journal, append ? "append " : "replace ");
	put_text(journal, create ? "made " : "there ");
	put(journal, path, len);
	put_text(journal, "\n");
}

static void put_write(struct journal *journal, const char *text, size_t len)
{
	put_text(journal, "write ");
	put(journal, text, len);
}

static char last_of(const char *path, size_t len)
{
	return len > 0 ? path[len - 1] : '\0';
}

FILE* FAST_FUNC __wrap_fopen_for_read(const char *path);
FILE* FAST_FUNC __wrap_fopen_for_read(const char *path UNUSED_PARAM)
{
	return fmemopen((char *)script, script_len, "r");
}

int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
	if (opened[0] || (flags & (O_WRONLY | O_RDWR)) != O_WRONLY || !(flags & O_CLOEXEC)
	 || !(flags & O_APPEND) == !(flags & O_TRUNC)
	) {
		abort();
	}
	put_open(&done, flags & O_APPEND, flags & O_CREAT, path, strlen(path));
	if (last_of(path, strlen(path)) == 'x') {
		errno = ENOENT;
		return -1;
	}
	strcpy(opened, path);
	return FAKE_FD;
}

ssize_t FAST_FUNC __wrap_safe_write(int fd, const void *bytes, size_t len);
ssize_t FAST_FUNC __wrap_safe_write(int fd, const void *bytes, size_t len)
{
	if (fd != FAKE_FD || !opened[0])
		abort();
	put_write(&done, bytes, len);
	errno = EINVAL;
	switch (last_of(opened, strlen(opened))) {
	case 'y':
		return len - 1;
	case 'z':
		return -1;
	}
	return len;
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
	if (fd != FAKE_FD)
		return __real_close(fd);
	opened[0] = '\0';
	return 0;
}

/* A stretch of the script */
struct span {
	const char *at, *end;
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_blanks(struct span *span)
{
	while (span->at < span->end && is_blank(*span->at))
		span->at++;
}

static void cut_blanks(struct span *span)
{
	while (span->end > span->at && is_blank(span->end[-1]))
		span->end--;
}

/* At an opening quote: what is within the quotes, which are passed. */
static bool quoted(struct span *rest, struct span *word)
{
	const char *close = memchr(rest->at + 1, *rest->at, rest->end - rest->at - 1);

	if (!close)
		return false;
	*word = (struct span){ rest->at + 1, close };
	rest->at = close + 1;
	return true;
}

static bool begins_with_quote(const struct span *rest)
{
	return rest->at < rest->end && (*rest->at == '"' || *rest->at == '\'');
}

/* Up to the first > behind a blank or at the beginning, which is where the rest begins then */
static bool oracle_value(struct span *rest, struct span *value)
{
	const char *to;

	if (begins_with_quote(rest)) {
		if (!quoted(rest, value))
			return false;
		skip_blanks(rest);
		return true;
	}
	for (to = rest->at; to < rest->end; to++)
		if (*to == '>' && (to == rest->at || is_blank(to[-1])))
			break;
	*value = (struct span){ rest->at, to };
	cut_blanks(value);
	rest->at = to;
	return true;
}

/* All of the rest, without another redirection in it */
static bool oracle_path(struct span *rest, struct span *path)
{
	const char *at;

	if (begins_with_quote(rest))
		return quoted(rest, path) && path->end > path->at && rest->at == rest->end;
	*path = *rest;
	for (at = path->at; at < path->end; at++)
		if (*at == '>' && (at == path->at || is_blank(at[-1])))
			return false;
	return path->end > path->at;
}

static bool is_under(const struct span *path, const char *folder)
{
	size_t len = strlen(folder);

	return (size_t)(path->end - path->at) >= len && memcmp(path->at, folder, len) == 0;
}

/* Opens and writes, as far as the path's last letter lets it come. */
static bool oracle_write(const struct span *value, const struct span *path, bool append)
{
	char last = last_of(path->at, path->end - path->at);

	put_open(&wanted, append, !is_under(path, "/proc/") && !is_under(path, "/sys/"),
		path->at, path->end - path->at);
	if (last == 'x')
		return false;
	put_write(&wanted, value->at, value->end - value->at);
	put_text(&wanted, "\n");
	return last != 'y' && last != 'z';
}

/* True when the line succeeds. */
static bool oracle_command(struct span rest, bool check_only)
{
	struct span value, path;
	bool append;

	if (rest.end - rest.at < 5 || memcmp(rest.at, "echo", 4) != 0 || !is_blank(rest.at[4]))
		return false;
	rest.at += 5;
	skip_blanks(&rest);
	if (!oracle_value(&rest, &value) || rest.at == rest.end || *rest.at != '>')
		return false;
	rest.at++;
	append = rest.at < rest.end && *rest.at == '>';
	rest.at += append;
	skip_blanks(&rest);
	if (!oracle_path(&rest, &path))
		return false;
	return check_only || oracle_write(&value, &path, append);
}

/* True when the line succeeds, or may fail. */
static bool oracle_line(struct span line, bool check_only)
{
	bool may_fail = *line.at == '-';

	if (may_fail) {
		line.at++;
		skip_blanks(&line);
	}
	return oracle_command(line, check_only) || (may_fail && !check_only);
}

/* The exit status. A NUL ends a line, as a newline does. */
static int oracle_script(bool check_only)
{
	const char *end = script + script_len;
	struct span line = { script, script };
	int status = EXIT_SUCCESS;

	for (; line.at < end; line.at = line.end + 1) {
		struct span command;

		line.end = line.at;
		while (line.end < end && *line.end != '\n' && *line.end != '\0')
			line.end++;
		command = line;
		skip_blanks(&command);
		cut_blanks(&command);
		if (command.at < command.end && *command.at != '#' && !oracle_line(command, check_only))
			status = EXIT_FAILURE;
	}
	return status;
}

static void compare(int status, int wanted_status)
{
	if (status == wanted_status && !opened[0] && done.len == wanted.len
	 && memcmp(done.text, wanted.text, done.len) == 0
	) {
		return;
	}
	fprintf(stderr, "ktsh-lite and the oracle differ. Status %d, wanted %d; done:\n%.*s\nwanted:\n%.*s\n",
		status, wanted_status, (int)done.len, done.text, (int)wanted.len, wanted.text);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *with_n[] = { (char *)"ktsh-lite", (char *)"-n", (char *)"script", NULL };
	char *without[] = { (char *)"ktsh-lite", (char *)"script", NULL };
	bool check_only;
	int status;

	if (len < 2 || len > SCRIPT_MAX)
		return 0;
	check_only = bytes[0] & 1;
	script = (const char *)bytes + 1;
	script_len = len - 1;
	done.len = wanted.len = 0;
	logmode = LOGMODE_NONE;
	status = check_only ? ktsh_lite_main(3, with_n) : ktsh_lite_main(2, without);
	compare(status, oracle_script(check_only));
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktsh-lite: run the small scripts that prepare a machine for a scheduler and clean up after it.
 *
 * In:   files with lines "echo VALUE > PATH" or ">> PATH"; blank lines and lines from # on are skipped.
 *       Quotes around VALUE or PATH are removed, nothing is expanded, and no process is started. VALUE may be
 *       empty, and PATH, the rest of the line, may have blanks. A line "-echo ..." may fail, as in make.
 * Out:  VALUE and a newline in PATH, in one write(2) per line.
 * Ends: at the end of the last file. A line that fails is reported with its file and number, and the script
 *       continues: the lines are settings that do not depend on each other (as in ktstr).
 * Exit: 0 all lines done but for those that may fail, or no such FILE (an optional hook); 1 a line or a file failed,
 *       or bad usage.
 */
//config:config KTSH_LITE
//config:	bool "ktsh-lite"
//config:	default y
//config:	help
//config:	Run scripts of "echo VALUE > PATH" lines without a shell; report a
//config:	line that fails, and continue.

//applet:IF_KTSH_LITE(APPLET_ODDNAME(ktsh-lite, ktsh_lite, BB_DIR_USR_BIN, BB_SUID_DROP, ktsh_lite))

//kbuild:lib-$(CONFIG_KTSH_LITE) += ktsh_lite.o

//usage:#define ktsh_lite_trivial_usage
//usage:       "[-n] FILE..."
//usage:#define ktsh_lite_full_usage "\n\n"
//usage:       "Run scripts of lines: echo VALUE > PATH, or >> PATH; a line -echo may fail\n"
//usage:     "\n	-n	Check the lines, write nothing"

#include "libbb.h"

struct command {
	char *value;
	char *path;
	bool append;
};

struct count {
	unsigned ok, failed, ignored;
};

static bool is_quote(char c)
{
	return c == '"' || c == '\'';
}

/* The text without the quotes that it is in; NULL when a quote is not closed, or more follows it. */
static char *unquoted(char *text)
{
	char *end;

	if (!is_quote(text[0]))
		return text;
	end = strchr(text + 1, text[0]);
	if (!end || end[1] != '\0')
		return NULL;
	*end = '\0';
	return text + 1;
}

/* Where the redirection of an unquoted value begins: at a > after white space, or at the beginning */
static char *find_redirection(char *text)
{
	char *at = text;

	while ((at = strchr(at, '>')) != NULL && at > text && !isspace(at[-1]))
		at++;
	return at;
}

/* A path has blanks as it is; but what looks like a second redirection is a mistake. */
static char *cut_path(char *text)
{
	return !is_quote(text[0]) && find_redirection(text) ? NULL : unquoted(text);
}

/* Cuts the value off at *rest and leaves *rest at the > after it. NULL when there is none. */
static char *cut_value(char **rest)
{
	char *value = *rest;
	char *redirection, *end;

	if (is_quote(value[0])) {
		end = strchr(value + 1, value[0]);
		if (!end)
			return NULL;
		*end = '\0';
		*rest = skip_whitespace(end + 1);
		return value + 1;
	}
	redirection = find_redirection(value);
	if (!redirection)
		return NULL;
	end = redirection;
	while (end > value && isspace(end[-1]))
		end--;
	*rest = redirection;
	if (end == redirection) /* empty: its end would hide the > */
		return (char *)"";
	*end = '\0';
	return value;
}

/* Parses the line in place. False when it has another form. */
static bool parse(char *line, struct command *command)
{
	char *rest = line;

	if (!is_prefixed_with(rest, "echo") || !isspace(rest[4]))
		return false;
	rest = skip_whitespace(rest + 4);
	command->value = cut_value(&rest);
	if (!command->value || *rest != '>')
		return false;
	command->append = *++rest == '>';
	rest = skip_whitespace(rest + command->append);
	command->path = cut_path(rest);
	return command->path && command->path[0];
}

static bool is_kernel_file(const char *path)
{
	return is_prefixed_with(path, "/proc/") || is_prefixed_with(path, "/sys/");
}

/* 0, or -1 and errno */
static int carry_out(const struct command *command)
{
	int flags = O_WRONLY | O_NOCTTY | O_CLOEXEC | (command->append ? O_APPEND : O_TRUNC);
	char *text;
	ssize_t len, written;
	int fd, saved_errno;

	if (!is_kernel_file(command->path)) /* a missing file there is a typo, or a kernel without the setting */
		flags |= O_CREAT;
	fd = open(command->path, flags, 0666);
	if (fd < 0)
		return -1;
	text = xasprintf("%s\n", command->value);
	len = strlen(text);
	written = safe_write(fd, text, len);
	saved_errno = written < 0 ? errno : EIO; /* of a short write */
	free(text);
	if (close(fd) == 0 && written == len)
		return 0;
	errno = saved_errno;
	return -1;
}

/* NULL, or why the line could not be run, malloc'ed. */
static char *run_line(char *line, bool check_only)
{
	struct command command;
	char *copy = xstrdup(line);
	char *error = NULL;

	if (!parse(line, &command))
		error = xasprintf("unable to run '%s': not echo VALUE > PATH", copy);
	else if (!check_only && carry_out(&command) < 0)
		error = xasprintf("unable to write '%s' to '%s': %s", command.value, command.path, strerror(errno));
	free(copy);
	return error;
}

/* "-echo ..." may fail. -n finds a line of another form all the same. */
static void run_and_count(char *line, const char *file, unsigned number, bool check_only, struct count *count)
{
	bool may_fail = line[0] == '-';
	char *error = run_line(may_fail ? skip_whitespace(line + 1) : line, check_only);

	if (!error) {
		count->ok++;
		return;
	}
	may_fail &= !check_only;
	bb_error_msg("%s:%u: %s%s", file, number, may_fail ? "ignored: " : "", error);
	if (may_fail)
		count->ignored++;
	else
		count->failed++;
	free(error);
}

static char *trim_line(char *line)
{
	char *start = skip_whitespace(line);

	trim(start);
	return start;
}

static void run_script(FILE *script, const char *file, bool check_only, struct count *count)
{
	unsigned number = 0;
	char *line;

	while ((line = xmalloc_fgetline(script)) != NULL) {
		char *text = trim_line(line);

		number++;
		if (text[0] != '\0' && text[0] != '#')
			run_and_count(text, file, number, check_only, count);
		free(line);
	}
}

static bool run_file(const char *file, bool check_only)
{
	struct count count = { 0, 0, 0 };
	FILE *script = fopen_for_read(file);
	bool read_well;

	if (!script) {
		if (errno == ENOENT)
			return true;
		bb_perror_msg("unable to open '%s'", file);
		return false;
	}
	errno = 0;
	run_script(script, file, check_only, &count);
	read_well = !ferror(script);
	if (!read_well)
		bb_perror_msg("unable to read '%s'", file);
	fclose(script);
	if (count.ignored)
		bb_error_msg("%s: %u ok, %u failed, %u ignored", file, count.ok, count.failed, count.ignored);
	else
		bb_error_msg("%s: %u ok, %u failed", file, count.ok, count.failed);
	return read_well && count.failed == 0;
}

int ktsh_lite_main(int argc, char **argv) MAIN_EXTERNALLY_VISIBLE;
int ktsh_lite_main(int argc UNUSED_PARAM, char **argv)
{
	enum { OPT_CHECK = 1 << 0 };
	bool check_only = getopt32(argv, "^n\0-1") & OPT_CHECK;
	int result = EXIT_SUCCESS;

	for (argv += optind; *argv; argv++)
		if (!run_file(*argv, check_only))
			result = EXIT_FAILURE;
	return result;
}

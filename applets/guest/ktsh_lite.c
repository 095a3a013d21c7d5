/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktsh-lite: run the tiny scripts that prepare a machine for a scheduler and clean up behind it.
 *
 * In:   files with lines "echo VALUE > PATH" or ">> PATH"; blank lines and lines from # on are skipped.
 *       Quotes around VALUE or PATH are removed, nothing is expanded, and no process is started.
 * Out:  VALUE and a newline in PATH, in one write(2) a line.
 * Ends: at the end of the last file. A failing line is told with its file and number, and the script goes
 *       on: the lines are settings that do not depend on each other (the reference's way, and its
 *       reason).
 * Exit: 0 all lines done, or no such FILE (a hook that isn't there); 1 a line or a file failed, or bad
 *       usage.
 */
//config:config KTSH_LITE
//config:	bool "ktsh-lite"
//config:	default y
//config:	help
//config:	Run scripts of "echo VALUE > PATH" lines without a shell, going on
//config:	after a line that fails and telling of it.

//applet:IF_KTSH_LITE(APPLET_ODDNAME(ktsh-lite, ktsh_lite, BB_DIR_USR_BIN, BB_SUID_DROP, ktsh_lite))

//kbuild:lib-$(CONFIG_KTSH_LITE) += ktsh_lite.o

//usage:#define ktsh_lite_trivial_usage
//usage:       "[-n] FILE..."
//usage:#define ktsh_lite_full_usage "\n\n"
//usage:       "Run scripts of lines: echo VALUE > PATH, or >> PATH\n"
//usage:     "\n	-n	Check the lines, write nothing"

#include "libbb.h"

struct command {
	char *value;
	char *path;
	bool append;
};

struct count {
	unsigned ok, failed;
};

static bool is_quote(char c)
{
	return c == '"' || c == '\'';
}

/* Cuts a word off at *rest: up to its closing quote, or up to white space. NULL when a quote is not
 * closed. */
static char *cut_path(char **rest)
{
	char *word = *rest;
	char *end;

	if (is_quote(word[0])) {
		end = strchr(word + 1, word[0]);
		word++;
	} else {
		end = skip_non_whitespace(word);
	}
	if (!end)
		return NULL;
	*rest = end;
	if (*end)
		*(*rest)++ = '\0';
	return word;
}

/* Where the redirection of an unquoted value begins: a > that stands behind white space */
static char *find_redirection(char *text)
{
	char *at = text;

	while ((at = strchr(at, '>')) != NULL && !(at > text && isspace(at[-1])))
		at++;
	return at;
}

/* Cuts the value off at *rest and leaves *rest at the > behind it. NULL when there is none. */
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
	*end = '\0';
	*rest = redirection;
	return end > value ? value : NULL;
}

/* Takes the line apart in place. False when it is none of ours. */
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
	command->path = cut_path(&rest);
	return command->path && command->path[0] && *skip_whitespace(rest) == '\0';
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

	if (!is_kernel_file(command->path)) /* there a missing file is a typo, or a kernel without the setting */
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

static bool run_line(char *line, const char *file, unsigned number, bool check_only)
{
	struct command command;
	char *copy = xstrdup(line);
	bool ok = parse(line, &command);

	if (!ok)
		bb_error_msg("%s:%u: unable to run '%s': not echo VALUE > PATH", file, number, copy);
	else if (!check_only && carry_out(&command) < 0) {
		bb_perror_msg("%s:%u: unable to write '%s' to '%s'", file, number, command.value, command.path);
		ok = false;
	}
	free(copy);
	return ok;
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
		if (text[0] != '\0' && text[0] != '#') {
			if (run_line(text, file, number, check_only))
				count->ok++;
			else
				count->failed++;
		}
		free(line);
	}
}

static bool run_file(const char *file, bool check_only)
{
	struct count count = { 0, 0 };
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

/* SPDX-License-Identifier: GPL-2.0-only */
/* Pid files in KT_RUN_DIR. In: a process id. Out: its decimal digits and a newline in DIR/NAME, and back. */
//kbuild:lib-y += pid_file.o

#include "run_dir.h"
#include "pid_file.h"

void FAST_FUNC kt_pid_file_write_or_warn(const char *name, pid_t pid)
{
	char *path = kt_run_path(name);
	char *text = xasprintf("%d\n", (int)pid);
	ssize_t len = strlen(text);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || full_write(fd, text, len) != len)
		bb_perror_msg("unable to write '%s'", path);
	if (fd >= 0)
		close(fd);
	free(text);
	free(path);
}

pid_t FAST_FUNC kt_pid_file_read(const char *name)
{
	char text[sizeof("2147483647\n")];
	char *path = concat_path_file(kt_run_dir(), name);
	ssize_t len = open_read_close(path, text, sizeof(text) - 1);
	int pid;

	free(path);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	chomp(text);
	pid = bb_strtou(text, NULL, 10);
	return errno == 0 && pid > 0 ? pid : 0;
}

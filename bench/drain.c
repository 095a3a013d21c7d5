/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * drain FROM TO: what `cat FROM >TO` does, with a clock.
 * In: FROM, a trace_pipe. Out: TO; a line "MS BYTES": from the first read that had something to the last one.
 * Ends: when nothing came for a second. Exit: 0; 1.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
	struct pollfd from = { .events = POLLIN };
	long first = 0, last = 0, total = 0;
	char bytes[65536];
	ssize_t len;
	int to;

	if (argc != 3)
		return 1;
	from.fd = open(argv[1], O_RDONLY | O_NONBLOCK);
	to = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (from.fd < 0 || to < 0)
		return 1;
	while (poll(&from, 1, first ? 1000 : 60000) > 0) {
		while ((len = read(from.fd, bytes, sizeof(bytes))) > 0) {
			if (!first)
				first = now_us();
			if (write(to, bytes, len) != len)
				return 1;
			total += len;
			last = now_us();
		}
	}
	printf("%ld %ld\n", (last - first) / 1000, total);
	return 0;
}

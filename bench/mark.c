/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mark: a payload that tells when it was reached.
 * In: the kernel's log, in which its own first instruction is noted. Out: microseconds from the kernel's "Run
 * /init" to it. Exit: 0; 1 when the log has not both.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char own_note[] = "<7>ktbox-bench: payload\n";

int main(void)
{
	int fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK);
	unsigned long long run = 0, own = 0, stamp;
	char record[8192];
	ssize_t len;

	if (fd < 0 || write(fd, own_note, sizeof(own_note) - 1) < 0)
		return 1;
	while ((len = read(fd, record, sizeof(record) - 1)) > 0) {
		record[len] = '\0';
		if (sscanf(record, "%*[^,],%*[^,],%llu", &stamp) != 1)
			continue;
		if (strstr(record, ";Run /init"))
			run = stamp;
		if (strstr(record, ";ktbox-bench: payload"))
			own = stamp;
	}
	if (!run || !own)
		return 1;
	printf("%llu\n", own - run);
	return 0;
}

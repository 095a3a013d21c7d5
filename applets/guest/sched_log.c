/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sends a scheduler-log block.
 *
 * In:  a log file of any size and any bytes. Out: START, chunks, END frames, under the lock that all senders of
 *      logs take. Memory: one chunk, however large the log is.
 */
//kbuild:lib-y += sched_log.o

#include <sys/file.h>
#include "run_dir.h"
#include "sched_log.h"

#define LOCK_NAME "sched-log.lock"

/* A descriptor to close when the block is sent. -1 when there is no run directory and none can be made: then this
 * is no guest, and there are no other senders. */
static int lock_log(void)
{
	int fd = kt_run_open(LOCK_NAME, O_RDWR);

	if (fd >= 0)
		while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
			continue;
	return fd;
}

static void unlock_log(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void send_chunk(int port, struct kt_out *out, uint32_t len)
{
	if (kt_port_send(port, out, KT_SCHED_LOG, len) < 0)
		bb_simple_perror_msg_and_die("unable to write sched-log frame");
}

static bool is_marker(const uint8_t *chunk, uint32_t len)
{
	return (len == sizeof(KT_LOG_START) - 1 && memcmp(chunk, KT_LOG_START, len) == 0)
		|| (len == sizeof(KT_LOG_END) - 1 && memcmp(chunk, KT_LOG_END, len) == 0);
}

/* Sends a chunk that equals a marker in two frames: else a log could end its block, and forge another. */
static void send_log_bytes(int port, struct kt_out *out, uint32_t len)
{
	if (!is_marker(out->payload, len)) {
		send_chunk(port, out, len);
		return;
	}
	send_chunk(port, out, 1);
	memmove(out->payload, out->payload + 1, len - 1);
	send_chunk(port, out, len - 1);
}

/* 0, or -1 after a read error. A pipe or a device has no size, so it is read to its end. */
static int send_contents(int port, struct kt_out *out, int fd)
{
	struct stat st;
	uint64_t left = UINT64_MAX;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		left = st.st_size;
	while (left > 0) {
		ssize_t len = full_read(fd, out->payload, MIN(left, (uint64_t)KT_PAYLOAD_MAX));

		if (len < 0)
			return -1;
		if (len == 0)
			break;
		send_log_bytes(port, out, len);
		left -= len;
	}
	return 0;
}

int FAST_FUNC kt_sched_log_send(int port, const char *path)
{
	struct kt_out out;
	int lock = lock_log();
	int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	int result = 0;

	if (fd < 0) {
		bb_perror_msg("unable to open '%s'", path);
		result = -1;
	}
	kt_port_xsend(port, KT_SCHED_LOG, KT_LOG_START, sizeof(KT_LOG_START) - 1);
	if (fd >= 0 && send_contents(port, &out, fd) < 0) {
		bb_perror_msg("unable to read '%s'", path);
		result = -1;
	}
	kt_port_xsend(port, KT_SCHED_LOG, KT_LOG_END, sizeof(KT_LOG_END) - 1);
	if (fd >= 0)
		close(fd);
	unlock_log(lock);
	return result;
}

void FAST_FUNC kt_sched_log_send_text(int port, const char *text)
{
	struct kt_out out;
	int lock = lock_log();
	size_t len = strnlen(text, KT_PAYLOAD_MAX);

	memcpy(out.payload, text, len);
	send_log_bytes(port, &out, len);
	unlock_log(lock);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stats frames: texts of the kernel under a name each, at one moment.
 *
 * In:  files of the kernel. Out: frames, each with one write(2). Their form: stats_frame.h.
 */
//kbuild:lib-$(CONFIG_KTWATCH) += stats_frame.o

#include <sys/random.h>
#include "port_interrupt.h"
#include "process.h"
#include "stats_frame.h"

enum { HEAD_MAX = 64 }; /* "@NAME LENGTH\n" and the newline after the bytes; names are ours, of at most 40 bytes */

/* Such bytes come at once, in a young guest too (Linux 5.6); another program of the guest must not guess them, and no
 * more. */
static uint64_t random_token(void)
{
	uint64_t token;

	if (getrandom(&token, sizeof(token), GRND_INSECURE) != sizeof(token))
		bb_simple_perror_msg_and_die("unable to get random bytes");
	return token;
}

void FAST_FUNC kt_stats_init(struct kt_stats *stats, const char *root, int port, bool *term_came)
{
	stats->token = random_token();
	stats->root = root;
	stats->port = port;
	stats->term_came = term_came;
}

static void begin_frame(struct kt_stats *stats)
{
	kt_put_u64(stats->out.payload, stats->ms);
	stats->used = KT_STAMP_LEN + sprintf((char *)stats->out.payload + KT_STAMP_LEN, "%s %u %016llx\n", stats->kind,
		(unsigned)stats->sent + 1, (unsigned long long)stats->token);
}

static void send_frame(struct kt_stats *stats)
{
	int sent;

	if (stats->finishes)
		sent = kt_port_send(stats->port, &stats->out, KT_STATS, stats->used);
	else
		sent = kt_port_send_until(stats->port, &stats->out, KT_STATS, stats->used, KT_NEVER, stats->term_came);
	if (sent < 0 && errno == EINTR) /* TERM came: the end is sent, this frame is not */
		return;
	if (sent < 0)
		bb_simple_perror_msg_and_die("unable to write frame 'stats'");
	stats->sent++;
}

void FAST_FUNC kt_stats_open(struct kt_stats *stats, const char *kind)
{
	stats->kind = kind;
	stats->ms = kt_now_ms();
	begin_frame(stats);
}

void FAST_FUNC kt_stats_close(struct kt_stats *stats)
{
	send_frame(stats);
}

void FAST_FUNC kt_stats_section(struct kt_stats *stats, const char *name, const char *bytes, size_t len)
{
	do {
		size_t space, piece;
		char *out;

		if (stats->used + HEAD_MAX >= KT_PAYLOAD_MAX) {
			send_frame(stats);
			begin_frame(stats);
		}
		space = KT_PAYLOAD_MAX - stats->used - HEAD_MAX;
		piece = MIN(len, space);
		out = (char *)stats->out.payload + stats->used;
		out += sprintf(out, "@%s %u\n", name, (unsigned)piece);
		out = mempcpy(out, bytes, piece);
		*out++ = '\n';
		stats->used = out - (char *)stats->out.payload;
		bytes += piece;
		len -= piece;
	} while (len > 0);
}

void FAST_FUNC kt_stats_text(struct kt_stats *stats, const char *name, const char *text)
{
	kt_stats_section(stats, name, text, strlen(text));
}

void FAST_FUNC kt_stats_absent(struct kt_stats *stats, const char *name, const char *reason)
{
	char *line = xasprintf("%s: %s\n", name, reason);

	kt_stats_text(stats, "absent", line);
	free(line);
}

static int open_file(const struct kt_stats *stats, const char *path)
{
	char name[PATH_MAX];

	if (snprintf(name, sizeof(name), "%s/%s", stats->root, path) >= (int)sizeof(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(name, O_RDONLY | O_NOCTTY | O_CLOEXEC);
}

bool FAST_FUNC kt_stats_has(const struct kt_stats *stats, const char *path)
{
	int fd = open_file(stats, path);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool is_wanted(const char *line, const char *const *keep)
{
	unsigned i;

	for (i = 0; i < 3 && keep[i]; i++)
		if (is_prefixed_with(line, keep[i]))
			return true;
	return false;
}

/* Returns the new length. TEXT ends with a NUL. */
static size_t keep_lines(char *text, const char *const *keep)
{
	char *to = text, *line = text;

	while (*line) {
		char *end = strchrnul(line, '\n');
		size_t len = end - line + (*end != '\0');

		if (is_wanted(line, keep)) {
			memmove(to, line, len);
			to += len;
		}
		line += len;
	}
	return to - text;
}

static ssize_t put_kept(struct kt_stats *stats, const char *name, int fd, const char *const *keep)
{
	ssize_t len = full_read(fd, stats->text, sizeof(stats->text) - 1);

	if (len < 0)
		return len;
	stats->text[len] = '\0';
	kt_stats_section(stats, name, stats->text, keep_lines(stats->text, keep));
	return 0;
}

static ssize_t put_all(struct kt_stats *stats, const char *name, int fd)
{
	ssize_t len = full_read(fd, stats->text, sizeof(stats->text));

	if (len < 0)
		return len;
	do
		kt_stats_section(stats, name, stats->text, len);
	while (len == sizeof(stats->text) && (len = full_read(fd, stats->text, sizeof(stats->text))) > 0);
	return 0;
}

void FAST_FUNC kt_stats_file(struct kt_stats *stats, const char *name, const char *path, const char *const *keep)
{
	int fd = open_file(stats, path);
	ssize_t result = fd;

	if (fd >= 0)
		result = keep && keep[0] ? put_kept(stats, name, fd, keep) : put_all(stats, name, fd);
	if (result < 0)
		kt_stats_absent(stats, name, strerror(errno));
	if (fd >= 0)
		close(fd);
}

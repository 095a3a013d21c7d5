/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The statistics that a scheduler of the scx project serves.
 *
 * In:  its unix socket. Out: its answers, as they are.
 */
//kbuild:lib-$(CONFIG_KTWATCH) += scx_stats.o

#include "scx_stats.h"
#include "unix_socket.h"

static const char request[] = "{\"req\":\"stats\",\"args\":{\"target\":\"top\"}}\n";

void FAST_FUNC kt_scx_stats_init(struct kt_scx_stats *s, const char *root)
{
	snprintf(s->path, sizeof(s->path), "%s/var/run/scx/root/stats", root);
	s->fd = -1;
}

static void disconnect(struct kt_scx_stats *s)
{
	close(s->fd);
	s->fd = -1;
	s->asked = false;
}

void FAST_FUNC kt_scx_stats_ask(struct kt_scx_stats *s)
{
	if (s->asked)
		return;
	s->problem = NULL;
	if (s->fd < 0)
		s->fd = kt_unix_connect(s->path);
	if (s->fd < 0) {
		if (errno != ENOENT) /* most schedulers serve none */
			s->problem = strerror(errno);
		return;
	}
	s->used = 0;
	s->asked = send(s->fd, request, sizeof(request) - 1, MSG_NOSIGNAL) == sizeof(request) - 1;
	if (!s->asked) {
		s->problem = "the scheduler does not take a request";
		disconnect(s);
	}
}

bool FAST_FUNC kt_scx_stats_read(struct kt_scx_stats *s)
{
	ssize_t len = safe_read(s->fd, s->answer + s->used, sizeof(s->answer) - s->used);
	char *end;

	if (len < 0 && errno == EAGAIN)
		return false;
	if (len <= 0) {
		if (s->asked)
			s->problem = "the scheduler has closed the connection before its answer ended";
		disconnect(s);
		return false;
	}
	end = memchr(s->answer + s->used, '\n', len);
	s->used += len;
	if (s->asked && end) {
		*end = '\0';
		s->asked = false;
		return true;
	}
	if (s->asked && s->used == sizeof(s->answer))
		s->problem = "the scheduler's answer has no end within 256 KiB";
	if (!s->asked || s->problem) /* nobody asked, or it is endless */
		disconnect(s);
	return false;
}

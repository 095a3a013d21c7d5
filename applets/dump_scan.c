/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a sched_ext dump starts and ends in a trace.
 *
 * In:  the bytes of trace_pipe, cut anywhere. Out: started and complete, once for each dump.
 * Source of the markers: docs/wire.md; every line of a dump carries the tracepoint's name, and on kernels of 7.1 and
 * later the event counter SCX_EV_SUB_BYPASS_DISPATCH is a dump's last line.
 */
#include "dump_scan.h"

static const char start_marker[] = "sched_ext_dump:";
static const char *const end_markers[] = { "SCX_EV_SUB_BYPASS_DISPATCH", "~~~~ TRUNCATED ~~~~" };

static bool line_has(const struct kt_dump_scan *scan, const char *marker)
{
	return memmem(scan->line, scan->len, marker, strlen(marker)) != NULL;
}

static bool line_has_end(const struct kt_dump_scan *scan)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(end_markers); i++)
		if (line_has(scan, end_markers[i]))
			return true;
	return false;
}

static void keep_tail(struct kt_dump_scan *scan)
{
	scan->end_seen |= line_has_end(scan);
	memmove(scan->line, scan->line + scan->len - KT_DUMP_TAIL, KT_DUMP_TAIL);
	scan->len = KT_DUMP_TAIL;
}

/* Takes bytes up to the line's end, or as many as there is room for. */
static size_t take(struct kt_dump_scan *scan, const char *bytes, size_t len)
{
	const char *newline = memchr(bytes, '\n', len);
	size_t taken = newline ? (size_t)(newline - bytes) : len;

	if (scan->len == KT_DUMP_LINE_MAX)
		keep_tail(scan);
	taken = MIN(taken, KT_DUMP_LINE_MAX - scan->len);
	memcpy(scan->line + scan->len, bytes, taken);
	scan->len += taken;
	return taken;
}

static enum kt_dump_event end_line(struct kt_dump_scan *scan)
{
	bool end = scan->end_seen || line_has_end(scan);

	scan->len = 0;
	scan->end_seen = false;
	if (!end)
		return KT_DUMP_NONE;
	scan->open = false;
	return KT_DUMP_COMPLETE;
}

size_t FAST_FUNC kt_dump_scan(struct kt_dump_scan *scan, const char *bytes, size_t len, enum kt_dump_event *event)
{
	size_t at = 0;

	*event = KT_DUMP_NONE;
	while (at < len && *event == KT_DUMP_NONE) {
		at += take(scan, bytes + at, len - at);
		if (!scan->open && line_has(scan, start_marker)) {
			scan->open = true;
			*event = KT_DUMP_STARTED;
		} else if (at < len && bytes[at] == '\n') {
			at++;
			*event = end_line(scan);
		}
	}
	return at;
}

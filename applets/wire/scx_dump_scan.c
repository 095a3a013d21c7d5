/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a sched_ext dump starts and ends in a trace, and what it says of itself.
 *
 * In:  the bytes of trace_pipe, cut anywhere. Out: started and ended, once for each dump; its type, its
 *      numbers.
 * Source: scx_dump_state() in kernel/sched/ext.c, and the samples in test/data. Every line carries the
 *         tracepoint's
 * name. A dump ends with its event counters, in the order of root/events (6.15 and later), or with the
 * CPU section.
 */
//kbuild:lib-y += scx_dump_scan.o
//kbuild:CFLAGS_scx_dump_scan.o := -O2

#include "scx_dump_scan.h"

static const char line_marker[] = "sched_ext_dump:";
static const char default_counter[] = "SCX_EV_SUB_BYPASS_DISPATCH";

const char *const kt_dump_rules[] = { "none", "counter", "truncated", "quiet", "state" };
const char *const kt_dump_types[] = { "unknown", "error", "sysrq" };

/* As memmem(3), which takes hundreds of instructions to prepare itself for a text, for each of a dump's
 * lines. */
static const char *find_from(const char *at, const struct kt_dump_scan *scan, const char *text)
{
	size_t text_len = strlen(text);
	const char *end = scan->line + scan->len;

	for (; (size_t)(end - at) >= text_len; at++) {
		at = memchr(at, text[0], end - at - text_len + 1);
		if (!at || memcmp(at, text, text_len) == 0)
			return at;
	}
	return NULL;
}

static const char *find_in_line(const struct kt_dump_scan *scan, const char *text)
{
	return find_from(scan->line, scan, text);
}

static enum kt_dump_rule end_marker_from(const char *at, const struct kt_dump_scan *scan)
{
	const char *counter = scan->counter[0] ? scan->counter : default_counter;

	if (find_from(at, scan, counter))
		return KT_RULE_COUNTER;
	return find_from(at, scan, "~~~~ TRUNCATED ~~~~") ? KT_RULE_TRUNCATED : KT_RULE_NONE;
}

static void keep_overlap(struct kt_dump_scan *scan)
{
	if (scan->line_rule == KT_RULE_NONE)
		scan->line_rule = end_marker_from(scan->line, scan);
	memmove(scan->line, scan->line + scan->len - KT_DUMP_LINE_OVERLAP, KT_DUMP_LINE_OVERLAP);
	scan->len = KT_DUMP_LINE_OVERLAP;
}

/* Takes bytes up to the line's end, or as many as there is room for. One byte of the line is left for a
 * NUL. */
static size_t copy_up_to_newline(struct kt_dump_scan *scan, const char *bytes, size_t len)
{
	const char *newline = memchr(bytes, '\n', len);
	size_t taken = newline ? (size_t)(newline - bytes) : len;

	if (taken > 0 && scan->len == KT_DUMP_LINE_MAX - 1)
		keep_overlap(scan);
	taken = MIN(taken, KT_DUMP_LINE_MAX - 1 - scan->len);
	memcpy(scan->line + scan->len, bytes, taken);
	scan->len += taken;
	return taken;
}

static void start_dump(struct kt_dump_scan *scan)
{
	scan->open = true;
	scan->number++;
	scan->type = KT_DUMP_UNKNOWN;
	scan->rule = KT_RULE_NONE;
	scan->kind = 0;
	scan->reason[0] = '\0';
	scan->reason_next = false;
	scan->cpus_seen = scan->lost > 0;
	scan->bytes = scan->lines = 0;
}

/* "CPU:0 [LOST 14988 EVENTS]", the trace's own line; without a number at least one is lost */
static void count_lost(struct kt_dump_scan *scan)
{
	const char *lost = find_in_line(scan, "[LOST ");
	unsigned long long count;

	if (!lost || !is_prefixed_with(scan->line, "CPU:"))
		return;
	count = strtoull(lost + sizeof("[LOST ") - 1, NULL, 10);
	scan->lost += count ? count : 1;
	scan->cpus_seen = true;
}

static void read_type(struct kt_dump_scan *scan, const char *text)
{
	const char *kind = strstr(text, "triggered exit kind ");

	if (kind) {
		scan->type = KT_DUMP_ERROR;
		scan->kind = (int)strtol(kind + sizeof("triggered exit kind ") - 1, NULL, 10);
		scan->reason_next = true;
	} else if (strstr(text, "Debug dump triggered by ")) {
		scan->type = KT_DUMP_SYSRQ;
	}
}

/* What the first lines of a dump say of it; they differ between kernels only in what stands around these
 * words. */
static void read_line(struct kt_dump_scan *scan, const char *text)
{
	if (*text == ' ')
		text++;
	if (scan->reason_next) {
		safe_strncpy(scan->reason, skip_whitespace(text), sizeof(scan->reason));
		scan->reason_next = false;
	} else if (scan->type == KT_DUMP_UNKNOWN) {
		read_type(scan, text);
	}
	if (is_prefixed_with(text, "CPU states"))
		scan->cpus_seen = true;
}

static enum kt_dump_event end_line(struct kt_dump_scan *scan)
{
	enum kt_dump_rule rule = scan->line_rule;
	const char *marker;

	scan->line[scan->len] = '\0';
	marker = find_in_line(scan, line_marker);
	if (!marker)
		count_lost(scan);
	else if (scan->open)
		read_line(scan, marker + sizeof(line_marker) - 1);
	if (scan->open)
		scan->lines++;
	if (rule == KT_RULE_NONE)
		rule = end_marker_from(marker ? marker : scan->line, scan);
	scan->len = 0;
	scan->line_rule = KT_RULE_NONE;
	if (rule == KT_RULE_NONE || !scan->open)
		return KT_DUMP_NONE;
	kt_dump_end(scan, rule);
	return KT_DUMP_ENDED;
}

size_t FAST_FUNC kt_dump_scan(struct kt_dump_scan *scan, const char *bytes, size_t len,
		enum kt_dump_event *event)
{
	size_t at = 0;

	*event = KT_DUMP_NONE;
	while (at < len && *event == KT_DUMP_NONE) {
		size_t before = at;

		at += copy_up_to_newline(scan, bytes + at, len - at);
		if (!scan->open && find_in_line(scan, line_marker)) {
			start_dump(scan);
			scan->bytes = scan->len;
			*event = KT_DUMP_STARTED;
			break;
		}
		if (at < len && bytes[at] == '\n') {
			at++;
			if (scan->open)
				scan->bytes += at - before;
			*event = end_line(scan);
		} else if (scan->open) {
			scan->bytes += at - before;
		}
	}
	return at;
}

void FAST_FUNC kt_dump_end(struct kt_dump_scan *scan, enum kt_dump_rule rule)
{
	scan->open = false;
	scan->rule = rule;
}

bool FAST_FUNC kt_dump_is_complete(const struct kt_dump_scan *scan)
{
	/* where there are counters, an end without them has lost them */
	bool whole = scan->rule == KT_RULE_COUNTER || (!scan->counter[0] && scan->rule > KT_RULE_TRUNCATED);

	return whole && scan->lost == 0;
}

bool FAST_FUNC kt_dump_may_end_quietly(const struct kt_dump_scan *scan)
{
	return scan->open && !scan->counter[0] && scan->cpus_seen;
}

void FAST_FUNC kt_dump_learn(struct kt_dump_scan *scan, const char *events)
{
	const char *line, *next;

	for (line = events; (next = strchr(line, '\n')) != NULL && next[1]; line = next + 1)
		continue;
	safe_strncpy(scan->counter, line, MIN(strcspn(line, " \n") + 1, sizeof(scan->counter)));
}

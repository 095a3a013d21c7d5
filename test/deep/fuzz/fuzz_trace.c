/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktpipe's scanner (applets/wire/scx_dump_scan.c) and the removal of the trace's prefixes
 * (applets/wire/trace_prefix.c).
 *
 * In:  control bytes, then a trace. Even first byte: the rest is the trace as it is. Odd: the rest is a list
 *      of commands that make one, of markers and parts of them, other bytes, and very long lines. The second
 *      byte seeds the sizes of the pieces that the trace is fed in; odd: a counter's name was learnt.
 * Out: an abort where the scanner finds other events, texts or bytes in the same trace when it comes in pieces; where
 *      its events have an impossible order, or a dump's bytes and lines are not those it counts; where an end has no
 *      counter in its line; where what the kernel writes last does not end a dump, or a further line does not resume
 *      it; text of a line lost or changed with its prefix.
 */
#include "input.h"
#include "scx_dump_end.h"
#include "trace_prefix.h"

enum { TRACE_MAX = 8192, SENT_MAX = 4 * TRACE_MAX, EVENTS_MAX = TRACE_MAX };

struct event {
	enum kt_dump_event what;
	size_t sent_len; /* bytes of dumps so far */
	char text[KT_DUMP_REASON_MAX + 512]; /* of an end */
};

/* What has come of the scanner so far */
struct result {
	struct kt_dump_scan scan;
	unsigned count;
	struct event events[EVENTS_MAX];
	char sent[SENT_MAX];
	size_t sent_len, dump_from;
};

static char trace[TRACE_MAX];
static size_t trace_len;
static const char *last_counter;

static void expect(bool holds, const char *what, size_t at)
{
	if (holds)
		return;
	fprintf(stderr, "the scanner is wrong at %zu of %zu bytes: %s\n", at, trace_len, what);
	abort();
}

static void keep(struct result *result, const char *bytes, size_t len)
{
	expect(len <= SENT_MAX - result->sent_len, "more bytes of a dump than there are", 0);
	memcpy(result->sent + result->sent_len, bytes, len);
	result->sent_len += len;
}

/* The last line of the dump has the last counter. */
static void check_end(const struct result *result, size_t at)
{
	const char *end = result->sent + result->sent_len - 1;
	const char *line = memrchr(result->sent, '\n', result->sent_len - 1);

	line = line ? line + 1 : result->sent;
	expect(*end == '\n' && memmem(line, end - line, last_counter, strlen(last_counter)), "an end that is none", at);
	expect(result->scan.bytes == result->sent_len - result->dump_from, "another length of the dump", at);
}

static void note_event(struct result *result, enum kt_dump_event what, bool was_open, size_t at)
{
	struct event *event = &result->events[result->count++];
	char *text = kt_dump_end_text(&result->scan, 0);

	expect(result->count < EVENTS_MAX, "too many events", at);
	expect(was_open == (what == KT_DUMP_ENDED), "an event at a wrong time", at);
	expect(what != KT_DUMP_RESUMED || result->scan.number > 0, "it resumes what has not begun", at);
	event->what = what;
	event->sent_len = result->sent_len;
	safe_strncpy(event->text, what == KT_DUMP_ENDED ? text : "", sizeof(event->text));
	if (what == KT_DUMP_ENDED)
		check_end(result, at);
	free(text);
}

/* One piece, as ktpipe scans what it has read. */
static void feed(struct result *result, const char *bytes, size_t len)
{
	size_t at = 0;

	while (at < len) {
		bool was_open = result->scan.open;
		enum kt_dump_event event;
		size_t taken = kt_dump_scan(&result->scan, bytes + at, len - at, &event);

		expect(taken > 0 && taken <= len - at, "it takes nothing, or too much", at);
		if (event == KT_DUMP_STARTED)
			result->dump_from = result->sent_len;
		if (event == KT_DUMP_STARTED || event == KT_DUMP_RESUMED)
			keep(result, result->scan.line, result->scan.len);
		else if (was_open)
			keep(result, bytes + at, taken);
		at += taken;
		if (event != KT_DUMP_NONE)
			note_event(result, event, was_open, at);
	}
}

static size_t line_end(size_t from)
{
	const char *newline = memchr(trace + from, '\n', trace_len - from);

	return newline ? (size_t)(newline - trace) : trace_len;
}

/* The same for a part of the trace, which may have NULs: the place behind the words; 0 when they are not there. */
static size_t behind(const char *words, size_t from, size_t to)
{
	const char *at = memmem(trace + from, to - from, words, strlen(words));

	return at ? at - trace + strlen(words) : 0;
}

/* Half of the pieces end before a newline: what is known of the line by then must not matter. */
static size_t piece_at(size_t at, uint32_t *seed)
{
	size_t size = next_size(seed, trace_len - at);
	size_t end = line_end(at);

	return *seed >> 15 & 1 && end > at ? end - at : size;
}

static void scan_trace(struct result *result, uint32_t seed, bool whole, bool learnt)
{
	size_t at, size;

	memset(result, 0, sizeof(*result));
	if (learnt)
		kt_dump_learn(&result->scan, "SCX_EV_FIRST 3\nSCX_EV_LAST 0\n");
	for (at = 0; at < trace_len; at += size) {
		size = whole ? trace_len : piece_at(at, &seed);
		feed(result, trace + at, size);
	}
}

static void compare(const struct result *a, const struct result *b)
{
	unsigned i;

	expect(a->count == b->count && a->sent_len == b->sent_len, "pieces make other dumps", 0);
	expect(memcmp(a->sent, b->sent, a->sent_len) == 0, "pieces make other bytes", 0);
	for (i = 0; i < a->count; i++) {
		expect(a->events[i].what == b->events[i].what, "pieces make other events", i);
		expect(a->events[i].what == KT_DUMP_STARTED || a->events[i].sent_len == b->events[i].sent_len,
			"pieces make events elsewhere", i);
		expect(strcmp(a->events[i].text, b->events[i].text) == 0, "pieces make other texts", i);
	}
}

static void feed_line(struct result *result, const char *text)
{
	char line[256];

	feed(result, line, snprintf(line, sizeof(line), " a-1 [000] d.h2. 3.627533: sched_ext_dump: %s\n", text));
}

/* Whatever came before: the kernel's last lines end an open dump, and one more line resumes it. */
static void check_kernels_end(struct result *result)
{
	char counter[128];

	if (!result->scan.open)
		return;
	feed(result, "\n", 1); /* the end of what may be the first line of all */
	result->scan.first.known = false; /* the lines that follow are of no certain task */
	feed_line(result, "");
	feed_line(result, "Event counters");
	feed_line(result, "--------------");
	snprintf(counter, sizeof(counter), "%40s: %16d", last_counter, 3);
	feed_line(result, counter);
	expect(!result->scan.open && result->scan.rule == KT_RULE_COUNTER, "the kernel's end is none", 0);
	feed_line(result, "more words");
	expect(result->scan.open, "a dump is over before its last line", 0);
}

static void check_scan(uint32_t seed, bool learnt)
{
	static struct result whole, pieces;

	scan_trace(&whole, 0, true, learnt);
	scan_trace(&pieces, seed, false, learnt);
	compare(&whole, &pieces);
	check_kernels_end(&whole);
}

/* Of each line what follows the first name, if it stands in its head; what may still get one is kept back. */
static size_t model_strip(char *text)
{
	size_t from, end, at, len = 0;

	for (from = 0; from < trace_len; from = end) {
		end = MIN(line_end(from) + 1, trace_len);
		at = behind("sched_ext_dump: ", from, MIN(end, from + KT_PREFIX_MAX));
		if (at == 0 && trace[end - 1] != '\n' && end - from < KT_PREFIX_MAX)
			break;
		at = MAX(at, from);
		memcpy(text + len, trace + at, end - at);
		len += end - at;
	}
	return len;
}

static void check_strip(uint32_t seed)
{
	static char text[TRACE_MAX + KT_PREFIX_MAX], wanted[TRACE_MAX];
	struct kt_trace_prefix prefix = { .len = 0 };
	size_t at, size, given, len = 0;

	for (at = 0; at < trace_len; at += size) {
		size = piece_at(at, &seed);
		given = kt_trace_prefix_strip(&prefix, trace + at, size, text + len);
		expect(given <= size + KT_PREFIX_MAX, "more text than there is room for", at);
		len += given;
	}
	expect(len == model_strip(wanted) && memcmp(text, wanted, len) == 0, "other plain text", at);
}

static void add(const char *bytes, size_t len)
{
	len = MIN(len, TRACE_MAX - trace_len);
	memcpy(trace + trace_len, bytes, len);
	trace_len += len;
}

static void add_words(struct list *list)
{
	static const char *const words[] = {
		": sched_ext_dump: ", "\n  init-1     [001] d..1.     4.639654: sched_ext_dump: ",
		"\n  init-1     [001] d..1.     4.739654: sched_ext_dump: ",
		"a[1] triggered exit kind 1025:", "Debug dump triggered by SysRq-D", "CPU states", "Backtrace:",
		"SCX_EV_SUB_BYPASS_DISPATCH: 0", "SCX_EV_LAST:    3", "Event counters", "--------------",
		"demo: root", "demo: sub1-28 /a",
		"CPU:0 [LOST 14988 EVENTS]", "CPU:1 [LOST EVENTS]",
	};
	const char *text = words[next_byte(list) % ARRAY_SIZE(words)];

	add(text, strlen(text));
}

static void add_raw(struct list *list)
{
	size_t len;
	const uint8_t *bytes = next_bytes(list, &len);

	add((const char *)bytes, len);
}

/* Makes the last line as long as one of the limits, but for a byte or two. */
static void add_filling(struct list *list)
{
	static const size_t limits[] = {
		KT_PREFIX_MAX, KT_DUMP_LINE_MAX, KT_DUMP_HELD_MAX
	};
	const char *newline = memrchr(trace, '\n', trace_len);
	size_t from = newline ? newline + 1 - trace : 0;
	size_t to = from + limits[next_byte(list) % ARRAY_SIZE(limits)] - next_byte(list) % 4;

	while (trace_len < MIN(to, TRACE_MAX))
		trace[trace_len++] = '.';
}

static void make_trace(struct list *list)
{
	size_t lost;

	while (list->len > 0)
		switch (next_byte(list) % 8) {
		case 0:
		case 1:
		case 2:
			add_words(list);
			break;
		case 3: /* the end is lost */
			lost = next_byte(list) % 16;
			trace_len -= MIN(trace_len, lost);
			break;
		case 4:
			add_raw(list);
			break;
		case 5:
			add_filling(list);
			break;
		default:
			add("\n", 1);
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct list list = { bytes + 2, len - 2 };
	bool learnt;

	if (len < 2)
		return 0;
	trace_len = 0;
	if (bytes[0] & 1)
		make_trace(&list);
	else
		add((const char *)list.bytes, list.len);
	learnt = bytes[1] & 1;
	last_counter = learnt ? "SCX_EV_LAST" : "SCX_EV_SUB_BYPASS_DISPATCH";
	check_scan(bytes[1], learnt);
	check_strip(bytes[1]);
	return 0;
}
